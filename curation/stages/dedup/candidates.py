"""Texts worth comparing: locality-sensitive hashing over MinHash signatures."""

from functools import cache

import numpy as np
from numpy.typing import NDArray

#: Chance of finding a pair exactly at the threshold; above it the chance is higher. Every candidate
#: is verified, so recall costs only time. datasketch's own optimum, which weighs false positives
#: too, finds 40 % there by default and 87 % with weights (.1, .9) at threshold 0.8.
RECALL = 0.99


@cache
def banding(threshold: float, num_perm: int) -> tuple[int, int]:
    """(bands, rows per band): the widest bands that reach `RECALL`.

    Two texts of Jaccard s share one of b bands of r rows with probability 1 - (1 - s^r)^b
    (Leskovec, Rajaraman, Ullman: Mining of Massive Datasets, section 3.4).
    """
    for width in range(num_perm // 2, 1, -1):
        bands = num_perm // width
        if 1 - (1 - threshold**width) ** bands >= RECALL:
            return bands, width
    return num_perm, 1


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
