"""All chunks of a corpus as one numbered sequence of rows, of which little is held in memory."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.engine import checkpoint
from curation.engine.batches import ChunkTask
from curation.stages import signature_stage


@dataclass(frozen=True, slots=True)
class Corpus:
    """The rows that the batch stages left, numbered over all chunks.

    bounds: (chunks + 1,) int64, chunk c has the rows `bounds[c]:bounds[c + 1]`.
    """

    chunks: Sequence[ChunkTask]
    bounds: NDArray[np.int64]

    @classmethod
    def of(cls, chunks: Sequence[ChunkTask]) -> "Corpus":
        """Count the rows of every chunk. Raises DamagedError."""
        rows = [checkpoint.load_note(chunk.index_path)["rows"] for chunk in chunks]
        return cls(chunks, np.concatenate([[0], np.cumsum(rows, dtype=np.int64)]))

    def __len__(self) -> int:
        return int(self.bounds[-1])

    def chunk_of(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The chunk that each row stands in."""
        return np.searchsorted(self.bounds, rows, side="right") - 1

    def parts(
        self, rows: NDArray[np.int64]
    ) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.int64]]]:
        """Per chunk with any of `rows`: its number, the places in `rows`, the rows within it."""
        order = np.argsort(rows, kind="stable")
        cuts = np.searchsorted(rows[order], self.bounds)
        for chunk, (start, end) in enumerate(pairwise(cuts.tolist())):
            if start < end:
                places = order[start:end]
                yield chunk, places, rows[places] - self.bounds[chunk]

    def ids(self, rows: NDArray[np.int64]) -> list[str]:
        """The id of each row."""
        ids = [""] * len(rows)
        for chunk, places, local in self.parts(rows):
            index = checkpoint.load(self.chunks[chunk].index_path)[0][0]
            found = index.column("id").take(pa.array(local)).to_pylist()
            for place, id_ in zip(places.tolist(), found, strict=True):
                ids[place] = id_
        return ids

    def id_hashes(self) -> NDArray[np.uint64]:
        """(n,) 64 bits of BLAKE2b of every id: a random order that no other record changes."""
        hashes = np.empty(len(self), np.uint64)
        for chunk, (start, end) in zip(self.chunks, pairwise(self.bounds), strict=True):
            index = checkpoint.load(chunk.index_path)[0][0]
            digests = (
                hashlib.blake2b(i.encode(), digest_size=8).digest()
                for i in index.column("id").to_pylist()
            )
            hashes[start:end] = np.frombuffer(b"".join(digests), ">u8")
        return hashes

    def quality(self) -> NDArray[np.float32]:
        """(n,) the quality score of every row."""
        quality = np.empty(len(self), np.float32)
        for chunk, (start, end) in zip(self.chunks, pairwise(self.bounds), strict=True):
            index = checkpoint.load(chunk.index_path)[0][0]
            quality[start:end] = index.column("quality").to_numpy()
        return quality


def signed(chunk: ChunkTask, key: str) -> tuple[NDArray[np.void], NDArray[np.uint32]]:
    """Digests (n,) and signatures (n, num_perm) of a chunk under `key`."""
    names = [stage.name for stage in chunk.stages]
    path = chunk.result_path(names.index(signature_stage(key)))
    table = checkpoint.load(path)[0][0]
    digests = fixed_width(table.column(f"digest_{key}"), np.dtype("V16"))
    signature = table.column(f"signature_{key}")
    width = signature.type.byte_width // 4
    return digests, fixed_width(signature, np.dtype((np.uint32, (width,))))


def fixed_width(column: pa.ChunkedArray, dtype: np.dtype[Any]) -> NDArray[Any]:
    """A fixed-size binary column as an array of `dtype`, without copying where it is one chunk."""
    array = column.combine_chunks()
    array = array if isinstance(array, pa.Array) else pa.concat_arrays(array.chunks)
    raw = array.buffers()[1]
    values = np.frombuffer(raw, dtype) if raw else np.zeros(0, dtype)
    return values[array.offset : array.offset + len(array)]
