"""Deduplication over all chunks, out of core: from signatures to a table of who duplicates whom.

Rows that share a band with another go, with their signatures and shingles, to part files; blocks of
whole components are then settled one by one, each by one worker. Nothing is held of other rows.
"""

import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.engine import checkpoint
from curation.engine.batches import ChunkTask, replay
from curation.engine.clusters import find_components
from curation.engine.corpus import Corpus, fixed_width, signed
from curation.engine.executors import Executor
from curation.engine.tables import evidence_text
from curation.stages.dedup.shingles import shingles
from curation.stages.dedup.survivors import Compared, Duplicate, find_duplicates
from curation.stages.dedup.text import compared_text, fold
from curation.text.codepoints import CodePoints
from schemas.recipe import Dedup, Recipe

#: Who duplicates whom; `row` and `survivor` are numbers of `Corpus`.
FOUND = pa.schema(
    [
        pa.field("row", pa.int64()),
        pa.field("survivor", pa.int64()),
        pa.field("reason", pa.string()),
        pa.field("jaccard", pa.float64()),
        pa.field("evidence", pa.string()),
    ]
)

#: One row per dropped conversation, in the order of the corpus; `duplicate_of` is an id.
DUPLICATES = FOUND.append(pa.field("duplicate_of", pa.string()))

#: One row per row of the corpus that shares a band with another: the component it belongs to.
COMPONENTS = pa.schema([pa.field("row", pa.int64()), pa.field("component", pa.int32())])

#: Rows that a worker settles at once; a component that is larger is settled whole.
BLOCK_ROWS = 8_192
_NOTHING = np.zeros(0, np.uint64)
#: Chunks whose rows go into one part file.
PART_CHUNKS = 8


@dataclass(frozen=True, slots=True)
class GatherTask:
    """Write what comparing needs of some rows to the part file `path`.

    rows: per chunk, the rows within it that are compared, k in all.
    number, component, block, rank: (k,) of each: its row in the corpus, its component, its block,
        its place in the order of preference.
    """

    path: Path
    chunks: Sequence[ChunkTask]
    rows: Sequence[NDArray[np.int64]]
    number: NDArray[np.int64]
    component: NDArray[np.int32]
    block: NDArray[np.int64]
    rank: NDArray[np.int32]
    config: Dedup


@dataclass(frozen=True, slots=True)
class SettleTask:
    """Decide over the rows of `block` in the part files."""

    parts: Sequence[Path]
    block: int
    config: Dedup


def write_duplicates(
    path: Path, recipe: Recipe, chunks: Sequence[ChunkTask], executor: Executor
) -> None:
    """Compare the whole corpus and keep at `path` the tables `DUPLICATES` and `COMPONENTS`."""
    began = time.perf_counter()
    corpus = Corpus.of(chunks)
    scratch = path.with_suffix("")
    scratch.mkdir(parents=True, exist_ok=True)
    labels = find_components(corpus, recipe, scratch)
    rows = np.flatnonzero(np.bincount(labels, minlength=1)[labels] > 1)
    components = pa.table([pa.array(rows), pa.array(labels[rows])], schema=COMPONENTS)
    seconds = time.perf_counter() - began
    dropped = DUPLICATES.empty_table()
    if recipe.stages.dedup.enabled and len(rows):
        blocks = _blocks(labels[rows])
        tasks = _gather_tasks(corpus, recipe, components, blocks, scratch)
        seconds += sum(executor.map(gather, tasks))
        parts = [task.path for task in tasks]
        settling = [SettleTask(parts, b, recipe.stages.dedup) for b in range(blocks.max() + 1)]
        settled = executor.map(settle, settling)
        seconds += sum(took for _, took in settled)
        dropped = _in_row_order(corpus, [table for table, _ in settled])
    shutil.rmtree(scratch)
    checkpoint.save(path, [dropped, components], {"seconds": seconds})


def _in_row_order(corpus: Corpus, found: Sequence[pa.Table]) -> pa.Table:
    table = pa.concat_tables(found).sort_by("row")
    ids = corpus.ids(table.column("survivor").to_numpy())
    return table.append_column(DUPLICATES.field("duplicate_of"), pa.array(ids, pa.string()))


def gather(task: GatherTask) -> float:
    """Write a part file, sorted by block; gives the seconds it took."""
    began = time.perf_counter()
    tables = [
        _gathered(chunk, rows, task.config)
        for chunk, rows in zip(task.chunks, task.rows, strict=True)
    ]
    table = pa.concat_tables(tables)
    for name in ("number", "component", "block", "rank"):
        table = table.append_column(name, pa.array(getattr(task, name)))
    order = pa.array(np.argsort(task.block, kind="stable"))
    checkpoint.save(task.path, [table.take(order).combine_chunks()], {}, mapped=True)
    return time.perf_counter() - began


def _gathered(chunk: ChunkTask, rows: NDArray[np.int64], config: Dedup) -> pa.Table:
    """Digest, signature and set of shingles of `rows` of a chunk, under every key.

    Of rows with one digest only one has its set.
    """
    batch = replay(chunk).batch.take(pa.array(rows))
    columns = {}
    for key in config.compared_by():
        digests, signatures = signed(chunk, key)
        made = shingles(fold(CodePoints.of(compared_text(batch, key))), config.ngram)
        leads = set(np.unique(digests[rows], return_index=True)[1].tolist())
        sets = [made.unique(row) if row in leads else _NOTHING for row in range(len(rows))]
        offsets = np.concatenate([[0], np.cumsum([len(one) for one in sets], dtype=np.int64)])
        columns[f"digest_{key}"] = _binary(digests[rows])
        columns[f"signature_{key}"] = _binary(signatures[rows])
        columns[f"set_{key}"] = pa.LargeListArray.from_arrays(offsets, np.concatenate(sets))
    return pa.table(columns)


