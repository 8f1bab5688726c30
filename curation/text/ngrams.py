"""Character n-grams of many texts as hashed features: what the trained models read."""

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from curation.text.arrays import ranges
from curation.text.codepoints import CodePoints

#: Fibonacci hashing (Knuth, TAOCP 3, 6.4): 2**64 / golden ratio, odd.
_FACTOR = np.uint64(0x9E3779B97F4A7C15)


def ngram_counts(texts: CodePoints, order: int, bits: int) -> sp.csr_matrix:
    """(n, 2**bits) float32: how often each hashed n-gram of `order` characters occurs in each text.

    A gram that occurs twice has two entries (matrix products do not mind). Orders are hashed
    differently, so that the matrices of several may be added.
    """
    per_text = np.maximum(texts.lengths - order + 1, 0)
    starts = ranges(texts.offsets[:-1], texts.offsets[:-1] + per_text)
    columns = _hash(texts.points, starts, order, bits)
    indptr = np.concatenate([[0], np.cumsum(per_text)])
    data = np.ones(len(columns), np.float32)
    return sp.csr_matrix((data, columns, indptr), shape=(len(per_text), 1 << bits))


def _hash(
    points: NDArray[np.uint32], starts: NDArray[np.int64], order: int, bits: int
) -> NDArray[np.int32]:
    """`bits` bits for the `order` characters at each of `starts`."""
    value = np.full(len(starts), order, np.uint64)
    for step in range(order):
        value = (value + points[starts + step]) * _FACTOR
    return (value >> np.uint64(64 - bits)).astype(np.int32)
