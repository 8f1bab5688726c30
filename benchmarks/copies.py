"""A corpus of any size made of real conversations: copies of them in ever other characters.

Copy 0 is the conversations themselves. In copy k every Han character among the 2,000 most frequent
of those that Simplified and Traditional script share is another one of them, by a permutation of
its own: lengths, templates, repetitions and the likeness of conversations within a copy are those
of real data, while two copies have nothing in common. Conversations that would stay much as they
are, with half of their 5-grams free of those characters, are in copy 0 alone.

From copy 1 on a share of the rows (5 %) is replaced by an exact copy of any row of the copies
before, and another (10 %) by a copy of one with up to a fiftieth of its characters changed, one at
least: of which the most have a Jaccard above 0.8, and many of the short ones less.

Every row follows from the seed and its number alone, so a file can be made without the others.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import opencc
from numpy.typing import NDArray

from benchmarks.rows import Row
from curation.text.codepoints import UNICODE_SIZE

SEED = 20231214
ALPHABET = 2000
NGRAM = 5
_HAN = range(0x4E00, 0xA000)
_ORIGINAL, _EXACT, _NEAR = range(3)


@dataclass(frozen=True, slots=True)
class Base:
    """The n conversations that are copied.

    points:   (total,) uint32, the code points of all turns.
    turns:    (t + 1,) where each turn begins in `points`.
    rows:     (n + 1,) where each conversation begins in `turns`.
    alphabet: the characters that are permuted.
    repeated: the conversations that every copy has.
    """

    points: NDArray[np.uint32]
    turns: NDArray[np.int64]
    rows: NDArray[np.int64]
    alphabet: NDArray[np.uint32]
    repeated: NDArray[np.int64]

    @classmethod
    def of(cls, rows: Sequence[Row]) -> "Base":
        lengths = np.array([len(turn) for row in rows for turn in row])
        counts = np.array([len(row) for row in rows])
        text = "".join(turn for row in rows for turn in row)
        points = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        turns, starts = (np.concatenate([[0], np.cumsum(part)]) for part in (lengths, counts))
        alphabet = _alphabet(points)
        return cls(points, turns, starts, alphabet, _repeated(points, turns[starts], alphabet))

    def place(self, numbers: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(m,) the copy and the conversation that are at those rows of the corpus."""
        beyond = numbers - (len(self.rows) - 1)
        copy = np.where(beyond < 0, 0, beyond // len(self.repeated) + 1)
        return copy, np.where(beyond < 0, numbers, self.repeated[beyond % len(self.repeated)])

    def first(self, copy: NDArray[np.int64]) -> NDArray[np.int64]:
        """(m,) the first row of a copy from 1 on."""
        return len(self.rows) - 1 + (copy - 1) * len(self.repeated)


@dataclass(frozen=True, slots=True)
class Copies:
    """The corpus. exact, near: shares of the rows that are copies of earlier ones."""

    base: Base
    exact: float = 0.05
    near: float = 0.10
    seed: int = SEED

    def rows(self, start: int, end: int) -> Iterator[Row]:
        """Rows `start` to `end` of the corpus."""
        numbers = np.arange(start, end)
        fates = self._fates(numbers)
        copies, rows = self.base.place(self._sources(numbers, fates))
        tables = {copy: self._table(copy) for copy in np.unique(copies).tolist()}
        columns = (numbers, fates, copies, rows)
        for number, fate, copy, row in zip(*(c.tolist() for c in columns), strict=True):
            bounds = self.base.turns[self.base.rows[row] : self.base.rows[row + 1] + 1]
            points = tables[copy][self.base.points[bounds[0] : bounds[-1]]]
            if fate == _NEAR:
                self._change(points, number)
            text = points.tobytes().decode("utf-32-le")
            yield tuple(text[a:b] for a, b in pairwise((bounds - bounds[0]).tolist()))

    def _fates(self, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
        """(m,) what each row is; in copy 0 an original."""
        drawn = _noise(self.seed, 0, numbers) / 2**64
        fates = np.digitize(drawn, [1 - self.exact - self.near, 1 - self.near])
        fates[self.base.place(numbers)[0] == 0] = _ORIGINAL
        return fates

    def _sources(self, numbers: NDArray[np.int64], fates: NDArray[np.int64]) -> NDArray[np.int64]:
        """(m,) the row that each row shows: itself, or an original in any copy before its own."""
        sources, attempt = numbers.copy(), 0
        pending = np.flatnonzero(fates != _ORIGINAL)
        while len(pending):
            attempt += 1
            before = self.base.first(self.base.place(numbers[pending])[0]).astype(np.uint64)
            drawn = _noise(self.seed, attempt, numbers[pending]) % before
            sources[pending] = drawn.astype(np.int64)
            pending = pending[self._fates(sources[pending]) != _ORIGINAL]
        return sources

    def _table(self, copy: int) -> NDArray[np.uint32]:
        """(UNICODE_SIZE,) what each code point becomes in a copy."""
        table = np.arange(UNICODE_SIZE, dtype=np.uint32)
        if copy:
            random = np.random.default_rng([self.seed, copy])
            table[self.base.alphabet] = random.permutation(self.base.alphabet)
        return table

    def _change(self, points: NDArray[np.uint32], number: int) -> None:
        """Replace some characters, in place."""
        random = np.random.default_rng([self.seed, number])
        count = random.integers(1, max(len(points) // 50, 1) + 1)
        places = random.integers(0, len(points), count)
        points[places] = random.choice(self.base.alphabet, count)


def _noise(seed: int, salt: int, numbers: NDArray[np.int64]) -> NDArray[np.uint64]:
    """(m,) a hash of seed, salt and each number: the finalizer of splitmix64 (Vigna)."""
    golden = 0x9E3779B97F4A7C15
    hashes = numbers.astype(np.uint64) * np.uint64(golden)
    hashes += np.uint64((seed * 31 + salt) * golden % 2**64)
    for shift, multiplier in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        hashes = (hashes ^ (hashes >> np.uint64(shift))) * np.uint64(multiplier)
    return hashes ^ (hashes >> np.uint64(31))


def _alphabet(points: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """The most frequent Han characters that are the same in Simplified and Traditional."""
    text = "\n".join(map(chr, _HAN))
    lines = [opencc.OpenCC(config).convert(text).split("\n") for config in ("s2t", "t2s")]
    same = [code for code, a, b in zip(_HAN, *lines, strict=True) if a == b == chr(code)]
    counts = np.bincount(points, minlength=UNICODE_SIZE)[same]
    order = np.argsort(-counts, kind="stable")[:ALPHABET]
    return np.array(same, np.uint32)[order]


def _repeated(
    points: NDArray[np.uint32], bounds: NDArray[np.int64], alphabet: NDArray[np.uint32]
) -> NDArray[np.int64]:
    """The conversations of which at least half of the n-grams have a character of the alphabet."""
    permuted = np.zeros(UNICODE_SIZE, bool)
    permuted[alphabet] = True
    before = np.concatenate([[0], np.cumsum(permuted[points], dtype=np.int32)])
    changed = np.concatenate([[0], np.cumsum(before[NGRAM:] > before[:-NGRAM], dtype=np.int32)])
    start, end = bounds[:-1], np.maximum(bounds[1:] - (NGRAM - 1), bounds[:-1])
    return np.flatnonzero((end > start) & (2 * (changed[end] - changed[start]) >= end - start))
