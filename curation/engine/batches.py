"""Running the batch stages over one chunk, and replaying what they decided."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from curation.engine import checkpoint
from curation.engine.bins import binned
from curation.engine.keys import key
from curation.engine.tables import LEFT, apply, parted, result_tables, tally, with_columns
from curation.stages import PlannedStage
from curation.stages.tokens import TOKENS_READ

#: What deduplication needs of every row beside its signature, which is in a checkpoint of its own.
INDEX = ("id", "quality")

#: Column of a stage's result → the measure it has of every conversation that reached the stage.
_MEASURED = {TOKENS_READ: "tokens", "quality": "quality"}


@dataclass(frozen=True, slots=True)
class ChunkTask:
    """One chunk and the stages to run over it. `keys[i]` is the key of stage i's result."""

    source: str
    file: str
    read: Path
    folder: Path
    stages: tuple[PlannedStage, ...]
    keys: tuple[str, ...]

    def result_path(self, stage: int) -> Path:
        """Where the result of stage `stage` is kept."""
        return self.folder / f"{self.read.stem}-{self.stages[stage].name}-{self.keys[stage]}.arrow"

    @property
    def index_path(self) -> Path:
        """Where the index of what is left after all batch stages is kept."""
        return self.folder / f"{self.read.stem}-index-{self.keys[-1]}.arrow"


@dataclass(frozen=True, slots=True)
class ChunkState:
    """A chunk after its stages.

    batch:   the rows that are left, with all columns.
    decided: rows by `DECIDED`, of the records that left, in the order they left.
    edits:   rows by `EDITED`, in the order they were made.
    left:    rows by `LEFT`, of the records that left after reading, in the order they left.
    """

    batch: pa.RecordBatch
    decided: pa.Table
    edits: pa.Table
    left: pa.Table


def stage_keys(read_key: str, stages: list[PlannedStage]) -> tuple[str, ...]:
    """A key per stage: of its own settings and of all before it."""
    keys = []
    for stage in stages:
        read_key = key(read_key, stage.name, stage.settings)
        keys.append(read_key)
    return tuple(keys)


def process_chunk(task: ChunkTask) -> None:
    """Run the stages over a chunk, using what is there already, and write its index."""
    if all(path.exists() for path in (*results_of(task), task.index_path)):
        return
    (rows, *_), _ = checkpoint.load(task.read)
    batch = _as_batch(rows)
    counts = []
    for stage, path in zip(task.stages, results_of(task), strict=True):
        (columns, drops, edits), seconds = _result(stage, batch, path)
        counts.append(_counts(stage.name, batch, columns, drops, edits, seconds))
        batch = apply(batch, columns, drops)
    index = pa.table({name: batch.column(name) for name in INDEX})
    note = {"stages": counts, "rows": batch.num_rows, "bytes": _text_bytes(batch)}
    checkpoint.save(task.index_path, [index], note)


def _result(
    stage: PlannedStage, batch: pa.RecordBatch, path: Path
) -> tuple[Sequence[pa.Table], float]:
    """Columns, drops and edits of a stage, made or as they were kept, and the seconds it took."""
    if path.exists():
        tables, note = checkpoint.load(path)
        return tables, note["seconds"]
    began = time.perf_counter()
    made = result_tables(batch, stage.name, stage.run(batch))
    seconds = time.perf_counter() - began
    checkpoint.save(path, made, {"seconds": seconds})
    return made, seconds


def results_of(task: ChunkTask) -> list[Path]:
    """The checkpoints of the stages of a chunk, in their order."""
    return [task.result_path(number) for number in range(len(task.stages))]


def replay(task: ChunkTask) -> ChunkState:
    """The state of a chunk that was processed, from its checkpoints."""
    (rows, decided, edits), _ = checkpoint.load(task.read)
    batch = _as_batch(rows)
    all_decided, all_edits, all_left = [decided], [edits], [LEFT.empty_table()]
    for path in results_of(task):
        (columns, drops, changed), _ = checkpoint.load(path)
        batch, left = parted(with_columns(batch, columns), drops)
        all_left.append(left)
        all_decided.append(drops)
        all_edits.append(changed)
    return ChunkState(batch, *map(pa.concat_tables, (all_decided, all_edits, all_left)))


def _counts(
    name: str,
    batch: pa.RecordBatch,
    columns: pa.Table,
    drops: pa.Table,
    edits: pa.Table,
    seconds: float,
) -> dict[str, Any]:
    """What a stage did to a chunk, for the statistics."""
    rules = (rule for rules in edits.column("rule").to_pylist() for rule in rules.split("+"))
    counts = {
        "stage": name,
        "entered": batch.num_rows,
        "dropped": tally(drops.column("reason").to_pylist()),
        "edited": tally(rules),
        "seconds": seconds,
    }
    counts["histograms"] = {
        measure: binned(measure, columns.column(name).to_numpy())
        for name, measure in _MEASURED.items()
        if name in columns.column_names
    }
    for column in ("language", "script_before"):
        if column in columns.column_names:
            counts[column] = tally(columns.column(column).to_pylist())
    if "pii" in columns.column_names:
        counts["pii"] = tally(pc.list_flatten(columns.column("pii")).to_pylist())
    if "control_tokens" in columns.column_names:
        counts["control_tokens"] = _control_tokens(columns.column("control_tokens"))
    return counts


def _control_tokens(found: pa.ChunkedArray) -> dict[str, int]:
    occurrences = pc.sum(found).as_py() or 0
    return {"conversations": pc.sum(pc.greater(found, 0)).as_py() or 0, "occurrences": occurrences}


def _text_bytes(batch: pa.RecordBatch) -> int:
    contents = batch.column("messages").flatten().field("content")
    total: int = pc.sum(pc.binary_length(contents)).as_py() or 0
    return total


def _as_batch(table: pa.Table) -> pa.RecordBatch:
    batches = table.combine_chunks().to_batches()
    return batches[0] if batches else pa.RecordBatch.from_pylist([], table.schema)
