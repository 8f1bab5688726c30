"""What a quality rule looks at and what it says."""

from typing import Any, NamedTuple


class Exchange(NamedTuple):
    """One answer and what it answers (empty where an answer opens the conversation)."""

    prompt: str
    answer: str


class Finding(NamedTuple):
    """A rule that fired on one message.

    row:       row of the batch.
    turn:      0-based message of the conversation.
    rule:      name of the rule, a key of `curation.stages.quality.PENALTIES`.
    measured:  what the rule saw, JSON-able: a share, a length, or the text that matched.
    threshold: what `measured` was held against.
    """

    row: int
    turn: int
    rule: str
    measured: Any
    threshold: Any
