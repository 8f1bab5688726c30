"""Character shingles as 64-bit hashes, and the exact Jaccard of two sets of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.text.codepoints import CodePoints

_BASE = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio, odd: a bijection mod 2^64


@dataclass(frozen=True, slots=True)
class Shingles:
    """The shingles of n texts, in text order, repeats included.

    hashes:  (total,) uint64.
    offsets: (n + 1,) int64; every text has at least one shingle.
    """

    hashes: NDArray[np.uint64]
    offsets: NDArray[np.int64]

    def unique(self, text: int) -> NDArray[np.uint64]:
        """The sorted set of shingle hashes of one text."""
        return np.unique(self.hashes[self.offsets[text] : self.offsets[text + 1]])


def shingles(texts: CodePoints, n: int) -> Shingles:
    """Every window of `n` characters. A text shorter than `n` is one shingle, itself.

    A window's hash is a polynomial in its code points mod 2^64, mixed by MurmurHash3's finalizer.
    """
    padded = _pad(texts, n)
    if len(padded.points) == 0:
        return Shingles(np.zeros(0, np.uint64), padded.offsets)
    hashes = np.zeros(max(len(padded.points) - n + 1, 0), np.uint64)
    for k in range(n):
        hashes *= _BASE
        hashes += padded.points[k : k + len(hashes)]
    windows = padded.lengths - (n - 1)
    offsets = np.concatenate([[0], np.cumsum(windows)])
    # Leave out the windows that begin in one text and end in the next.
    inside = np.arange(offsets[-1]) + np.repeat(np.arange(len(windows)) * (n - 1), windows)
    return Shingles(_mix(hashes[inside]), offsets)


def jaccard(one: NDArray[np.uint64], others: Sequence[NDArray[np.uint64]]) -> NDArray[np.float64]:
    """(k,) exact Jaccard of a sorted set with each of k others, |a ∩ b| / |a ∪ b|."""
    sizes = np.array([len(other) for other in others])
    hashes = np.concatenate(others)
    places = np.minimum(np.searchsorted(one, hashes), len(one) - 1)
    starts = np.cumsum(sizes) - sizes
    shared = np.add.reduceat(one[places] == hashes, starts, dtype=np.int64)
    similarity: NDArray[np.float64] = shared / (len(one) + sizes - shared)
    return similarity


def _pad(texts: CodePoints, n: int) -> CodePoints:
    """Lengthen texts shorter than `n` to `n` with U+0000."""
    lengths = texts.lengths
    short = np.flatnonzero(lengths < n)
    if len(short) == 0:
        return texts
    positions = np.repeat(texts.offsets[short + 1], n - lengths[short])
    points = np.insert(texts.points, positions, 0)
    return CodePoints(points, np.concatenate([[0], np.cumsum(np.maximum(lengths, n))]))


def _mix(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """MurmurHash3's 64-bit finalizer (Appleby, public domain): a fixed avalanching bijection."""
    for multiplier in (0xFF51AFD7ED558CCD, 0xC4CEB9FE1A85EC53):
        hashes ^= hashes >> np.uint64(33)
        hashes *= np.uint64(multiplier)
    hashes ^= hashes >> np.uint64(33)
    return hashes
