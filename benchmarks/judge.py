"""How well a tool's decisions agree with exact Jaccard."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.rows import Key, Row, batch_of
from benchmarks.truth import NGRAM, Pair
from curation.stages.dedup.shingles import shingles
from curation.stages.dedup.text import compared_text, fold
from curation.text.codepoints import CodePoints

#: Planted texts of fewer characters are counted apart, too.
SHORT = 60
BELOW = f"below {SHORT}"
#: Rows that are shingled at once.
_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class Verdict:
    """How well a tool did.

    dropped: rows it left out.
    lost:    those of them that no kept row is within the threshold of.
    planted, found: by kind of family, the planted pairs within the threshold, and those of them of
        which a row is gone. `all` counts every kind, `BELOW` the texts shorter than `SHORT`.
    """

    dropped: int
    lost: list[int]
    planted: dict[str, int]
    found: dict[str, int]

    @property
    def precision(self) -> float | None:
        """Share of the dropped rows that a kept row is within the threshold of."""
        return 1 - len(self.lost) / self.dropped if self.dropped else None

    def recall(self, kind: str = "all") -> float | None:
        """Share of the planted pairs that were found."""
        return self.found[kind] / self.planted[kind] if self.planted.get(kind) else None


class Judge:
    """Knows the sets of shingles of all rows under one key."""

    def __init__(
        self, rows: Sequence[Row], key: Key, pairs: Iterable[Pair], threshold: float
    ) -> None:
        self.key, self.threshold = key, threshold
        self.rows = len(rows)
        self.pairs = [pair for pair in pairs if pair.jaccard[key] >= threshold]
        self.sets = [
            own
            for start in range(0, len(rows), _BLOCK)
            for own in _sets(rows[start : start + _BLOCK], key)
        ]

    def verdict(self, dropped: Collection[int]) -> Verdict:
        """Of a tool that dropped the rows numbered `dropped`."""
        gone = np.zeros(self.rows, bool)
        gone[list(dropped)] = True
        planted: dict[str, int] = {}
        found: dict[str, int] = {}
        for pair in self.pairs:
            hit = int(gone[pair.first] or gone[pair.second])
            for kind in ("all", pair.kind, *[BELOW] * (pair.length[self.key] < SHORT)):
                planted[kind] = planted.get(kind, 0) + 1
                found[kind] = found.get(kind, 0) + hit
        return Verdict(int(gone.sum()), self._lost(gone), planted, found)

    def _lost(self, gone: NDArray[np.bool_]) -> list[int]:
        """The dropped rows that no kept row is within the threshold of.

        Exact: the shingles that each has in common with each of the kept rows are counted.
        """
        dropped, kept = np.flatnonzero(gone).tolist(), np.flatnonzero(~gone).tolist()
        if not dropped or not kept:
            return list(dropped)
        known = np.unique(np.concatenate([self.sets[row] for row in dropped]))
        postings = _Postings([self.sets[row] for row in kept], known)
        return [row for row in dropped if postings.nearest(self.sets[row]) < self.threshold]


class _Postings:
    """Which of n sets hold which of the k shingles in `known`.

    Shingle i is in the sets `holders[starts[i]:starts[i + 1]]`.
    """

    def __init__(self, sets: Sequence[NDArray[np.uint64]], known: NDArray[np.uint64]) -> None:
        self.known = known
        self.sizes = np.array([len(one) for one in sets])
        flat = np.concatenate(sets)
        at = np.minimum(np.searchsorted(known, flat), len(known) - 1)
        same = np.flatnonzero(known[at] == flat)
        order = np.argsort(at[same], kind="stable")
        self.holders = np.repeat(np.arange(len(sets)), self.sizes)[same][order]
        self.starts = np.searchsorted(at[same][order], np.arange(len(known) + 1))

    def nearest(self, own: NDArray[np.uint64]) -> float:
        """The greatest Jaccard of `own`, all of which is known, with any of the sets."""
        at = np.searchsorted(self.known, own)
        bounds = zip(self.starts[at].tolist(), self.starts[at + 1].tolist(), strict=True)
        holders, shared = np.unique(
            np.concatenate([self.holders[start:end] for start, end in bounds]), return_counts=True
        )
        scores = shared / (len(own) + self.sizes[holders] - shared)
        return float(scores.max(initial=0))


def _sets(rows: Sequence[Row], key: Key) -> list[NDArray[np.uint64]]:
    """(n,) the sorted set of shingle hashes of each row."""
    made = shingles(fold(CodePoints.of(compared_text(batch_of(rows), key))), NGRAM)
    return [made.unique(row) for row in range(len(rows))]
