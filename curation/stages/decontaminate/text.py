"""The text a benchmark item is looked for in: letters and digits alone, and runs of them as grams.

On top of deduplication's folding (width, case, Traditional to Simplified) all white space, signs
and punctuation go, also inside words: what an item is disguised with most. What they parted is
remembered as breaks.

A gram is the shortest run of characters that has a given length in units. A character of a script
without case (Han, kana, hangul) is two units, any other letter or digit is one: so Han grams are
short, Latin ones long, and mixed text needs no rule of its own.
"""

import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from curation.stages.dedup.text import fold
from curation.text.codepoints import UNICODE_SIZE, CodePoints

#: With 3, Latin grams are so long that of planted items with 5 % of their characters changed 93 %
#: are found; with 2 it is 98 %, and no more is flagged in 60 million real characters.
WIDE = 2
#: What stood before a character and is gone: nothing; a space in a Latin word or between two;
#: a sign, a line end, a space next to Han, or the start of the text.
NONE, SPACE, CLAUSE = range(3)

_BASE = 0x9E3779B97F4A7C15  # 2^64 / golden ratio, odd: has an inverse mod 2^64
_BLOCK = 1 << 17
_ASSIGNED = 0x33480  # no letters or digits from here on


@dataclass(frozen=True, slots=True)
class Squeezed:
    """n texts without white space and punctuation, one after the other.

    points:  (total,) uint32, the code points that stay, folded.
    offsets: (n + 1,) int64, text i is `points[offsets[i]:offsets[i + 1]]`.
    breaks:  (total + 1,) uint8, what is gone before each character: NONE, SPACE or CLAUSE.
    """

    points: NDArray[np.uint32]
    offsets: NDArray[np.int64]
    breaks: NDArray[np.uint8]

    def text(self, i: int) -> "Squeezed":
        """Text i alone."""
        start, end = self.offsets[i : i + 2]
        own = np.array([0, end - start])
        return Squeezed(self.points[start:end], own, self.breaks[start : end + 1])


@dataclass(frozen=True, slots=True)
class Grams:
    """Runs `points[starts[i]:ends[i]]`, in text order, none across two texts.

    starts, ends: (g,) int32.
    hashes:       (g,) uint64, of the run's characters alone.
    """

    starts: NDArray[np.int32]
    ends: NDArray[np.int32]
    hashes: NDArray[np.uint64]

    def by_hash(self) -> "Grams":
        """The same, sorted by hash."""
        order = np.argsort(self.hashes)
        return Grams(self.starts[order], self.ends[order], self.hashes[order])


def squeeze(texts: CodePoints) -> Squeezed:
    """The letters and digits of each text, folded."""
    points = _folding()[texts.points]
    keep = points > CLAUSE
    before = np.zeros(len(points) + 1, np.int32)
    np.cumsum(keep, out=before[1:])
    offsets = before[texts.offsets].astype(np.int64)
    points, gone = points[keep], points[~keep]
    at = before[np.flatnonzero(~keep)]
    breaks = np.full(len(points) + 1, NONE, np.uint8)
    spaces = at[gone == SPACE]
    edged = np.append(points, np.uint32(0))  # stands after the last and, as [-1], before the first
    beside = widths(edged[[spaces - 1, spaces]]) == WIDE
    breaks[spaces] = np.where(beside.any(axis=0), CLAUSE, SPACE)
    breaks[at[gone == CLAUSE]] = CLAUSE
    breaks[offsets] = CLAUSE
    return Squeezed(points, offsets, breaks)


def widths(points: NDArray[np.uint32]) -> NDArray[np.uint8]:
    """(n,) the units of each character."""
    return _widths()[points]


def grams(texts: Squeezed, size: int) -> Grams:
    """From each character the shortest run of at least `size` units, where the text has one."""
    parts = [_grams(texts, first, last, size) for first, last in blocks(texts.offsets)]
    starts, ends, hashes = zip(*parts, strict=True)
    return Grams(np.concatenate(starts), np.concatenate(ends), np.concatenate(hashes))


