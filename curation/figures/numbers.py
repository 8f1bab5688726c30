"""Numbers on the axes and in the cells of a figure, where room is short."""

from curation.text.numbers import number

UNITS = ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k"))


def short(value: float) -> str:
    """A number in at most four characters below 1000 G: 950, 1.5k, 12k, 177k, 2M."""
    for unit, letter in UNITS:
        if value >= unit * 0.9995:
            scaled = value / unit
            digits = f"{scaled:.1f}" if scaled < 9.95 else f"{scaled:.0f}"
            return digits.removesuffix(".0") + letter
    return f"{value:.0f}" if value >= 1 or value == 0 else f"{value:.2g}"


def edge(value: float) -> str:
    """The edge of a bin in full: 32,768 or 0.05."""
    return number(int(value)) if value == int(value) else f"{value:.3g}"


def step(largest: float) -> int:
    """A tick of 1, 2 or 5 times a power of ten, the greatest up to `largest` (1 or more)."""
    power = int(10 ** (len(str(int(largest))) - 1))
    return max(factor * power for factor in (1, 2, 5) if factor * power <= largest)
