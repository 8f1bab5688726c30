"""Texts worth comparing: locality-sensitive hashing over MinHash signatures."""

from contextlib import suppress
from functools import cache

import numpy as np
from numpy.typing import NDArray

#: Chance of finding a pair exactly at the threshold; above it the chance is higher. Every candidate
#: is verified, so recall costs only time. datasketch's own optimum, which weighs false positives
#: too, finds 40 % there by default and 87 % with weights (.1, .9) at threshold 0.8.
RECALL = 0.99

#: Weights of a missed pair, tried in turn; the rest of 1 weighs needless comparisons.
_WEIGHTS = (0.9, 0.99, 0.999, 0.9999, 0.99999)


@cache
def banding(threshold: float, num_perm: int) -> tuple[int, int]:
    """(bands, rows per band) as datasketch chooses them for `threshold`, that reach `RECALL`.

    Two texts of Jaccard s share one of b bands of r rows with probability 1 - (1 - s^r)^b
    (Leskovec, Rajaraman, Ullman: Mining of Massive Datasets, section 3.4). Of two wide bands, which
    datasketch never chooses and which suffice near threshold 1, and its choices for ever heavier
    weights, the first that reaches the recall is taken; where none does, single rows.
    """
    from datasketch import MinHashLSH  # brings scipy, which takes a third of a second

    choices = [(2, num_perm // 2)]
    for weight in _WEIGHTS:
        with suppress(ValueError):  # its optimum is a single band, which it refuses
            lsh = MinHashLSH(threshold, num_perm, weights=(1 - weight, weight))
            choices.append((lsh.b, lsh.r))
    sound = (one for one in choices if 1 - (1 - threshold ** one[1]) ** one[0] >= RECALL)
    return next(sound, (num_perm, 1))


def band_keys(signatures: NDArray[np.uint32], threshold: float) -> NDArray[np.uint64]:
    """(bands, n) a 64-bit hash of each signature's rows in each band.

    Texts that share a key share the band; a collision is one more candidate, which is verified.
    """
    bands, width = banding(threshold, signatures.shape[1])
    columns = np.ascontiguousarray(signatures.T[: bands * width]).reshape(bands, width, -1)
    keys = np.zeros((bands, len(signatures)), np.uint64)
    for row in range(width):
        keys = (keys ^ columns[:, row]) * np.uint64(0x9E3779B97F4A7C15)
        keys ^= keys >> np.uint64(29)
    return keys


def pairs(keys: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Links between the texts of equal key in one band: (p,) texts and (p,) the next of each.

    keys: (n,). A bucket of k texts gives the k - 1 links that hold it together.
    """
    order = np.argsort(keys, kind="stable")
    ordered = keys[order]
    equal = np.flatnonzero(ordered[1:] == ordered[:-1])
    return order[equal], order[equal + 1]
