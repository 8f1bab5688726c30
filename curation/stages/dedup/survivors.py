"""Who stays: a greedy pass in order of preference, so that no unlike texts are chained.

The best row of all stays and takes with it only rows within the threshold of itself; then the best
of the rest; and so on. Hence every dropped row is a verified duplicate of a row that is kept.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from curation.stages.dedup.candidates import band_keys, buckets
from curation.stages.dedup.shingles import jaccard

#: A rival is not verified where its signature puts it this many standard deviations below the
#: threshold: of pairs at the threshold that loses 1 in 10,000, and it spares a template's thousand
#: unlike rows a million comparisons.
_DEVIATIONS = 4


@dataclass(frozen=True, slots=True)
class Compared:
    """What n rows are compared by under one key.

    key:        prompt, response or conversation.
    digests:    (n,) 16 bytes each; equal digest, equal folded text.
    signatures: (n, num_perm) uint32, MinHash.
    sets:       n sorted sets of shingle hashes, uint64.
    """

    key: str
    digests: NDArray[np.void]
    signatures: NDArray[np.uint32]
    sets: Sequence[NDArray[np.uint64]]


@dataclass(frozen=True, slots=True)
class Duplicate:
    """A row that goes, and the row that stays in its place.

    jaccard: exact, of the two under `key`. exact: whether their folded texts are equal.
    shared:  what both have: the digest in hexadecimal, or the first band with its key.
    """

    row: int
    survivor: int
    key: str
    jaccard: float
    exact: bool
    shared: str


def find_duplicates(compared: Sequence[Compared], threshold: float) -> list[Duplicate]:
    """Decide over n rows, the preferred first; gives the rows that go, in that order.

    A row goes where it is within the threshold of a row that stays, under any of the keys; the
    first key that says so, and the most preferred row under it, are told. Rows are compared only
    with rows that stay, so a thousand copies cost a thousand comparisons.
    """
    keys = [_Key(one, band_keys(one.signatures, threshold)) for one in compared]
    slack = _DEVIATIONS * (threshold * (1 - threshold) / keys[0].texts.signatures.shape[1]) ** 0.5
    found = []
    for row in range(len(compared[0].digests)):
        duplicate = next(
            (d for key in keys if (d := key.duplicate(row, threshold, threshold - slack))), None
        )
        if duplicate:
            found.append(duplicate)
            continue
        for key in keys:
            key.keep(row)
    return found


@dataclass(slots=True)
class _Key:
    """The buckets of one key, and the rows that stay in each."""

    texts: Compared
    bands: NDArray[np.uint64]
    kept: dict[int, list[int]] = field(default_factory=lambda: defaultdict(list))
    buckets: list[list[int]] = field(init=False)

    def __post_init__(self) -> None:
        self.buckets = [[] for _ in self.texts.digests]
        for row, bucket in zip(*map(np.ndarray.tolist, buckets(self.bands)), strict=True):
            self.buckets[row].append(bucket)

    def keep(self, row: int) -> None:
        for bucket in self.buckets[row]:
            self.kept[bucket].append(row)

    def duplicate(self, row: int, threshold: float, plausible: float) -> Duplicate | None:
        """The duplicate that `row` is of the most preferred row within the threshold."""
        for rival in self._rivals(row, plausible):
            if self.texts.digests[rival] == self.texts.digests[row]:
                digest = self.texts.digests[row].tobytes().hex()
                return Duplicate(row, rival, self.texts.key, 1.0, True, digest)
            similarity = jaccard(self.texts.sets[row], self.texts.sets[rival], threshold)
            if similarity >= threshold:
                shared = self._shared_band(row, rival)
                return Duplicate(row, rival, self.texts.key, similarity, False, shared)
        return None

    def _rivals(self, row: int, plausible: float) -> Iterator[int]:
        """Rows that stay and share a band with `row`, and by their signatures may be like it."""
        found = {rival for bucket in self.buckets[row] for rival in self.kept.get(bucket, ())}
        if not found:
            return iter(())
        rivals = np.array(sorted(found))
        signatures = self.texts.signatures
        estimate = (signatures[rivals] == signatures[row]).mean(axis=1)
        return iter(rivals[estimate >= plausible].tolist())

    def _shared_band(self, row: int, rival: int) -> str:
        band = int(np.argmax(self.bands[:, row] == self.bands[:, rival]))
        return f"band {band}: {int(self.bands[band, row]):016x}"
