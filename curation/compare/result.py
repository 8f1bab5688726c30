"""The result of a comparison. A is the corpus before, B the one after."""

from collections import Counter
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Literal

from schemas.ledger import Outcome


class Change(StrEnum):
    """How a record differs between A and B: the first of these that holds."""

    ENTERED = "entered"  # only B has read it
    LEFT = "left"  # only A has read it
    LOST = "lost"  # kept in A, not in B
    GAINED = "gained"  # kept in B, not in A
    REDECIDED = "redecided"  # kept in neither; other outcome, stage, reason or survivor
    TEXT = "text"  # kept in both, with other messages
    COLUMNS = "columns"  # kept in both with the same messages, and other columns
    LEDGER = "ledger"  # the same but for evidence, edits or the text that was dropped


@dataclass(frozen=True, slots=True)
class Cause:
    """A difference in what made the corpora; null where one of them does not have it.

    name: a recipe's key such as stages.quality.min_score, a library, an input file by
    source/file, a benchmark. Inputs are given by bytes and sha256; renamed ones by their names.
    """

    what: Literal["recipe", "version", "input", "renamed input", "benchmark", "code"]
    name: str
    before: Any
    after: Any


@dataclass(frozen=True, slots=True)
class Standing:
    """Where a record ended. Stage and reason are null where it was kept."""

    outcome: Outcome
    stage: str | None
    reason: str | None


@dataclass(frozen=True, slots=True)
class Side:
    """A record as one corpus has it, without personal data.

    messages: as published, or as they stood when the record was dropped; null where it never had
    any that could be read. A content is null where the other side's has other personal data.
    """

    id: str
    standing: Standing
    duplicate_of: str | None
    evidence: dict[str, Any]
    messages: list[dict[str, str | None]] | None


@dataclass(frozen=True, slots=True)
class Example:
    """A record that changed.

    `columns` maps what differs of its row to both values; `traces` names what differs of what only
    the ledger has: evidence, edits, text.
    """

    id: str
    source: str
    before: Side | None
    after: Side | None
    columns: dict[str, tuple[Any, Any]]
    traces: list[str]


@dataclass(frozen=True, slots=True)
class Move:
    """The records that changed in the same way; ids as B has them, of those that left as A."""

    change: Change
    before: Standing | None
    after: Standing | None
    sources: dict[str, int]
    ids: list[str]
    examples: list[Example]


@dataclass(frozen=True, slots=True)
class SourceChanges:
    """One source: its records in A and in B, and how many of them changed in which way."""

    source: str
    before: int
    after: int
    changes: dict[Change, int]


@dataclass(frozen=True, slots=True)
class ColumnChanges:
    """A column and the records in which only it, or it among others, differs.

    moves: the commonest pairs of values, for columns of few values; `higher` and `lower` for
    numbers; else empty.
    """

    column: str
    records: int
    moves: list[tuple[str | None, str | None, int]]


@dataclass(frozen=True, slots=True)
class RuleChanges:
    """Of the records with other text: how many a rule has edited in A and in B."""

    stage: str
    rule: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Comparison:
    """Everything that differs between the corpora A and B.

    common: records that both have read; records of A = common + left, of B = common + entered.
    renamed: id in A → id in B of the common records whose input file has another name.
    same_text: of the kept records that entered, those whose text is that of a kept one that left.
    """

    records: tuple[int, int]
    kept: tuple[int, int]
    common: int
    causes: list[Cause]
    moves: list[Move]
    sources: list[SourceChanges]
    columns: list[ColumnChanges]
    ledger: dict[str, int]  # evidence, edits, dropped text → records in which only that differs
    rules: list[RuleChanges]
    renamed: dict[str, str]
    same_text: int

    @property
    def changes(self) -> dict[Change, int]:
        """Records by how they changed."""
        counts: Counter[Change] = Counter()
        for move in self.moves:
            counts[move.change] += len(move.ids)
        return {change: counts[change] for change in Change if counts[change]}

    @property
    def differs(self) -> bool:
        """Whether anything does."""
        return bool(self.causes or self.moves or self.renamed)
