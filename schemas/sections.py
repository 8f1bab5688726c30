"""The parts of a card that belong to its user: their text stays when the card is made again.

A section stands between two lines of its own, which a rendered card does not show:

    <!-- your text begins (about): it stays when this card is made again -->
    <!-- your text ends -->
"""

import hashlib
import re
from collections.abc import Mapping

#: The card of a corpus or an adapter, as the Hub names it.
CARD = "README.md"
_BEGIN = "<!-- your text begins ({}): it stays when this card is made again -->"
_END = "<!-- your text ends -->"
_BEGIN_LINE = re.compile(re.escape(_BEGIN).replace(r"\{\}", "([a-z][a-z_]*)"))
#: What a mark begins with, whole or damaged.
_LIKE = "<!-- your text"


def section(name: str, text: str) -> str:
    """A section with its marks. `text` must hold no mark."""
    return "\n".join([_BEGIN.format(name), *([text] if text else []), _END])


def sections(text: str) -> dict[str, str]:
    """Every section's text by its name, in order, without empty lines around it.

    Raises ValueError in one clause that names the line, where a mark is damaged, missing, nested
    or doubled: whose text is whose cannot be told then.
    """
    found: dict[str, str] = {}
    lines = _lines(text)
    for name, begin, end in _spans(lines):
        if name in found:
            raise ValueError(f"line {begin + 1}: a second section {name!r}")
        found[name] = "\n".join(lines[begin + 1 : end]).strip("\n")
    return found


def with_sections(text: str, kept: Mapping[str, str]) -> str:
    """The card with the text of its sections replaced by that of `kept`; others stay.

    Raises ValueError where `kept` has a section that the card has not, or as `sections` does.
    """
    unknown = sorted(kept.keys() - sections(text).keys())
    if unknown:
        raise ValueError(f"no section {unknown[0]!r} in this card")
    return _replaced(text, kept)


def skeleton(text: str) -> str:
    """The card with every section emptied: what is ours of it. Raises as `sections` does."""
    return _replaced(text, dict.fromkeys(sections(text), ""))


def skeleton_sha256(text: str) -> str:
    """SHA-256 of what is ours of the card. Raises as `sections` does."""
    return hashlib.sha256(skeleton(text).encode()).hexdigest()


def _replaced(text: str, texts: Mapping[str, str]) -> str:
    lines = _lines(text)
    for name, begin, end in reversed(_spans(lines)):
        if name in texts:
            lines[begin : end + 1] = [section(name, texts[name].strip("\n"))]
    return "\n".join(lines)


def _lines(text: str) -> list[str]:
    """Lines as editors count them; one that saves CR LF changes nothing."""
    return text.replace("\r\n", "\n").split("\n")


def _spans(lines: list[str]) -> list[tuple[str, int, int]]:
    """Name, first and last line (0-based, the marks) of each section."""
    spans: list[tuple[str, int, int]] = []
    opened: tuple[str, int] | None = None
    for number, line in enumerate(lines):
        if _LIKE not in line:
            continue
        begins = _BEGIN_LINE.fullmatch(line.strip())
        if begins and opened is None:
            opened = begins[1], number
        elif line.strip() == _END and opened is not None:
            spans.append((*opened, number))
            opened = None
        else:
            raise ValueError(f"line {number + 1}: {_complaint(line, opened)}")
    if opened is not None:
        raise ValueError(f"line {opened[1] + 1}: the section {opened[0]!r} has no end")
    return spans


def _complaint(line: str, opened: tuple[str, int] | None) -> str:
    """Why a line that looks like a mark cannot be one here."""
    if opened is not None and _BEGIN_LINE.fullmatch(line.strip()):
        return f"a section begins inside the section {opened[0]!r}"
    if line.strip() == _END:
        return "a section ends that did not begin"
    return "a mark is damaged"
