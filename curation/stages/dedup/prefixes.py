"""Which rows of a component may be within the threshold of each other, without loss.

Prefix filtering (Bayardo, Ma, Srikant: Scaling Up All Pairs Similarity Search, 2007): order all
shingles from rare to frequent. A set x of which a Jaccard of t is asked shares t·|x| shingles, so
one of its |x| - ⌈t·|x|⌉ + 1 rarest with one of the other's rarest. What a template's rows have in
common is frequent, so that thousands of them are not compared with each other.
"""

from collections.abc import Iterator, Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

#: Counts of shingles are kept by this many low bits of the hash; shared counters only make a
#: shingle look more frequent, which is one order as good as another.
_COUNTERS = 1 << 20
_COUNT_BITS = 20
_SLICE = 1 << 20  # shingles looked at together


def prefix_buckets(
    sets: Sequence[NDArray[np.uint64]], component: NDArray[np.int64], threshold: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Rows that share a rare shingle: (n + 1,) offsets and (p,) the buckets of each row.

    sets: n sorted sets of shingle hashes. component: (n,), rows of different ones share no bucket.
    Buckets are numbered; each has two rows at least.
    """
    counts = _counts(sets)
    lengths = prefix_lengths(np.array([len(one) for one in sets], np.int64), threshold)
    salt = component.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    rows, keys = [np.zeros(0, np.int64)], [np.zeros(0, np.uint64)]
    for row, hashes in enumerate(sets):
        prefix = _prefix(hashes, counts, int(lengths[row]))
        rows.append(np.full(len(prefix), row))
        keys.append(prefix ^ salt[row])
    owner = np.concatenate(rows)
    _, bucket, size = np.unique(np.concatenate(keys), return_inverse=True, return_counts=True)
    shared = size[bucket] > 1
    offsets = np.searchsorted(owner[shared], np.arange(len(sets) + 1))
    return offsets, bucket[shared]


def prefix_lengths(sizes: NDArray[np.int64], threshold: float) -> NDArray[np.int64]:
    """(n,) how many of its rarest shingles a set of each size must share one of."""
    least: NDArray[np.int64] = np.ceil(threshold * sizes - 1e-9).astype(np.int64)
    return sizes - least + 1


def _counts(sets: Sequence[NDArray[np.uint64]]) -> NDArray[np.int64]:
    counts = np.zeros(_COUNTERS, np.int64)
    for some in _slices(sets):
        counts += np.bincount(some.astype(np.int64) & (_COUNTERS - 1), minlength=_COUNTERS)
    return np.minimum(counts, (1 << _COUNT_BITS) - 1)


def _slices(sets: Sequence[NDArray[np.uint64]]) -> Iterator[NDArray[np.uint64]]:
    ends = np.cumsum([0, *(len(one) for one in sets)])
    cuts = np.searchsorted(ends, np.arange(0, ends[-1], _SLICE)).tolist()
    for start, end in pairwise([*cuts, len(sets)]):
        if start < end:
            yield np.concatenate(sets[start:end])


def _prefix(
    hashes: NDArray[np.uint64], counts: NDArray[np.int64], length: int
) -> NDArray[np.uint64]:
    """The `length` rarest shingles of a set, without those that no other row has."""
    count = counts[hashes.astype(np.int64) & (_COUNTERS - 1)].astype(np.uint64)
    order = (count << np.uint64(64 - _COUNT_BITS)) | (hashes >> np.uint64(_COUNT_BITS))
    rarest = np.partition(order, length - 1)[:length] if length < len(order) else order
    return rarest[rarest >> np.uint64(64 - _COUNT_BITS) > 1]
