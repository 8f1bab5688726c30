"""Records that changed in the same way, together."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl

from curation.compare.examples import chosen, details, example, redactor, standing
from curation.compare.result import Change, Move, RuleChanges
from curation.outputs.parquet import readable, scan
from schemas.manifest import Manifest

_MOVE = ("change", "outcome", "stage", "reason", "outcome_b", "stage_b", "reason_b")


def moves(both: pl.DataFrame) -> list[Move]:
    """Every move, without examples: by change, then the most records first.

    both: see `changes.changed`.
    """
    records = [pl.col("id").sort().alias("ids"), pl.col("owner").alias("owners")]
    groups = both.filter(pl.col("change").is_not_null()).group_by(_MOVE).agg(*records)
    return sorted((_move(group) for group in groups.iter_rows(named=True)), key=_rank)


def _move(group: dict[str, Any]) -> Move:
    return Move(
        change=Change(group["change"]),
        before=standing(group),
        after=standing(group, "_b"),
        sources=dict(sorted(Counter(group["owners"]).items())),
        ids=group["ids"],
        examples=[],
    )


def _rank(move: Move) -> tuple[Any, ...]:
    return list(Change).index(move.change), -len(move.ids), str(move.before), str(move.after)


def with_examples(
    found: Iterable[Move],
    both: pl.DataFrame,
    directories: tuple[Path, Path],
    manifests: tuple[Manifest, Manifest],
    choice: tuple[int, int],
) -> list[Move]:
    """The moves with some of their records. `choice`: how many of each, and the seed."""
    last = twins(both)
    picks = [(move, chosen(move.ids, *choice, last)) for move in found]
    wanted = [id_ for _, ids in picks for id_ in ids]
    rows = {row["id"]: row for row in both.filter(pl.col("id").is_in(wanted)).iter_rows(named=True)}
    before = details(directories[0], [row["was"] for row in rows.values()])
    after = details(directories[1], wanted)
    redact = redactor(*manifests)
    return [
        replace(move, examples=[example(rows[id_], before, after, redact) for id_ in ids])
        for move, ids in picks
    ]


def twins(both: pl.DataFrame) -> set[str]:
    """Kept records that entered with the text of a kept one that left, and these."""
    ids: set[str] = set()
    left, entered = (
        both.filter(pl.col("change") == change, pl.col(f"outcome{side}") == "kept").select(
            "id", text=f"text{side}"
        )
        for change, side in ((Change.LEFT, ""), (Change.ENTERED, "_b"))
    )
    for one, other in ((left, entered), (entered, left)):
        ids |= set(one.join(other, on="text", how="semi")["id"])
    return ids


def rules(both: pl.DataFrame, directories: tuple[Path, Path]) -> list[RuleChanges]:
    """Of the records with other text: the rules that edited more or fewer of them than before."""
    rows = both.filter(pl.col("change") == Change.TEXT)
    before, after = (
        _edited(directory, rows[name])
        for directory, name in zip(directories, ("was", "id"), strict=True)
    )
    return [
        RuleChanges(stage, rule, before[stage, rule], after[stage, rule])
        for stage, rule in dict.fromkeys([*before, *after])
        if before[stage, rule] != after[stage, rule]
    ]


def _edited(directory: Path, ids: pl.Series) -> Counter[tuple[str, str]]:
    """Stage and rule → records it edited."""
    with readable(directory):
        edits = scan(directory / "ledger" / "edits").filter(pl.col("id").is_in(ids.to_list()))
        fired = edits.select("id", "stage", pl.col("rule").str.split("+")).explode("rule")
        counts = fired.group_by("stage", "rule").agg(pl.col("id").n_unique()).sort("stage", "rule")
        return Counter({(stage, rule): n for stage, rule, n in counts.collect().rows()})
