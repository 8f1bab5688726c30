"""From chunk states to the rows of the corpus directory: data, decisions, edits."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.engine.batches import ChunkState, ChunkTask
from curation.engine.tables import DECIDED, evidence_text
from schemas.conversation import DATA
from schemas.ledger import DECISIONS, EDITS, Outcome


@dataclass(frozen=True, slots=True)
class ChunkRows:
    """One chunk's share of the three kinds of files, each in record order."""

    data: pa.Table
    decisions: pa.Table
    edits: pa.Table


def chunk_rows(
    task: ChunkTask, state: ChunkState, duplicates: pa.Table, threshold: float, license_: str
) -> ChunkRows:
    """The final rows of a chunk. `duplicates` are its own, by `engine.duplicates.DUPLICATES`."""
    gone = np.zeros(state.batch.num_rows, bool)
    gone[duplicates.column("row").to_numpy()] = True
    kept = state.batch.filter(pa.array(~gone))
    decided = pa.concat_tables(
        [state.decided, _duplicate_rows(state.batch, duplicates, threshold), _kept_rows(kept)]
    )
    edits = state.edits.take(pc.sort_indices(state.edits, [("position", "ascending")]))
    return ChunkRows(
        _data(kept, task.source, license_),
        _decisions(decided.sort_by("position"), task),
        edits.select(EDITS.names),
    )


def _data(kept: pa.RecordBatch, source: str, license_: str) -> pa.Table:
    """Columns that a disabled stage did not give are null."""
    n = kept.num_rows
    constant = {"source": source, "license": license_}
    columns = []
    for field in DATA:
        if field.name in constant:
            columns.append(pa.array([constant[field.name]] * n, pa.string()))
        elif field.name in kept.schema.names:
            columns.append(kept.column(field.name).cast(field.type))
        else:
            columns.append(pa.nulls(n, field.type))
    return pa.table(columns, schema=DATA)


def _kept_rows(kept: pa.RecordBatch) -> pa.Table:
    n = kept.num_rows
    fixed = {
        "outcome": pa.array([Outcome.KEPT.value] * n, pa.string()),
        "evidence": pa.array(["{}"] * n, pa.string()),
    }
    return pa.table(
        [
            kept.column(field.name)
            if field.name in ("id", "position")
            else fixed.get(field.name, pa.nulls(n, field.type))
            for field in DECIDED
        ],
        schema=DECIDED,
    )


def _duplicate_rows(batch: pa.RecordBatch, duplicates: pa.Table, threshold: float) -> pa.Table:
    rows = batch.select(["id", "position"]).take(duplicates.column("row").combine_chunks())
    n = duplicates.num_rows
    exact = duplicates.column("exact").to_pylist()
    evidence = [
        evidence_text({"jaccard": round(score, 6), "threshold": threshold})
        for score in duplicates.column("jaccard").to_pylist()
    ]
    return pa.table(
        [
            rows.column("id"),
            rows.column("position"),
            pa.array([Outcome.DROPPED.value] * n, pa.string()),
            pa.array(["dedup"] * n, pa.string()),
            pa.array(["exact_duplicate" if e else "near_duplicate" for e in exact], pa.string()),
            duplicates.column("duplicate_of"),
            pa.array(evidence, pa.string()),
        ],
        schema=DECIDED,
    )


def _decisions(decided: pa.Table, task: ChunkTask) -> pa.Table:
    n = decided.num_rows
    constant = {"source": task.source, "file": task.file}
    return pa.table(
        [
            pa.array([constant[field.name]] * n, pa.string())
            if field.name in constant
            else decided.column(field.name)
            for field in DECISIONS
        ],
        schema=DECISIONS,
    )
