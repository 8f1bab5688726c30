"""Numbers as people read them."""


def number(value: float) -> str:
    """176678 → 176,678; 3.14159 → 3.14."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.2f}"


def percent(share: float) -> str:
    """0.1234 → 12.3 %. What is not nothing is not shown as 0, nor what is not all as 100."""
    if 0 < share < 0.001:
        return "<0.1 %"
    if 0.999 < share < 1:
        return ">99.9 %"
    return f"{100 * share:.1f} %" if share not in (0, 1) else f"{100 * share:.0f} %"
