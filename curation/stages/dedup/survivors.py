"""Who stays: a greedy pass in order of preference, so that no unlike texts are chained.

The best row of all stays and takes with it only rows within the threshold of itself; then the best
of the rest; and so on. Hence every dropped row is a verified duplicate of a row that is kept.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from curation.stages.dedup.candidates import band_keys
from curation.stages.dedup.prefixes import prefix_buckets, prefix_lengths
from curation.stages.dedup.shingles import jaccard
from curation.text.arrays import ranges

_TOGETHER = 64  # rivals verified in one call
_ROUNDING = 1e-9


@dataclass(frozen=True, slots=True)
class Compared:
    """What n rows are compared by under one key.

    key:        prompt, response or conversation.
    digests:    (n,) 16 bytes each; equal digest, equal folded text.
    signatures: (n, num_perm) uint32, MinHash.
    sets:       n sorted sets of shingle hashes, uint64. Of the rows of one digest one at least has
                its set; those of the others may be empty.
    """

    key: str
    digests: NDArray[np.void]
    signatures: NDArray[np.uint32]
    sets: Sequence[NDArray[np.uint64]]


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A row that goes, and the row that stays in its place.

    jaccard: exact, of the two under `key`. exact: whether their folded texts are equal.
    shared:  what both have: the digest in hexadecimal, or the first band with its key; None where
             they were compared because each shares a band with a third.
    """

    row: int
    survivor: int
    key: str
    jaccard: float
    exact: bool
    shared: str | None


def find_duplicates(
    compared: Sequence[Compared], component: NDArray[np.int64], threshold: float
) -> list[Duplicate]:
    """Decide over n rows, the preferred first; gives the rows that go, in that order.

    A row goes where it is within the threshold of a row of its component that stays, under any of
    the keys; the first key that says so, and the most preferred row under it, are told. Rows are
    compared only with rows that stay, so a thousand copies cost a thousand comparisons.
    """
    keys = [_Key(one, component, threshold) for one in compared]
    found = []
    for row in range(len(component)):
        duplicate = next((d for key in keys if (d := key.duplicate(row))), None)
        if duplicate:
            found.append(duplicate)
            continue
        for key in keys:
            key.keep(row)
    return found


class _Key:
    """The rows that stay, as one key sees them.

    Bucket b holds the rows `_slots[_first[b]:_first[b] + _kept[b]]`, the preferred first. It has
    room for one of each digest: of two with one text only one stays.
    """

    def __init__(self, compared: Compared, component: NDArray[np.int64], threshold: float) -> None:
        self._of, self._threshold = compared, threshold
        self._owner = _owners(compared)
        self._sizes = np.array([len(one) for one in compared.sets])[self._owner]
        self._rest = self._sizes - prefix_lengths(self._sizes, threshold)
        self._offsets, self._buckets = prefix_buckets(compared.sets, component, threshold)
        room = np.bincount(self._buckets)
        self._first = np.cumsum(room) - room
        self._slots = np.empty(len(self._buckets), np.int32)
        self._kept = np.zeros(len(room), np.int32)
        self._equal: dict[bytes, Duplicate] = {}  # digest → what a row of that text is

    def keep(self, row: int) -> None:
        """Let `row` stay."""
        digest = self._of.digests[row].tobytes()
        self._equal[digest] = Duplicate(row, row, self._of.key, 1.0, True, digest.hex())
        own = self._own_buckets(row)
        self._slots[self._first[own] + self._kept[own]] = row
        self._kept[own] += 1

    def duplicate(self, row: int) -> Duplicate | None:
        """The duplicate that `row` is of the most preferred row within the threshold."""
        digest = self._of.digests[row].tobytes()
        if digest not in self._equal:
            rival, similarity = self._nearest(row)
            if rival is None:
                return None
            shared = self._shared_band(row, rival)
            self._equal[digest] = Duplicate(row, rival, self._of.key, similarity, False, shared)
        return replace(self._equal[digest], row=row)

    def _nearest(self, row: int) -> tuple[int | None, float]:
        """The most preferred row that stays and is within the threshold, and the Jaccard."""
        for rivals in self._rivals(row):
            similarity = jaccard(self._set(row), [self._set(rival) for rival in rivals])
            within = np.flatnonzero(similarity >= self._threshold)
            if len(within):
                return rivals[within[0]], float(similarity[within[0]])
        return None, 0.0

    def _rivals(self, row: int) -> Iterator[list[int]]:
        """Rows that stay and may be within the threshold, preferred first, by the dozen."""
        own = self._own_buckets(row)
        kept = self._slots[ranges(self._first[own], self._first[own] + self._kept[own])]
        if len(kept) == 0:
            return iter(())
        rivals, common = np.unique(kept, return_counts=True)
        # What two sets share is at most the rare shingles they share and the rest of one of them.
        most = common + np.maximum(self._rest[row], self._rest[rivals])
        least = self._threshold / (1 + self._threshold) * (self._sizes[row] + self._sizes[rivals])
        plausible = rivals[most >= least - _ROUNDING].tolist()
        return (plausible[i : i + _TOGETHER] for i in range(0, len(plausible), _TOGETHER))

    def _own_buckets(self, row: int) -> NDArray[np.int64]:
        owner = self._owner[row]
        return self._buckets[self._offsets[owner] : self._offsets[owner + 1]]

    def _set(self, row: int) -> NDArray[np.uint64]:
        own: NDArray[np.uint64] = self._of.sets[self._owner[row]]
        return own

    def _shared_band(self, row: int, rival: int) -> str | None:
        keys = band_keys(self._of.signatures[[row, rival]], self._threshold)
        common = np.flatnonzero(keys[:, 0] == keys[:, 1])
        return f"band {common[0]}: {int(keys[common[0], 0]):016x}" if len(common) else None


def _owners(compared: Compared) -> NDArray[np.int64]:
    """(n,) for each row one of the same digest that has its set."""
    digests = [digest.tobytes() for digest in compared.digests]
    owner = {d: row for row, d in enumerate(digests) if len(compared.sets[row])}
    return np.array([owner[digest] for digest in digests], np.int64)
