"""What changed from one text to another, as the ledger tells it."""

from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import groupby
from typing import NamedTuple

#: Characters of a block of lines from which on it counts as changed whole: 20,000 take a second.
_LONG = 20_000
#: Lines from which on they are not aligned: it takes the square of their number.
_MANY = 1_000


class Change(NamedTuple):
    """A stretch of the text before, by its first character, and what stands there after."""

    start: int
    removed: str
    added: str


def changes(before: str, after: str) -> list[Change]:
    """The changes that make `after` of `before`, in order and apart from each other.

    Texts of one length are compared place by place, others line by line and within changed lines;
    few changes, not always the fewest, because finding these takes quadratic time.
    """
    start = _shared(before, after)
    end = _shared(before[start:][::-1], after[start:][::-1])
    old, new = before[start : len(before) - end], after[start : len(after) - end]
    return [Change(start + first, removed, added) for first, removed, added in _inner(old, new)]


def _shared(one: str, other: str) -> int:
    """Characters with which both begin."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))


def _inner(old: str, new: str) -> Iterator[Change]:
    if len(old) == len(new):
        yield from _in_place(old, new)
        return
    place = 0
    for removed, added in _blocks(old.splitlines(keepends=True), new.splitlines(keepends=True)):
        if removed != added:
            yield from _within(place, removed, added)
        place += len(removed)


def _blocks(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, str]]:
    """Lines as they were and are: in pairs where their number is the same, else aligned."""
    if len(old) == len(new):
        yield from zip(old, new, strict=True)
    elif max(len(old), len(new)) > _MANY:
        yield "".join(old), "".join(new)
    else:
        yield from (("".join(a), "".join(b)) for _, a, b in _aligned(old, new))


def _within(place: int, removed: str, added: str) -> Iterator[Change]:
    """The changes of a block of lines that begins at `place` and does not stay as it is."""
    if len(removed) == len(added):
        yield from (Change(place + s, r, a) for s, r, a in _in_place(removed, added))
        return
    if len(removed) > _LONG or len(added) > _LONG:
        yield Change(place, removed, added)
        return
    for kept, a, b in _aligned(removed, added):
        if not kept:
            yield Change(place, "".join(a), "".join(b))
        place += len(a)


def _in_place(old: str, new: str) -> Iterator[Change]:
    pairs = enumerate(zip(old, new, strict=True))
    for differs, run in groupby(pairs, key=lambda pair: pair[1][0] != pair[1][1]):
        if differs:
            places, characters = zip(*run, strict=True)
            removed, added = zip(*characters, strict=True)
            yield Change(places[0], "".join(removed), "".join(added))


def _aligned(
    old: Sequence[str], new: Sequence[str]
) -> Iterator[tuple[bool, Sequence[str], Sequence[str]]]:
    """Whether a stretch stays, and the stretch as it was and is. Long ones are compared roughly."""
    for tag, a, b, c, d in SequenceMatcher(None, old, new).get_opcodes():
        yield tag == "equal", old[a:b], new[c:d]
