"""How much of a benchmark item a text has, and whether that is enough to say it contains it.

Counted are units (see `text`) of the item that lie in grams which the text has too, in a window
hardly longer than the item. No gram spans two options, so their order and labels play no part.
"""

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from curation.stages.decontaminate.align import distances
from curation.stages.decontaminate.index import Index
from curation.stages.decontaminate.text import CLAUSE, NONE, SPACE, Grams, Squeezed, grams, widths
from curation.text.arrays import covered, ranges

#: Units of a gram by which a candidate is scored: three Han or six Latin characters.
GRAM = 6
#: A window is this much longer than what it should hold: labels and inserted characters.
_QUESTION_SLACK, _ITEM_SLACK, _LABELS = 1.1, 1.25, 16
#: Whatever the rule, half of the question is found: options alone are no question.
_LEAST_QUESTION = 0.5

#: Together with options, this share of the question is found; less where many units of options
#: are (20 Han), since what all of a text on Maslow has in common with an item is short.
_QUESTION, _LONG_OPTIONS = 0.7, 40
#: This share of the options is found, an option if this share of it is.
_OPTIONS, _OPTION = 0.5, 0.6
#: Units found that are the least evidence; those of a question count if it is distinctive.
_LEAST_UNITS = 24

#: A question counts alone only where it can be told from prose and from the stems of examinations:
#: with so many units (8 Han), so many of them in grams that hardly any other item has.
_ALONE, _DISTINCTIVE = 16, 8
#: Below this (12 Han) it must be a clause of its own, or each text that says what the largest lake
#: of the world is contains "the largest lake of the world is".
_SHORT = 24
#: A clause of its own may differ in one character below `_SHORT`, from there in two, or in one of
#: ten; in no digit: other numbers, other question.
_CLAUSE_EDITS, _TENTH = 2, 10
#: In running text one character in ten may differ, but not the last, which is where a statement
#: parts from the question; below `_OPEN` (20 Han) a changed question must also end before a break.
_OPEN = 40


@dataclass(frozen=True, slots=True)
class Match:
    """An entry of the index that a text contains. `score` is the share found, in [0, 1]."""

    entry: int
    score: float
    with_options: bool


@dataclass(frozen=True, slots=True)
class _Item:
    """The segments of an entry: the question, then its options.

    units: (n,) of each character.
    runs:  its grams; `kinds` are their distinct hashes, sorted, and `kind` is which each gram is.
    """

    text: Squeezed
    units: NDArray[np.int64]
    runs: Grams
    kinds: NDArray[np.uint64]
    kind: NDArray[np.intp]

    @property
    def question(self) -> int:
        """Its characters."""
        return int(self.text.offsets[1])

    def found(self, kinds: NDArray[np.intp]) -> NDArray[np.bool_]:
        """(n,) which characters lie in grams of these kinds."""
        known = np.zeros(len(self.kinds), np.bool_)
        known[kinds] = True
        there = known[self.kind]
        return covered(self.runs.starts[there], self.runs.ends[there], len(self.units))

    def share(self, found: NDArray[np.bool_], start: int, end: int) -> float:
        """Which share of the units from character `start` to `end` is found; 0 of none."""
        units = self.units[start:end]
        return float(units @ found[start:end]) / max(int(units.sum()), 1)


@dataclass(frozen=True, slots=True)
class _Hits:
    """Grams that a text and an item have in common: their kinds and places, in text order."""

    kinds: NDArray[np.intp]
    starts: NDArray[np.int32]

    def densest(self, width: int) -> tuple[int, NDArray[np.intp]]:
        """The last place from which `width` characters hold as many kinds as any, and those."""
        starts = self.starts
        by_kind = np.argsort(self.kinds, kind="stable")
        again = np.flatnonzero(np.diff(self.kinds[by_kind]) == 0)
        before = np.full(len(starts), -1)  # where the same gram was last
        before[by_kind[again + 1]] = starts[by_kind[again]]
        # A hit is the first of its kind in the windows that begin after `before` and hold it.
        first = np.searchsorted(starts, np.maximum(before, starts - width), side="right")
        last = np.searchsorted(starts, starts, side="right")
        size = len(starts) + 1
        change = np.bincount(first, minlength=size) - np.bincount(last, minlength=size)
        count = np.cumsum(change[:-1])
        start = int(starts[len(count) - 1 - np.argmax(count[::-1])])
        return start, self.kinds[(starts >= start) & (starts < start + width)]


@lru_cache(maxsize=1024)  # a few items are candidates again and again
def _item(index: Index, entry: int) -> _Item:
    text = index.entry(entry)
    runs = grams(text, GRAM)
    kinds, kind = np.unique(runs.hashes, return_inverse=True)
    return _Item(text, widths(text.points).astype(np.int64), runs, kinds, kind)


def compare(
    entry: int, index: Index, text: Squeezed, runs: Grams, threshold: float
) -> Match | None:
    """Whether `text` contains an entry.

    runs:      the grams of `text`, of `GRAM` units, sorted by hash.
    threshold: share of question and options together that must be found, or share of the
               characters of a question alone that must stand unchanged.
    """
    item = _item(index, entry)
    first, last = (np.searchsorted(runs.hashes, item.kinds, side) for side in ("left", "right"))
    if item.share(item.found(np.flatnonzero(last > first)), 0, item.question) < _LEAST_QUESTION:
        return None
    starts = runs.starts[ranges(first, last)]
    order = np.argsort(starts)
    hits = _Hits(np.repeat(np.arange(len(item.kinds)), last - first)[order], starts[order])
    start, question = _question(item, hits)
    distinctive = int(index.distinctive[entry])
    score = _with_options(item, text, hits, question, distinctive >= _DISTINCTIVE)
    if score >= threshold:
        return Match(entry, score, with_options=True)
    score = _alone(item, text, start, distinctive)
    if score >= threshold:
        return Match(entry, score, with_options=False)
    return None


