"""A conversation: the one shape every source is normalised into, and the published rows."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple

import pyarrow as pa

ROLES = ("system", "user", "assistant")


class Message(NamedTuple):
    """One turn. `role` is one of `ROLES`."""

    role: str
    content: str


MESSAGES = pa.list_(pa.struct([pa.field("role", pa.string()), pa.field("content", pa.string())]))

#: One row per kept conversation: the schema of `data/*.parquet`.
DATA = pa.schema(
    [
        pa.field("id", pa.string()),  # stable: see curation/sources/identity.py
        pa.field("source", pa.string()),  # the source's name in the recipe
        pa.field("messages", MESSAGES),
        pa.field("rounds", pa.int32()),  # user→assistant exchanges
        pa.field("language", pa.string()),  # ISO 639 code of the conversation, `und` if open
        pa.field("message_languages", pa.list_(pa.string())),  # the same of each message
        pa.field(
            "script", pa.string()
        ),  # Hans, Hant, mixed, or the ISO 15924 code of other scripts
        pa.field("message_scripts", pa.list_(pa.string())),  # the same of each message
        pa.field("pii", pa.list_(pa.string())),  # kinds of personal data found, sorted
        pa.field("control_tokens", pa.int32()),  # control tokens found in the messages
        pa.field("category", pa.string()),  # one of the 20 topics, or Other
        pa.field("category_score", pa.float32()),  # [0, 1]
        pa.field("quality", pa.float32()),  # [0, 1], 1 is best
        pa.field("tokens", pa.int32()),  # Mixtral v1 tokens of the whole rendered conversation
        pa.field("license", pa.string()),
        pa.field("contamination", pa.string()),  # the benchmark item in it, where only flagged
        pa.field("source_id", pa.string()),  # the record's own id in its source, if it had one
        pa.field("source_category", pa.string()),  # the record's own category, as written, if any
    ]
)


def count_rounds(roles: Sequence[str]) -> int:
    """User→assistant exchanges: how often an assistant turn follows a user turn directly."""
    return sum(a == "user" and b == "assistant" for a, b in pairwise(roles))
