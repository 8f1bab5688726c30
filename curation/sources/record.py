"""What reading a source gives: conversations, and records that did not become one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from schemas.conversation import Message
from schemas.ledger import Outcome


@dataclass(frozen=True, slots=True)
class RepairEdit:
    """A message that a repair changed; `after` is None where it was removed.

    `turn` is the message's 0-based place in the record as it was read.
    """

    turn: int
    rule: str
    before: str
    after: str | None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A record that was read.

    messages: an optional system message, then user and assistant in turn, ending on assistant.
    format:   the record format it was read as.
    repairs:  names of the repairs it needed, each once, for counting.
    edits:    those of the repairs that changed text, in turn order.
    """

    id: str
    position: int
    messages: tuple[Message, ...]
    format: str
    source_id: str | None = None
    source_category: str | None = None
    repairs: tuple[str, ...] = ()
    edits: tuple[RepairEdit, ...] = ()


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that gives no conversation.

    outcome: QUARANTINED if it could not be read, DROPPED if it was read but holds no exchange.
    evidence: JSON-able; offset, error message, the keys that were seen.
    """

    id: str
    position: int
    outcome: Outcome
    reason: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


Record = Conversation | Rejected
