"""Texts cut to what is worth reading: around what changed, or around what was found."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from curation.text.printable import printable

#: Characters around a change, of a changed part, of an excerpt, and changes shown of one message.
CONTEXT, PART, EXCERPT, CHANGES = 24, 120, 220, 8

#: Examples of a rule.
EXAMPLES = 3
#: White space in a changed part, where it is the very thing that changed.
_SEEN = str.maketrans({" ": "␣", "\n": "↵\n", "\t": "⇥\t", "\u00a0": "\\xa0", "\u3000": "\\u3000"})


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text. `cut` is a word of ours in place of what is left out."""

    kind: Literal["same", "removed", "added", "found", "cut"]
    text: str


_GAP, _EMPTY = Piece("cut", " … "), Piece("cut", "(an empty message)")


def changed(before: str, diff: Sequence[Any] | None, *, hidden: bool = False) -> list[Piece]:
    """The changed parts of `before` with a little of what is around them.

    diff: by `schemas.ledger.CHANGE`; None where the message was removed. hidden: of what was taken
    out only the length is told, and of what is around it nothing: names stand beside numbers.
    """
    if diff is None:
        return [Piece("removed", _shortened(before, _visible)) if before else _EMPTY]
    pieces: list[Piece] = []
    place = 0
    for change in diff[:CHANGES]:
        same = before[place : change["start"]]
        pieces += [_GAP] * bool(same) if hidden else _gap(same, at_start=not place)
        pieces += _change(change["removed"], change["added"], hidden)
        place = change["start"] + len(change["removed"])
    if len(diff) > CHANGES:
        return [*pieces, Piece("cut", f"… and {len(diff) - CHANGES:,} more changes")]
    rest = before[place:]
    return [*pieces, *([_GAP] * bool(rest) if hidden else _beginning(rest, CONTEXT))]


def around(text: str, found: str = "") -> list[Piece]:
    """The beginning of a text or, where it holds `found`, what is around it."""
    place = text.find(found) if found else -1
    if place < 0:
        return _beginning(text, EXCERPT)
    before, after = text[:place], text[place + len(found) :]
    left = before[-EXCERPT // 2 :]
    return [
        *[Piece("cut", "…")] * (left != before),
        Piece("same", left),
        Piece("found", _shortened(found)),
        *_beginning(after, EXCERPT // 2),
    ]


def _change(removed: str, added: str, hidden: bool) -> Iterator[Piece]:
    if removed and hidden:
        yield Piece("removed", f"{len(removed):,} characters, not shown")
    elif removed:
        yield Piece("removed", _shortened(removed, _visible))
    if added:
        yield Piece("added", _shortened(added, _visible))


def _gap(text: str, at_start: bool) -> Iterator[Piece]:
    """What stays between two changes, or before the first."""
    if len(text) <= 2 * CONTEXT:
        yield Piece("same", text)
        return
    if not at_start:
        yield Piece("same", text[:CONTEXT])
    yield _GAP
    yield Piece("same", text[-CONTEXT:])


def _beginning(text: str, length: int) -> list[Piece]:
    return [Piece("same", text[:length]), *[Piece("cut", "…")] * (len(text) > length)]


def _shortened(text: str, shown: Callable[[str], str] = str) -> str:
    """A text as it is shown, and of a long one both ends."""
    if len(text) <= PART:
        return shown(text)
    first, last = shown(text[: PART // 2]), shown(text[-PART // 2 :])
    return f"{first} …({len(text) - PART:,} characters)… {last}"


def _visible(text: str) -> str:
    return printable(text.translate(_SEEN))
