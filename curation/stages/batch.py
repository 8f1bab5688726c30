"""What a batch stage takes and gives.

A batch stage is a pure function `(batch, config) -> StageResult` over an Arrow record batch with at
least the columns of `INPUT`. It knows nothing of files, workers or engines.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.conversation import MESSAGES

#: Columns of a batch as the sources give it. Stages add to them.
INPUT = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("position", pa.int64()),
        pa.field("messages", MESSAGES),
        pa.field("source_id", pa.string()),
        pa.field("source_category", pa.string()),
    ]
)


@dataclass(frozen=True, slots=True)
class Drop:
    """A row that leaves, why, and what shows it (JSON-able)."""

    row: int
    reason: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Edit:
    """A message that changed. `after` is None where it was removed."""

    row: int
    turn: int
    rules: tuple[str, ...]
    before: str
    after: str | None


@dataclass(frozen=True, slots=True)
class StageResult:
    """What a stage decided about a batch of n rows.

    columns: column name → array of length n, new or in place of the old.
    drops:   rows that leave, each at most once, in row order.
    edits:   messages that changed, in (row, turn) order.
    """

    columns: dict[str, pa.Array] = field(default_factory=dict)
    drops: Sequence[Drop] = ()
    edits: Sequence[Edit] = ()


@dataclass(frozen=True, slots=True)
class Turns:
    """All messages of a batch, flat.

    roles, contents: (m,) Arrow string arrays over all messages.
    offsets: (n + 1,) int32, the messages of row i are `offsets[i]:offsets[i + 1]`.
    """

    roles: pa.StringArray
    contents: pa.StringArray
    offsets: NDArray[np.int32]

    @property
    def rows(self) -> NDArray[np.int64]:
        """(m,) the row each message belongs to."""
        return np.repeat(np.arange(len(self.offsets) - 1), np.diff(self.offsets))


def turns(batch: pa.RecordBatch) -> Turns:
    """The messages of `batch`, flat."""
    messages = batch.column("messages")
    flat = messages.flatten()
    offsets = messages.offsets.to_numpy(zero_copy_only=False)
    return Turns(flat.field("role"), flat.field("content"), offsets - offsets[0])


def edited(turns: Turns, edits: Sequence[Edit]) -> Turns:
    """The messages after `edits`, which are in their order."""
    changed = np.zeros(len(turns.contents), bool)
    changed[[turns.offsets[edit.row] + edit.turn for edit in edits]] = True
    after = pa.array([edit.after for edit in edits], pa.string())
    contents = pc.replace_with_mask(turns.contents, pa.array(changed), after)
    return Turns(turns.roles, contents, turns.offsets)


def messages_array(turns: Turns) -> pa.ListArray:
    """The column `messages` that `turns` are the messages of."""
    fields = list(MESSAGES.value_type)
    flat = pa.StructArray.from_arrays([turns.roles, turns.contents], fields=fields)
    return pa.ListArray.from_arrays(pa.array(turns.offsets, pa.int32()), flat).cast(MESSAGES)
