"""Texts worth comparing: locality-sensitive hashing over MinHash signatures."""

from functools import cache

import numpy as np
from datasketch import MinHashLSH
from numpy.typing import NDArray

#: datasketch's weights of false positives and negatives. Every candidate is verified, so a false
#: positive costs only time: these weights find 98.7-99.2 % of the pairs above the threshold where
#: the default (.5, .5) loses 10 % of them.
_WEIGHTS = (0.1, 0.9)


@cache
def banding(threshold: float, num_perm: int) -> tuple[int, int]:
    """(bands, rows per band), chosen by datasketch for `threshold`."""
    try:
        index = MinHashLSH(threshold=threshold, num_perm=num_perm, weights=_WEIGHTS)
    except ValueError:  # so near to 1 that it would take a single band, which it refuses
        return 2, num_perm // 2
    return index.b, index.r


def buckets(
    signatures: NDArray[np.uint32], threshold: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Texts that share a band with another: (p,) texts and (p,) the bucket each stands in.

    A bucket holds the texts that are equal in one band, two at least. A text is in as many buckets
    as it shares bands.
    """
    bands, width = banding(threshold, signatures.shape[1])
    texts, numbers, used = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)], 0
    for band in range(bands):
        keys = _band_keys(signatures[:, band * width : (band + 1) * width])
        _, bucket, size = np.unique(keys, return_inverse=True, return_counts=True)
        shared = np.flatnonzero(size[bucket] > 1)
        texts.append(shared)
        numbers.append(bucket[shared] + used)
        used += len(size)
    return np.concatenate(texts), np.concatenate(numbers)


def _band_keys(columns: NDArray[np.uint32]) -> NDArray[np.uint64]:
    """(n,) a 64-bit hash of each row. A collision is one more candidate, which is verified."""
    keys = np.zeros(len(columns), np.uint64)
    for column in columns.T:
        keys = (keys ^ column) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(29)
    return keys