def _question(item: _Item, hits: _Hits) -> tuple[int, float]:
    """Where the question is found best, and which share of it."""
    asked = np.zeros(len(item.kinds), np.bool_)
    asked[item.kind[item.runs.starts < item.question]] = True
    own = asked[hits.kinds]
    width = int(_QUESTION_SLACK * item.question) + 2
    start, kinds = _Hits(hits.kinds[own], hits.starts[own]).densest(width)
    return start, item.share(item.found(kinds), 0, item.question)


def _with_options(
    item: _Item, text: Squeezed, hits: _Hits, question: float, distinctive: bool
) -> float:
    """Share of question and options found together, 0 if that is no evidence of the item."""
    width = int(_ITEM_SLACK * len(item.units)) + _LABELS
    start, kinds = hits.densest(width)
    found = item.found(kinds)
    options = [pair for pair in pairwise(item.text.offsets[1:].tolist()) if pair[0] < pair[1]]
    for first, last in options:
        if item.units[first:last].sum() < GRAM:  # too short for a gram: looked for as a word
            option = item.text.points[first:last]
            found[first:last] = _stands(option, text, SPACE, start, start + width)
    shares = [item.share(found, first, last) for first, last in options]
    units = int(item.units[item.question :] @ found[item.question :])
    own = question * item.units[: item.question].sum() if distinctive else 0
    evident = (
        sum(share >= _OPTION for share in shares) >= max(_OPTIONS * len(options), 1)
        and question >= (_LEAST_QUESTION if units >= _LONG_OPTIONS else _QUESTION)
        and units + own >= _LEAST_UNITS
    )
    return item.share(found, 0, len(found)) if evident else 0.0


def _alone(item: _Item, text: Squeezed, start: int, distinctive: int) -> float:
    """Share of the question's characters that stand unchanged, 0 if that is no evidence of it."""
    question = item.text.points[: item.question]
    units = int(item.units[: item.question].sum())
    if units < _ALONE or distinctive < _DISTINCTIVE:
        return 0.0
    if _stands(question, text, CLAUSE if units < _SHORT else NONE, 0, len(text.points)):
        return 1.0
    slack = len(question) // _TENTH + GRAM
    near = max(start - slack, 0), min(start + len(question) + 2 * slack, len(text.points))
    edits = _edits_of_a_clause(question, units, text, *near)
    if units >= _SHORT:
        edits = min(edits, _edits_in_prose(question, units, text, *near))
    return 1 - edits / len(question)


def _edits_of_a_clause(
    question: NDArray[np.uint32], units: int, text: Squeezed, first: int, last: int
) -> int:
    """The fewest edits from a run between two breaks to the question; its length if too many."""
    length = len(question)
    most = 1 if units < _SHORT else max(_CLAUSE_EDITS, length // _TENTH)
    breaks = (np.flatnonzero(text.breaks[first : last + 1] == CLAUSE) + first).tolist()
    fewest = length
    for start, end in product(breaks, breaks):
        if abs(end - start - length) > most or start == end:
            continue
        run = text.points[start:end]
        *_, edits = distances(question.tolist(), run.tolist(), anywhere=False)
        if edits <= most and _same_question(question, run, units):
            fewest = min(fewest, edits)
    return fewest


def _same_question(question: NDArray[np.uint32], run: NDArray[np.uint32], units: int) -> bool:
    """Whether a run that is nearly the question asks the same.

    A statement lacks its end; of a short one, a "not" before it makes another.
    """
    ends = question[-1] == run[-1]
    if units < _SHORT:
        same = len(run) == len(question) or (question[0] == run[0] and ends)
    else:
        same = ends or len(run) >= len(question)
    return bool(same) and _digits(question) == _digits(run)


def _edits_in_prose(
    question: NDArray[np.uint32], units: int, text: Squeezed, first: int, last: int
) -> int:
    """The fewest edits from a run of the text to the question; its length if too many."""
    fewest = length = len(question)
    digits, near = _digits(question), text.points[first:last].tolist()
    for end, edits in enumerate(distances(question.tolist(), near), first + 1):
        if (
            edits < fewest
            and edits <= length // _TENTH
            and text.points[end - 1] == question[-1]
            and (units >= _OPEN or text.breaks[end] == CLAUSE)
            and _ends_on(text.points[max(end - length - edits, 0) : end], digits)
        ):
            fewest = edits
    return fewest


def _ends_on(run: NDArray[np.uint32], digits: list[int]) -> bool:
    """Whether the last digits of a run, which may begin before the question does, are these."""
    there = _digits(run)
    return there[len(there) - len(digits) :] == digits


def _digits(run: NDArray[np.uint32]) -> list[int]:
    digits: list[int] = run[(run >= ord("0")) & (run <= ord("9"))].tolist()
    return digits


def _stands(run: NDArray[np.uint32], text: Squeezed, gap: int, start: int, end: int) -> bool:
    """Whether the characters of `run` stand in the text, from `start` to `end`, between two breaks.

    gap: the least of breaks that is enough.
    """
    wanted, there = run.tobytes(), text.points[start:end].tobytes()
    at = there.find(wanted)
    while at >= 0:
        place = start + at // 4
        if not at % 4 and min(text.breaks[place], text.breaks[place + len(run)]) >= gap:
            return True
        at = there.find(wanted, at + 1)
    return False
