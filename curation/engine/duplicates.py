"""Deduplication over all chunks: from their indexes to a table of who duplicates whom."""

import time
from collections.abc import Sequence
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.engine import checkpoint
from curation.engine.batches import ChunkTask, replay, results_of
from curation.stages.dedup.shingles import shingles
from curation.stages.dedup.survivors import find_duplicates
from curation.stages.dedup.text import compared_text, fold
from curation.text.codepoints import CodePoints
from schemas.recipe import Dedup, Recipe

#: One row per dropped conversation. `row` counts the rows left in the chunk by its batch stages.
DUPLICATES = pa.schema(
    [
        pa.field("chunk", pa.int32()),
        pa.field("row", pa.int32()),
        pa.field("duplicate_of", pa.string()),
        pa.field("survivor_source", pa.string()),
        pa.field("jaccard", pa.float64()),
        pa.field("exact", pa.bool_()),
    ]
)


def write_duplicates(path: Path, recipe: Recipe, chunks: Sequence[ChunkTask]) -> None:
    """Find the duplicates of the whole corpus and keep them at `path`."""
    began = time.perf_counter()
    config = recipe.stages.dedup
    indexes = [checkpoint.load(chunk.index_path)[0][0] for chunk in chunks]
    bounds = np.concatenate([[0], np.cumsum([index.num_rows for index in indexes])])
    corpus = pa.concat_tables(indexes).combine_chunks()
    # Making signatures is the last batch stage and drops nothing: its rows are those of the index.
    signed = pa.concat_tables(checkpoint.load(results_of(chunk)[-1])[0][0] for chunk in chunks)
    sources = np.repeat(np.arange(len(chunks)), np.diff(bounds))
    found = find_duplicates(
        _fixed_width(signed.column("digest"), np.dtype("V16")),
        _fixed_width(signed.column("signature"), np.dtype((np.uint32, (config.num_perm,)))),
        _preference(recipe, chunks, sources, corpus.column("quality").to_numpy()),
        config.threshold,
        partial(_shingle_sets, chunks, bounds, config),
    )
    chunk_of = np.searchsorted(bounds, found.row, side="right") - 1
    survivor_chunk = np.searchsorted(bounds, found.survivor, side="right") - 1
    table = pa.table(
        [
            pa.array(chunk_of, pa.int32()),
            pa.array(found.row - bounds[chunk_of], pa.int32()),
            corpus.column("id").take(pa.array(found.survivor)),
            pa.array([chunks[c].source for c in survivor_chunk], pa.string()),
            pa.array(found.jaccard),
            pa.array(found.exact),
        ],
        schema=DUPLICATES,
    )
    checkpoint.save(path, [table], {"seconds": time.perf_counter() - began})


def _preference(
    recipe: Recipe,
    chunks: Sequence[ChunkTask],
    chunk_of: NDArray[np.int64],
    quality: NDArray[np.float32],
) -> NDArray[np.int64]:
    """(n,) rank of each row: source priority, then quality, then place in the corpus."""
    names = [*recipe.stages.dedup.priority, *(source.name for source in recipe.sources)]
    priority = np.array([names.index(chunk.source) for chunk in chunks], np.int64)[chunk_of]
    order = np.lexsort((-quality, priority))  # stable: ties stay in corpus order
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    return rank


def _shingle_sets(
    chunks: Sequence[ChunkTask],
    bounds: NDArray[np.int64],
    config: Dedup,
    rows: NDArray[np.int64],
) -> dict[int, NDArray[np.uint64]]:
    """Row → the set of its shingles, from its text."""
    sets: dict[int, NDArray[np.uint64]] = {}
    for chunk, (start, end) in zip(chunks, pairwise(bounds.tolist()), strict=True):
        wanted = rows[(rows >= start) & (rows < end)]
        if len(wanted):
            batch = replay(chunk).batch.take(pa.array(wanted - start))
            texts = shingles(fold(CodePoints.of(compared_text(batch, config.key))), config.ngram)
            sets.update((row, texts.unique(i)) for i, row in enumerate(wanted.tolist()))
    return sets


def _fixed_width(column: pa.ChunkedArray, dtype: np.dtype[Any]) -> NDArray[Any]:
    """A fixed-size binary column as an array of `dtype`, without copying."""
    array = column.combine_chunks()
    array = array if isinstance(array, pa.Array) else pa.concat_arrays(array.chunks)
    raw = array.buffers()[1]
    values = np.frombuffer(raw, dtype) if raw else np.zeros(0, dtype)
    return values[array.offset : array.offset + len(array)]
