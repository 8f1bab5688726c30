"""Texts in parts: what a search found in them, and what differs between two of them."""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from curation.text.diff import Change

#: Characters of an excerpt, and of them before what was searched for.
EXCERPT, _BEFORE = 180, 50
#: Characters of the same text that are shown on either side of a change.
_CONTEXT = 80


class Part(NamedTuple):
    """A stretch of a text. kind: "" | "mark" | "gap", where `text` says what is not shown."""

    kind: str
    text: str


def finder(terms: Iterable[str]) -> re.Pattern[str] | None:
    """What finds the terms in a text, in any case; nothing where there are none."""
    pattern = "|".join(re.escape(term) for term in terms if term)
    return re.compile(pattern, re.IGNORECASE) if pattern else None


def marked(text: str, term: re.Pattern[str] | None) -> list[Part]:
    """A text with all that `term` finds marked."""
    parts, place = [], 0
    for match in term.finditer(text) if term else ():
        parts += [Part("", text[place : match.start()]), Part("mark", match[0])]
        place = match.end()
    return _filled([*parts, Part("", text[place:])])


def excerpt(text: str, term: re.Pattern[str] | None) -> list[Part]:
    """The beginning of a text on one line, or what is around the first that `term` finds in it."""
    line = " ".join(text.split())
    match = term.search(line) if term else None
    start = max(match.start() - _BEFORE, 0) if match else 0
    start = 0 if len(line) <= EXCERPT else min(start, len(line) - EXCERPT)
    parts = marked(line[start : start + EXCERPT], term)
    return _filled(
        [
            Part("", "…" * (start > 0)),
            *parts,
            Part("", "…" * (start + EXCERPT < len(line))),
        ]
    )


def sides(
    before: str, changes: Sequence[Change], longest: int | None
) -> tuple[list[Part], list[Part]]:
    """Two texts side by side, what is only in one of them marked.

    longest: where given, long stretches that are the same are left out, and every other one is cut
    after that many characters.
    """
    left: list[Part] = []
    right: list[Part] = []
    place = 0
    for number, change in enumerate(changes):
        same = _same(before[place : change.start], longest, number > 0, True)
        left += [*same, *_cut(Part("mark", change.removed), longest)]
        right += [*same, *_cut(Part("mark", change.added), longest)]
        place = change.start + len(change.removed)
    rest = _same(before[place:], longest, bool(changes), False)
    return _filled([*left, *rest]), _filled([*right, *rest])


def cut(parts: Iterable[Part], longest: int | None) -> Iterator[Part]:
    """The first `longest` characters of a text in parts, and how many were left out."""
    room = longest
    left_out = 0
    for part in parts:
        shown = part.text if room is None else part.text[:room]
        left_out += len(part.text) - len(shown)
        if room is not None:
            room -= len(shown)
        if shown:
            yield Part(part.kind, shown)
    if left_out:
        yield Part("gap", f"{left_out:,} more characters")


def _cut(part: Part, longest: int | None) -> list[Part]:
    return list(cut([part], longest))


def _same(text: str, longest: int | None, follows: bool, leads: bool) -> list[Part]:
    """A stretch that is the same, with its ends only where it stands beside a change."""
    if longest is None or len(text) <= 3 * _CONTEXT:
        return [Part("", text)]
    if not follows and not leads:
        return _cut(Part("", text), longest)
    start, end = _CONTEXT * follows, _CONTEXT * leads
    gap = Part("gap", f"{len(text) - start - end:,} characters that are the same")
    return [Part("", text[:start]), gap, Part("", text[len(text) - end :])]


def _filled(parts: Iterable[Part]) -> list[Part]:
    return [part for part in parts if part.text]
