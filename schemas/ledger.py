"""The ledger: what became of every input record, and of every message that was changed."""

from enum import StrEnum

import pyarrow as pa

from schemas.conversation import MESSAGES


class Outcome(StrEnum):
    """Where a record ended. Per source, input records = kept + dropped + quarantined."""

    KEPT = "kept"
    DROPPED = "dropped"  # read, and left out by a stage
    QUARANTINED = "quarantined"  # could not be read


#: One row per input record, the unreadable included: `ledger/decisions/*.parquet`.
DECISIONS = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field("source", pa.string()),
        pa.field("file", pa.string()),
        pa.field("position", pa.int64()),  # 0-based record in that file
        pa.field("outcome", pa.string()),  # an `Outcome`
        pa.field("stage", pa.string()),  # the stage that decided; null when kept
        pa.field("reason", pa.string()),  # null when kept
        pa.field("duplicate_of", pa.string()),  # id of the survivor, or null
        pa.field("evidence", pa.string()),  # a JSON object: scores, offsets, thresholds
    ]
)

#: A part of a message that changed: its first character (0-based, in the text before), what was
#: taken out there and what was put in.
CHANGE = pa.struct(
    [
        pa.field("start", pa.int32()),
        pa.field("removed", pa.string()),
        pa.field("added", pa.string()),
    ]
)

#: One row per message that a stage changed: `ledger/edits/*.parquet`. The edits of one message,
#: read from last to first, lead from the published text back to the text that was read.
EDITS = pa.schema(
    [
        pa.field("id", pa.string()),
        pa.field(
            "turn", pa.int32()
        ),  # 0-based; for stage `read`, in the conversation as it was read
        pa.field("stage", pa.string()),
        pa.field("rule", pa.string()),  # the rules that fired, joined by "+"
        pa.field("before", pa.string()),
        pa.field("after", pa.string()),  # null: the message was removed
        pa.field("diff", pa.list_(CHANGE)),  # from before to after, in order; null: removed
    ]
)

#: One row per record that was read and then dropped: `ledger/dropped/*.parquet`. The messages are
#: as they stood when the record left, without what the privacy stage finds, where it searches.
#: Records that reading itself rejected have none: their evidence quotes them.
DROPPED = pa.schema([pa.field("id", pa.string()), pa.field("messages", MESSAGES)])
