"""The batch half of deduplication: a digest and a MinHash signature per conversation.

Signatures equal those of `datasketch.LeanMinHash(seed=1, scheme="affine32")` fed with the low 32
bits of each shingle hash: for every permutation, min over shingles of `fmix32(h) * a + b` mod 2^32.
"""

import hashlib
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.stages.batch import StageResult
from curation.stages.dedup.shingles import Shingles, shingles
from curation.stages.dedup.text import compared_text, fold
from curation.text.codepoints import CodePoints

#: Shingles per block, so that a block's hashes and products stay in the L2 cache.
_BLOCK = 32_768


@dataclass(frozen=True, slots=True)
class Signing:
    """How to sign: the compared `key`, the shingle length in characters, the permutations."""

    key: str
    ngram: int
    num_perm: int


def signatures(batch: pa.RecordBatch, config: Signing) -> StageResult:
    """Give columns `digest_KEY` (16 bytes) and `signature_KEY` (4 × num_perm bytes)."""
    texts = fold(CodePoints.of(compared_text(batch, config.key)))
    values = minhash(shingles(texts, config.ngram), config.num_perm)
    signature = pa.FixedSizeBinaryArray.from_buffers(
        pa.binary(4 * config.num_perm), len(values), [None, pa.py_buffer(values.tobytes())]
    )
    columns = {f"digest_{config.key}": _digests(texts), f"signature_{config.key}": signature}
    return StageResult(columns)


def minhash(texts: Shingles, num_perm: int) -> NDArray[np.uint32]:
    """(n, num_perm) the MinHash signature of each text."""
    n = len(texts.offsets) - 1
    result = np.empty((num_perm, n), np.uint32)
    a, b = _permutations(num_perm)
    hashes = _fmix32(texts.hashes.astype(np.uint32))
    first = 0
    while first < n:
        last = _block_end(texts.offsets, first)
        start, end = texts.offsets[first], texts.offsets[last]
        block, product = hashes[start:end], np.empty(end - start, np.uint32)
        begins = texts.offsets[first:last] - start
        for k in range(num_perm):
            np.multiply(block, a[k], out=product)
            np.add(product, b[k], out=product)
            result[k, first:last] = np.minimum.reduceat(product, begins)
        first = last
    return np.ascontiguousarray(result.T)


def _block_end(offsets: NDArray[np.int64], first: int) -> int:
    """The text after the last one of the block that begins at text `first`."""
    end = int(np.searchsorted(offsets, offsets[first] + _BLOCK, side="right")) - 1
    return min(max(end, first + 1), len(offsets) - 1)


@cache
def _permutations(num_perm: int) -> tuple[NDArray[np.uint32], NDArray[np.uint32]]:
    from datasketch import MinHash  # brings scipy, which takes a third of a second

    a, b = MinHash(num_perm, seed=1, scheme="affine32").permutations
    return a, b


def _fmix32(hashes: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """MurmurHash3's 32-bit finalizer, in place."""
    for shift, multiplier in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        hashes ^= hashes >> np.uint32(shift)
        hashes *= np.uint32(multiplier)
    hashes ^= hashes >> np.uint32(16)
    return hashes


def _digests(texts: CodePoints) -> pa.Array:
    """(n,) 128 bits of BLAKE2b of each folded text."""
    raw = memoryview(texts.points.tobytes())
    bounds = (4 * texts.offsets).tolist()
    digests = [
        hashlib.blake2b(raw[start:end], digest_size=16).digest() for start, end in pairwise(bounds)
    ]
    return pa.array(digests, pa.binary(16))