def blocks(offsets: NDArray[np.integer]) -> list[tuple[int, int]]:
    """Ranges of texts of about `_BLOCK` together: their arrays stay in the processor's cache."""
    steps = np.arange(offsets[0], offsets[-1], _BLOCK)
    edges = sorted({0, *np.searchsorted(offsets, steps).tolist(), len(offsets) - 1})
    return list(pairwise(edges)) or [(0, 0)]


def _grams(
    texts: Squeezed, first: int, last: int, size: int
) -> tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint64]]:
    """`grams` of the texts `first` to `last`."""
    offsets = texts.offsets[first : last + 1]
    points = texts.points[offsets[0] : offsets[-1]]
    ends = _ends(widths(points), size)
    end_of_text = np.repeat((offsets[1:] - offsets[0]).astype(np.int32), np.diff(offsets))
    starts = np.flatnonzero(ends <= end_of_text).astype(np.int32)
    ends = ends[starts]
    powers, inverses = _powers(len(points).bit_length())
    sums = np.zeros(len(points) + 1, np.uint64)
    np.cumsum(points * powers[: len(points)], out=sums[1:])
    hashes = (sums[ends] - sums[starts]) * inverses[starts]
    shift = np.int32(offsets[0])
    return starts + shift, ends + shift, hashes


def _ends(units: NDArray[np.uint8], size: int) -> NDArray[np.int32]:
    """(n,) where the run of `size` units from each character ends; n + 1 where there is none."""
    count = len(units)
    total = np.zeros(count + 1, np.int32)
    np.cumsum(units, out=total[1:])
    position = np.arange(count + 1, dtype=np.int32)
    reached = np.full(total[-1] + size + 1, count + 1, np.int32)  # by units: the first position
    reached[total[1:] - 1] = position[1:]
    reached[total] = position
    return reached[total[:-1] + size]


@cache
def _powers(bits: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """_BASE^i and _BASE^(1 - i) mod 2^64 for i below 2^bits.

    A run's hash is the sum of its code points times _BASE, _BASE^2, …: the first power lets the
    first character tell in the high bits too, which the index's filter looks at.
    """
    bases = np.empty((2, 1 << bits), np.uint64)
    bases[0], bases[0, 0] = _BASE, 1
    bases[1], bases[1, 0] = pow(_BASE, -1, 1 << 64), _BASE
    up, down = np.cumprod(bases, axis=1)
    return up, down


@cache
def _folding() -> NDArray[np.uint32]:
    """Per code point: what it folds to, or SPACE or CLAUSE where it goes."""
    points = np.r_[:0xD800, 0xE000:UNICODE_SIZE].astype(np.uint32)
    folding = np.full(UNICODE_SIZE, CLAUSE, np.uint32)
    folding[points] = fold(CodePoints(points, np.arange(len(points) + 1))).points
    stays = np.zeros(UNICODE_SIZE, bool)
    stays[:_ASSIGNED] = np.isin(_categories(), ["Ll", "Lm", "Lo", "Lt", "Lu", "Nd", "Nl", "No"])
    folding[~stays[folding]] = CLAUSE
    # Accents that NFKC cannot compose and invisible joiners part no clause either.
    folding[:_ASSIGNED][np.isin(_categories(), ["Zs", "Cf", "Mn"])] = SPACE
    folding[ord("\t")] = SPACE
    return folding


@cache
def _widths() -> NDArray[np.uint8]:
    """Per code point: its units."""
    units = np.ones(UNICODE_SIZE, np.uint8)
    units[:_ASSIGNED][_categories() == "Lo"] = WIDE
    return units


@cache
def _categories() -> NDArray[np.str_]:
    """The general category of each code point below `_ASSIGNED`."""
    return np.array([unicodedata.category(chr(point)) for point in range(_ASSIGNED)])
