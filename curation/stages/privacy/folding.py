"""One form for what is written in many: full-width digits, dashes, blanks; and what is no prose.

Every character stands for exactly one, so that a place in the folded text is the same place in the
text. Patterns see only folded text and need no variants of their own.
"""

import re
from collections.abc import Iterable
from functools import cache

#: Stands for a character that no pattern may see.
HIDDEN = "\0"

_DASHES = "‐‑‒–—―−﹣－ー─"
_DOTS = "·•・‧∙⋅•‥"
_BLANKS = "\t\u00a0\u2002\u2003\u2009\u202f\u3000"
_BRACKETS = {"【": "(", "】": ")", "〔": "(", "〕": ")", "﹙": "(", "﹚": ")"}


@cache
def _table() -> dict[int, str]:
    """Code point → its plain form: full-width ASCII, mathematical digits, dashes, blanks."""
    table = {point: chr(point - 0xFEE0) for point in range(0xFF01, 0xFF5F)}
    table |= {0x1D7CE + i: str(i % 10) for i in range(50)}
    for plain, variants in (("-", _DASHES), ("·", _DOTS), (" ", _BLANKS)):
        table |= {ord(variant): plain for variant in variants}
    return table | {ord(bracket): plain for bracket, plain in _BRACKETS.items()}


def fold(text: str, placeholders: Iterable[str]) -> str:
    """`text` in plain form, same length, without the placeholders of an earlier run.

    A placeholder such as [车牌号] would else be taken for the cue word of what stands beside it.
    """
    for placeholder in placeholders:
        if placeholder in text:
            text = text.replace(placeholder, HIDDEN * len(placeholder))
    folded = text.translate(_table())
    return _EMPHASIS.sub(_plain, folded) if "*" in folded or "_" in folded else folded


#: Markdown's stars and underscores around one value, which else would be read as a part of it.
_EMPHASIS = re.compile(
    r"(?<![A-Za-z0-9_*)])(?:(\*{1,3})(?=[A-Za-z0-9+(])[A-Za-z0-9 +()._·@-]{5,40}+\1(?![A-Za-z0-9*])"
    r"|(_{1,2})(?=[\d+(])[\d +()·-]{5,30}+\2(?![A-Za-z0-9_]))"
)


def _plain(match: re.Match[str]) -> str:
    marks = len(match[1] or match[2])
    return " " * marks + match[0][marks:-marks] + " " * marks


# A number in the path or query of a URL is an item, a page, a date. A number in a formula is one.
_URL = re.compile(r"(?<![A-Za-z0-9])(?:https?|ftps?|wss?)://[!-;=?-~]*+|(?<![\w.])www\.[!-;=?-~]++")
_FORMULA = re.compile(r"\$\$[^$]{1,2000}+\$\$|\$(?=[^\s$])[^$\n\u4e00-\u9fff]{1,200}+(?<=\S)\$")


def hide_links(folded: str) -> str:
    """`folded` with URLs and formulas hidden: for the kinds that are nothing but digits."""
    if "://" in folded or "www." in folded:
        folded = _URL.sub(_hide, folded)
    return _FORMULA.sub(_hide, folded) if "$" in folded else folded


def _hide(match: re.Match[str]) -> str:
    return HIDDEN * len(match[0])
