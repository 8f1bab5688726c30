"""Examples of records that left, from the ledger."""

import heapq
import json
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import polars as pl

from curation.outputs.choosing import order
from curation.outputs.parquet import scan
from curation.outputs.reasons import counted, place, why
from curation.outputs.withheld import redacted
from curation.report.excerpt import EXAMPLES, Piece, around, changed
from curation.text.diff import changes
from schemas.recipe import Privacy, Stages

Rows = Mapping[str, dict[str, Any]]


@dataclass(frozen=True, slots=True)
class Spoken:
    """A message of an example, or the beginning of a record that has none."""

    role: str
    number: int | None  # of the message, from 1
    skipped: int  # messages not shown before this one
    pieces: list[Piece]


@dataclass(frozen=True, slots=True)
class Left:
    """A record that left, why, and what it said; `against` shows how it differs from a survivor."""

    id: str
    source: str
    place: str
    why: list[str]  # beside what the reason says itself
    messages: list[Spoken]
    omitted: int  # messages not shown after the last one
    against: list[Piece]


def drop_examples(
    directory: Path, stages: Stages, privacy: Privacy, seed: int
) -> dict[tuple[str, str], list[Left]]:
    """(stage, reason) → examples of records that left for it."""
    decisions = scan(directory / "ledger" / "decisions").filter(pl.col("reason").is_not_null())
    groups: dict[tuple[str, str], list[str]] = defaultdict(list)
    for name, stage, reason in decisions.select("id", "stage", "reason").collect().iter_rows():
        groups[stage, reason].append(name)
    chosen = {g: heapq.nsmallest(EXAMPLES, ids, key=order(seed)) for g, ids in groups.items()}
    ids = [name for names in chosen.values() for name in names]
    decided = _by_id(decisions, ids)
    texts = _by_id(scan(directory / "ledger" / "dropped"), ids)
    survivors = [row["duplicate_of"] for row in decided.values() if row["duplicate_of"]]
    stayed = _by_id(scan(directory / "data").select("id", "messages"), survivors)
    return {
        group: [_left(decided[name], texts, stayed, stages, privacy) for name in names]
        for group, names in chosen.items()
    }


def _by_id(rows: pl.LazyFrame, ids: list[str]) -> Rows:
    found = rows.filter(pl.col("id").is_in(ids)).collect()
    return {row["id"]: row for row in found.iter_rows(named=True)}


def _left(
    decision: dict[str, Any], texts: Rows, stayed: Rows, stages: Stages, privacy: Privacy
) -> Left:
    evidence = redacted(json.loads(decision["evidence"]), privacy)
    messages = _messages(texts, decision["id"], privacy)
    survivor = decision["duplicate_of"]
    shown = _shown(messages, evidence)
    return Left(
        decision["id"],
        decision["source"],
        place(decision),
        _why(decision, evidence, stages),
        _dialogue(messages, shown, evidence) if messages else _quoted(evidence),
        len(messages) - shown[-1] - 1 if messages else 0,
        _against(_messages(stayed, survivor, privacy), messages) if survivor else [],
    )


def _why(decision: dict[str, Any], evidence: dict[str, Any], stages: Stages) -> list[str]:
    """What `explain` says, without the reason above and the record's beginning below."""
    shown = {name: value for name, value in evidence.items() if name != "excerpt"}
    return why(decision | {"evidence": json.dumps(shown)}, stages)[1:]


def _messages(rows: Rows, name: str, privacy: Privacy) -> list[dict[str, str]]:
    """The messages of a conversation; none where the ledger has none."""
    row = rows.get(name)
    return list(redacted(row["messages"], privacy)) if row else []


def _shown(messages: list[dict[str, str]], evidence: Mapping[str, Any]) -> list[int]:
    """Which messages to show: the first, and the one that the evidence names with its question."""
    turn = evidence.get("turn", 1)
    turn = turn if isinstance(turn, int) and turn < len(messages) else 1
    return sorted({0, max(turn - 1, 0), turn} & {*range(len(messages))})


def _dialogue(
    messages: list[dict[str, str]], shown: list[int], evidence: Mapping[str, Any]
) -> list[Spoken]:
    """The messages at the places `shown`, with what the evidence found in them."""
    measured = evidence.get("measured")
    found = {evidence.get("turn"): measured} if isinstance(measured, str) else {}
    return [
        Spoken(
            messages[turn]["role"],
            counted(turn),
            turn - last - 1,
            around(messages[turn]["content"], found.get(turn, "")),
        )
        for last, turn in pairwise([-1, *shown])
    ]


def _quoted(evidence: Mapping[str, Any]) -> list[Spoken]:
    """What the evidence quotes of a record that is no conversation."""
    excerpt = evidence.get("excerpt")
    return [Spoken("record", None, 0, around(str(excerpt)))] if excerpt else []


def _against(stayed: list[dict[str, str]], left: list[dict[str, str]]) -> list[Piece]:
    """From the conversation that stayed to the one that left."""
    before, after = ("\n".join(m["content"] for m in messages) for messages in (stayed, left))
    if before == after or not (before and after):
        return []
    return changed(before, [change._asdict() for change in changes(before, after)])
