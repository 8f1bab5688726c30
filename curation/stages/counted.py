"""What a stage counted in a message, by name, and the conversations it drops for that."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from curation.stages.batch import Drop


@dataclass(frozen=True, slots=True)
class Counted:
    """A message in which something was found: its place, itself, what is made of it, counts."""

    row: int
    turn: int
    before: str
    after: str
    counts: Counter[str]


def drops(found: Sequence[Counted], reason: str, names: str) -> list[Drop]:
    """A drop per conversation, in row order; the evidence has `names` with their counts, and turns.

    It never has what was found: that may be a secret.
    """
    by_row: dict[int, list[Counted]] = {}
    for message in found:
        by_row.setdefault(message.row, []).append(message)
    return [
        Drop(row, reason, {names: _sums(those), "turns": [message.turn for message in those]})
        for row, those in by_row.items()
    ]


def _sums(found: Sequence[Counted]) -> dict[str, int]:
    return dict(sorted(sum((message.counts for message in found), Counter[str]()).items()))
