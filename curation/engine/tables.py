"""Tables of the working folder: what stages decided, before it becomes the ledger."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from curation.sources.record import Rejected
from curation.stages.batch import Drop, Edit, StageResult
from curation.text.diff import changes
from schemas.ledger import DECISIONS, DROPPED, EDITS, Outcome

#: Decisions and edits carry their record's position, to be put in order by. `source` and `file`
#: are the same for a whole chunk and join at the end.
POSITION = pa.field("position", pa.int64())
DECIDED = pa.schema([f for f in DECISIONS if f.name not in ("source", "file")])
EDITED = pa.schema([POSITION, *EDITS])
LEFT = pa.schema([POSITION, *DROPPED])


def evidence_text(evidence: Mapping[str, Any]) -> str:
    """Evidence as the ledger holds it: a JSON object with sorted keys."""
    return json.dumps(evidence, ensure_ascii=False, sort_keys=True)


def rejected_table(rejected: Sequence[Rejected]) -> pa.Table:
    """Records that reading rejected, by `DECIDED`."""
    return pa.Table.from_pylist(
        [
            {
                "id": r.id,
                "position": r.position,
                "outcome": r.outcome,
                "stage": "read",
                "reason": r.reason,
                "evidence": evidence_text(r.evidence),
            }
            for r in rejected
        ],
        DECIDED,
    )


def drops_table(batch: pa.RecordBatch, stage: str, drops: Sequence[Drop]) -> pa.Table:
    """What a stage dropped of `batch`, by `DECIDED`."""
    rows = batch.select(["id", "position"]).take(pa.array([d.row for d in drops], pa.int64()))
    n = len(drops)
    return pa.table(
        [
            rows.column("id"),
            rows.column("position"),
            pa.array([Outcome.DROPPED.value] * n, pa.string()),
            pa.array([stage] * n, pa.string()),
            pa.array([d.reason for d in drops], pa.string()),
            pa.nulls(n, pa.string()),
            pa.array([evidence_text(d.evidence) for d in drops], pa.string()),
        ],
        schema=DECIDED,
    )


def edits_table(batch: pa.RecordBatch, stage: str, edits: Sequence[Edit]) -> pa.Table:
    """What a stage changed in `batch`, by `EDITED`."""
    rows = batch.select(["id", "position"]).take(pa.array([e.row for e in edits], pa.int64()))
    return pa.table(
        [
            rows.column("position"),
            rows.column("id"),
            pa.array([e.turn for e in edits], pa.int32()),
            pa.array([stage] * len(edits), pa.string()),
            pa.array(["+".join(e.rules) for e in edits], pa.string()),
            pa.array([e.before for e in edits], pa.string()),
            pa.array([e.after for e in edits], pa.string()),
            pa.array([difference(e.before, e.after) for e in edits], EDITED.field("diff").type),
        ],
        schema=EDITED,
    )


def difference(before: str, after: str | None) -> list[dict[str, Any]] | None:
    """The column `diff` of an edit; None where the message was removed."""
    return None if after is None else [one._asdict() for one in changes(before, after)]


def apply(batch: pa.RecordBatch, columns: pa.Table, dropped: pa.Table) -> pa.RecordBatch:
    """The batch as the next stage sees it: with the new columns, without the dropped rows."""
    return parted(with_columns(batch, columns), dropped)[0]


def with_columns(batch: pa.RecordBatch, columns: pa.Table) -> pa.RecordBatch:
    """The batch with new columns, or others in place of those it had."""
    for name in columns.column_names:
        array = _one_chunk(columns.column(name))
        if name in batch.schema.names:
            batch = batch.set_column(batch.schema.get_field_index(name), name, array)
        else:
            batch = batch.append_column(name, array)
    return batch


def parted(batch: pa.RecordBatch, dropped: pa.Table) -> tuple[pa.RecordBatch, pa.Table]:
    """The rows that stay, and by `LEFT` those that are dropped."""
    if dropped.num_rows == 0:
        return batch, LEFT.empty_table()
    gone = np.isin(batch.column("position").to_numpy(), dropped.column("position").to_numpy())
    return batch.filter(pa.array(~gone)), left(batch.filter(pa.array(gone)))


def left(batch: pa.RecordBatch) -> pa.Table:
    """Rows as they stand when they leave, by `LEFT`."""
    return pa.table([batch.column(field.name) for field in LEFT], schema=LEFT)


def result_tables(
    batch: pa.RecordBatch, stage: str, result: StageResult
) -> tuple[pa.Table, pa.Table, pa.Table]:
    """A stage result as the three tables of its checkpoint: columns, drops, edits."""
    return (
        pa.table(dict(result.columns)),
        drops_table(batch, stage, result.drops),
        edits_table(batch, stage, result.edits),
    )


def tally(values: Iterable[str | None]) -> dict[str, int]:
    """How often each value occurs, most frequent first."""
    counts: dict[str, int] = {}
    for value in values:
        if value is not None:
            counts[value] = counts.get(value, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _one_chunk(column: pa.ChunkedArray) -> pa.Array:
    return column.chunk(0) if column.num_chunks == 1 else column.combine_chunks()
