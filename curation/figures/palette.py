"""The colours of the figures, for light and dark, and the style sheets made from them.

Okabe and Ito's colour-blind-safe hues (https://jfly.uni-koeln.de/color/), darkened on white until
every mark has a contrast of 3:1 and every text of 4.5:1 (WCAG 2.2, 1.4.3 and 1.4.11).
"""

from collections.abc import Callable

LIGHT = {
    "paper": "#ffffff",
    "text": "#1d1f21",
    "soft": "#55595f",
    "line": "#c9ccd1",
    "kept": "#0068a8",
    "lost": "#c24e00",
    "one": "#0068a8",
    "two": "#b85a00",
    "three": "#007a5a",
    "four": "#a8447f",
    "five": "#7a6a00",
    "six": "#2f8fbf",
    "rest": "#6a7078",
    "heat0": "#ffffff",
    "heat1": "#e2eef7",
    "heat2": "#bcd9ee",
    "heat3": "#8fc0e2",
    "heat4": "#62a6d6",
}
DARK = {
    "paper": "#16181b",
    "text": "#e6e7e9",
    "soft": "#a6abb3",
    "line": "#454b54",
    "kept": "#56b4e9",
    "lost": "#f0803c",
    "one": "#56b4e9",
    "two": "#e69f00",
    "three": "#1fb58a",
    "four": "#dd8fbb",
    "five": "#f0e442",
    "six": "#4f8fd0",
    "rest": "#9299a3",
    "heat0": "#16181b",
    "heat1": "#1b2c3a",
    "heat2": "#1d4059",
    "heat3": "#1c5578",
    "heat4": "#1a6a98",
}
#: The colours of a series, in order; what is grouped takes the last one.
SERIES = ("one", "two", "three", "four", "five", "six", "rest")
HEAT = ("heat0", "heat1", "heat2", "heat3", "heat4")

#: Font size in the units of the drawing: 10 px where 480 units are shown on 320 px.
FONT_SIZE = 15
FONTS = 'system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", Arial, sans-serif'


def _rules(paint: Callable[[str], str]) -> str:
    """What each class of a drawing looks like; `paint` gives the value of a role's colour."""
    fills = ("soft", "kept", "lost", *SERIES)
    rules = {
        "text": f"fill:{paint('text')};font-size:{FONT_SIZE}px",
        ".d-bold": "font-weight:700",
        ".d-line": f"stroke:{paint('line')};stroke-width:1;fill:none",
        ".d-outline": f"stroke:{paint('text')};stroke-width:1.5;fill:none",
        ".d-limit": f"stroke:{paint('lost')};stroke-width:2;fill:none",
        ".d-hover": "fill:none;pointer-events:all",  # shows its <title> under the pointer
        **{f".d-{role}": f"fill:{paint(role)}" for role in fills},
        **{f".d-{role}": f"fill:{paint(role)};stroke:{paint('line')}" for role in HEAT},
    }
    return "".join(f".drawing {selector}{{{rule}}}" for selector, rule in rules.items())


def _variables(theme: dict[str, str]) -> str:
    return "".join(f"--d-{role}:{colour};" for role, colour in theme.items())


#: For pages. Text is measured in DejaVu Sans, which is wider than all of these fonts.
STYLE = (
    f".drawing{{display:block;width:100%;max-width:36rem;height:auto;font-family:{FONTS};"
    f"{_variables(LIGHT)}}}"
    f"@media screen and (prefers-color-scheme:dark){{.drawing{{{_variables(DARK)}}}}}"
    + _rules(lambda role: f"var(--d-{role})")
)
#: For PNG: the light theme without variables and media queries, which resvg does not know.
PLAIN = ".drawing text{font-family:DejaVu Sans}" + _rules(lambda role: LIGHT[role])
