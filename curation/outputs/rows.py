"""From chunk states to the rows of the corpus directory: data, decisions, edits, dropped."""

import json
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.engine.batches import ChunkState, ChunkTask
from curation.engine.tables import DECIDED, evidence_text, left
from schemas.conversation import DATA
from schemas.ledger import DECISIONS, DROPPED, EDITS, Outcome


@dataclass(frozen=True, slots=True)
class ChunkRows:
    """One chunk's share of the files, each in record order."""

    train: pa.Table
    validation: pa.Table
    decisions: pa.Table
    edits: pa.Table
    dropped: pa.Table


def chunk_rows(
    task: ChunkTask,
    state: ChunkState,
    duplicates: pa.Table,
    gone: NDArray[np.int64],
    validation: NDArray[np.int64],
    license_: str,
) -> ChunkRows:
    """The final rows of a chunk.

    duplicates: its own, by `engine.duplicates.DUPLICATES`; gone: (d,) their rows in the chunk.
    validation: the rows in the chunk that are kept for validation.
    """
    stays, aside = np.ones(state.batch.num_rows, bool), np.zeros(state.batch.num_rows, bool)
    stays[gone], aside[validation] = False, True
    kept, held_out = state.batch.filter(pa.array(stays)), aside[stays]
    dropped = state.batch.take(pa.array(gone))
    decided = pa.concat_tables(
        [state.decided, _duplicate_rows(dropped, duplicates), _kept_rows(kept, held_out)]
    )
    gone_rows = pa.concat_tables([state.left, left(dropped)]).sort_by("position")
    edits = state.edits.take(pc.sort_indices(state.edits, [("position", "ascending")]))
    return ChunkRows(
        _data(kept.filter(pa.array(~held_out)), task.source, license_),
        _data(kept.filter(pa.array(held_out)), task.source, license_),
        _decisions(decided.sort_by("position"), task),
        edits.select(EDITS.names),
        gone_rows.select(DROPPED.names),
    )


def _data(kept: pa.RecordBatch, source: str, license_: str) -> pa.Table:
    """Columns that a disabled stage did not give are null."""
    n = kept.num_rows
    made = {
        "source": pa.array([source] * n, pa.string()),
        "license": pa.array([license_] * n, pa.string()),
        "contamination": _contamination(kept),
    }
    columns = []
    for field in DATA:
        if field.name in made:
            columns.append(made[field.name])
        elif field.name in kept.schema.names:
            columns.append(kept.column(field.name).cast(field.type))
        else:
            columns.append(pa.nulls(n, field.type))
    return pa.table(columns, schema=DATA)


def _contamination(kept: pa.RecordBatch) -> pa.Array:
    """(n,) `ceval/accountant/val/3` where a benchmark's item was found, else null."""
    if "contamination" not in kept.schema.names:
        return pa.nulls(kept.num_rows, pa.string())
    found = [json.loads(one) if one else None for one in kept.column("contamination").to_pylist()]
    names = [f"{one['benchmark']}/{one['item']}" if one else None for one in found]
    return pa.array(names, pa.string())


def _kept_rows(kept: pa.RecordBatch, held_out: NDArray[np.bool_]) -> pa.Table:
    n = kept.num_rows
    fixed = {
        "outcome": pa.array([Outcome.KEPT.value] * n, pa.string()),
        "evidence": _kept_evidence(kept, held_out),
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


def _kept_evidence(kept: pa.RecordBatch, held_out: NDArray[np.bool_]) -> pa.Array:
    """(n,) what is worth telling of a row that stays: a benchmark's item in it, its split."""
    evidence = ["{}"] * kept.num_rows
    if "contamination" in kept.schema.names:
        evidence = [found or "{}" for found in kept.column("contamination").to_pylist()]
    for row in np.flatnonzero(held_out).tolist():
        evidence[row] = evidence_text({**json.loads(evidence[row]), "split": "validation"})
    return pa.array(evidence, pa.string())


def _duplicate_rows(dropped: pa.RecordBatch, duplicates: pa.Table) -> pa.Table:
    n = duplicates.num_rows
    return pa.table(
        [
            dropped.column("id"),
            dropped.column("position"),
            pa.array([Outcome.DROPPED.value] * n, pa.string()),
            pa.array(["dedup"] * n, pa.string()),
            duplicates.column("reason"),
            duplicates.column("duplicate_of"),
            duplicates.column("evidence"),
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
