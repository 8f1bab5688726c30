"""Rules over white space. Code, formulas and their indentation stay."""

import re

from curation.text.spans import map_prose

_TRAILING = re.compile(r"(?<![ \t\u3000])[ \t\u3000]++(?=\n)")
_BLANK_LINES = re.compile(r"\n{3,}")
_START = re.compile(r"\A(?:[ \t\u3000]*\n)+")
_INDENTED = re.compile(r"\n[ \t]++\S")


def trailing_space(text: str) -> str:
    """Without blanks at the ends of lines, outside code."""
    return map_prose(text, lambda prose: _TRAILING.sub("", prose))


def blank_lines(text: str) -> str:
    """At most one empty line in a row, outside code, and not beside an indented line."""
    return map_prose(text, lambda prose: _BLANK_LINES.sub(_one_blank, prose))


def _one_blank(match: re.Match[str]) -> str:
    text, (start, end) = match.string, match.span()
    line = text.rfind("\n", 0, start) + 1
    return match[0] if {text[line : line + 1], text[end : end + 1]} & {" ", "\t"} else "\n\n"


def surrounding_space(text: str) -> str:
    """Without blank lines and blanks around it.

    Ideographic spaces in front stay, for they indent the paragraph, and so do blanks in front of a
    text with further indented lines, for it may be code without a fence.
    """
    text = _START.sub("", text).rstrip(" \t\n\u3000")
    return text if _INDENTED.search(text) else text.lstrip(" \t")