def settle(task: SettleTask) -> tuple[pa.Table, float]:
    """Who duplicates whom in a block, by `FOUND`, and the seconds it took."""
    began = time.perf_counter()
    table = pa.concat_tables(_block(path, task.block) for path in task.parts)
    order = np.argsort(table.column("rank").to_numpy())
    number, component = (table.column(n).to_numpy()[order] for n in ("number", "component"))
    compared = [_compared(table, key, order) for key in task.config.compared_by()]
    found = find_duplicates(compared, component, task.config.threshold)
    return _found(found, number, task.config), time.perf_counter() - began


def _block(path: Path, block: int) -> pa.Table:
    """The rows of one block in a part file, of which no other is read."""
    table = checkpoint.load(path)[0][0]
    start, end = np.searchsorted(table.column("block").to_numpy(), [block, block + 1])
    return table.slice(start, end - start)


def _compared(table: pa.Table, key: str, order: NDArray[np.int64]) -> Compared:
    """One key of a block, in order of preference. The sets stay in the part files."""
    signatures = table.column(f"signature_{key}")
    width = np.dtype((np.uint32, (signatures.type.byte_width // 4,)))
    sets = []
    for part in table.column(f"set_{key}").chunks:
        values, offsets = part.values.to_numpy(), part.offsets.to_numpy()
        sets += [values[start:end] for start, end in pairwise(offsets.tolist())]
    return Compared(
        key,
        fixed_width(table.column(f"digest_{key}"), np.dtype("V16"))[order],
        fixed_width(signatures, width)[order],
        [sets[row] for row in order.tolist()],
    )


def _found(found: list[Duplicate], number: NDArray[np.int64], config: Dedup) -> pa.Table:
    evidence = [
        evidence_text(
            {
                "key": d.key,
                "jaccard": round(d.jaccard, 6),
                "threshold": config.threshold,
                "shared": d.shared,
            }
        )
        for d in found
    ]
    columns = [
        pa.array(number[[d.row for d in found]]),
        pa.array(number[[d.survivor for d in found]]),
        pa.array([_reason(d, config) for d in found], pa.string()),
        pa.array([d.jaccard for d in found], pa.float64()),
        pa.array(evidence, pa.string()),
    ]
    return pa.table(columns, schema=FOUND)


def _reason(duplicate: Duplicate, config: Dedup) -> str:
    if duplicate.key != config.key:
        return "same_prompt"
    return "exact_duplicate" if duplicate.exact else "near_duplicate"


def _gather_tasks(
    corpus: Corpus, recipe: Recipe, components: pa.Table, blocks: NDArray[np.int64], scratch: Path
) -> list[GatherTask]:
    """Tasks of `PART_CHUNKS` chunks each, over the rows of `components`; blocks: (p,) of each."""
    rows, component = (components.column(name).to_numpy() for name in COMPONENTS.names)
    rank = _rank(corpus, recipe)[rows]
    cuts = np.searchsorted(rows, corpus.bounds).tolist()
    tasks = []
    for first in range(0, len(corpus.chunks), PART_CHUNKS):
        last = min(first + PART_CHUNKS, len(corpus.chunks))
        start, end = cuts[first], cuts[last]
        own = [c for c in range(first, last) if cuts[c] < cuts[c + 1]]
        if not own:
            continue
        tasks.append(
            GatherTask(
                scratch / f"part-{first:06}.arrow",
                [corpus.chunks[c] for c in own],
                [rows[cuts[c] : cuts[c + 1]] - corpus.bounds[c] for c in own],
                rows[start:end],
                component[start:end],
                blocks[start:end],
                rank[start:end],
                recipe.stages.dedup,
            )
        )
    return tasks


def _blocks(component: NDArray[np.int32]) -> NDArray[np.int64]:
    """(p,) the block of each row: whole components, about `BLOCK_ROWS` rows in each."""
    _, own, size = np.unique(component, return_inverse=True, return_counts=True)
    filled = (np.cumsum(size) - size) // BLOCK_ROWS
    blocks: NDArray[np.int64]
    _, blocks = np.unique(filled[own], return_inverse=True)  # a large component skips numbers
    return blocks


def _rank(corpus: Corpus, recipe: Recipe) -> NDArray[np.int32]:
    """(n,) the place of each row in the order of preference, no two alike.

    By source priority, then quality, then place in the corpus; where the best answer to a prompt
    is asked for, by quality first.
    """
    dedup = recipe.stages.dedup
    names = [*dedup.priority, *(source.name for source in recipe.sources)]
    chunk_priority = np.array([names.index(chunk.source) for chunk in corpus.chunks], np.int16)
    priority = np.repeat(chunk_priority, np.diff(corpus.bounds))
    worse = -corpus.quality()
    # lexsort's last key counts first; ties stay in the order of the corpus.
    best = dedup.same_prompt == "keep_best"
    order = np.lexsort((priority, worse) if best else (worse, priority))
    rank = np.empty(len(order), np.int32)
    rank[order] = np.arange(len(order), dtype=np.int32)
    return rank


def _binary(values: NDArray[Any]) -> pa.FixedSizeBinaryArray:
    """(k,) the bytes of each row of an array that has one row at least."""
    kind = pa.binary(values.nbytes // len(values))
    return pa.FixedSizeBinaryArray.from_buffers(
        kind, len(values), [None, pa.py_buffer(np.ascontiguousarray(values).tobytes())]
    )
