"""Examples of edits, from the ledger."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from curation.outputs.choosing import order
from curation.outputs.parquet import scan
from curation.outputs.reasons import counted
from curation.outputs.withheld import is_private
from curation.report.excerpt import EXAMPLES, Piece, changed
from schemas.recipe import Privacy

#: Edits of a rule that are looked at for examples: those that show personal data are passed over.
CANDIDATES = 12


@dataclass(frozen=True, slots=True)
class Edited:
    """A message that changed; `others` are the rules that changed it at the same time."""

    id: str
    message: int  # from 1
    others: tuple[str, ...]
    pieces: list[Piece]


def rule_counts(edits: pl.DataFrame) -> dict[tuple[str, str], int]:
    """(stage, rule) → conversations of which it changed a message. `edits`: see `fired`."""
    counts = edits.group_by("stage", "rule").agg(pl.col("id").n_unique())
    return {(stage, rule): n for stage, rule, n in counts.rows()}


def fired(directory: Path) -> pl.DataFrame:
    """A row per edit and rule: id, turn, stage, rule, together (how many rules changed it)."""
    rules = pl.col("rule").str.split("+")
    edits = scan(directory / "ledger" / "edits").select(
        "id", "turn", "stage", rules.alias("rule"), rules.list.len().alias("together")
    )
    return edits.explode("rule").collect()


def edit_examples(
    directory: Path, edits: pl.DataFrame, privacy: Privacy, seed: int
) -> dict[tuple[str, str], list[Edited]]:
    """(stage, rule) → examples. `edits`: see `fired`."""
    wanted = _candidates(edits, seed)
    ids = {row["id"] for rows in wanted.values() for row in rows}
    lives = _edits_of(directory, ids)
    private = _private(directory, lives, privacy)
    return {
        (stage, rule): [
            _edited(lives[row["id"]], row, rule)
            for row in rows
            if stage == "privacy" or row["id"] not in private
            if _edit(lives[row["id"]], row)["before"] is not None
        ][:EXAMPLES]
        for (stage, rule), rows in wanted.items()
    }


def _candidates(edits: pl.DataFrame, seed: int) -> dict[tuple[str, str], list[dict[str, Any]]]:
    """Of each rule some edits: those that it made alone come first."""
    key = order(seed)
    names = edits["id"].unique().to_list()
    columns = {"id": names, "key": [key(name) for name in names]}
    keys = pl.DataFrame(columns, schema={"id": pl.String, "key": pl.Binary})
    ordered = edits.join(keys, on="id").sort("together", "key", "turn")
    some = ordered.unique(["stage", "rule", "id"], keep="first", maintain_order=True)
    some = some.group_by("stage", "rule", maintain_order=True).head(CANDIDATES)
    wanted: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
    for row in some.iter_rows(named=True):
        wanted[row["stage"], row["rule"]].append(row)
    return wanted


def _edits_of(directory: Path, ids: Collection[str]) -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    edits = scan(directory / "ledger" / "edits").filter(pl.col("id").is_in(list(ids)))
    for row in edits.collect().iter_rows(named=True):
        found[row["id"]].append(row)
    return found


def _private(
    directory: Path, lives: Mapping[str, list[dict[str, Any]]], privacy: Privacy
) -> set[str]:
    """Ids whose edits may show personal data, in one piece or in several."""
    wanted = pl.col("id").is_in(list(lives))
    others: dict[str, list[Any]] = defaultdict(list)
    for folder, column in (
        ("ledger/decisions", "evidence"),
        ("ledger/dropped", "messages"),
        ("data", "messages"),
    ):
        found = scan(directory / folder).filter(wanted).select("id", column)
        for name, text in found.collect().iter_rows():
            others[name].append(text)
    return {name for name, edits in lives.items() if is_private(edits, others[name], privacy)}


def _edit(edits: Iterable[dict[str, Any]], row: Mapping[str, Any]) -> dict[str, Any]:
    return next(e for e in edits if (e["stage"], e["turn"]) == (row["stage"], row["turn"]))


def _edited(edits: list[dict[str, Any]], row: Mapping[str, Any], rule: str) -> Edited:
    edit = _edit(edits, row)
    others = tuple(name for name in edit["rule"].split("+") if name != rule)
    pieces = changed(edit["before"], edit["diff"], hidden=row["stage"] == "privacy")
    return Edited(row["id"], counted(row["turn"]), others, pieces)
