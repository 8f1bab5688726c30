"""Numbers as people read them."""

UNITS = ((1_000_000_000, "G"), (1_000_000, "M"), (1_000, "k"))


def number(value: int) -> str:
    """176678 → 176,678."""
    return f"{value:,}"


def percent(part: float, whole: float) -> str:
    """A share of `whole`; neither a rest is called 0 % nor almost all of it 100 %."""
    share = 100 * part / whole if whole else 0.0
    if 0 < share < 0.1:
        return "<0.1 %"
    if 99.9 < share < 100:
        return ">99.9 %"
    return f"{share:.1f} %" if share not in (0, 100) else f"{share:.0f} %"


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
