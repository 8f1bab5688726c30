"""One record's whole life, from the ledger. Personal data is shown by its kind only."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from curation.engine.tables import evidence_text
from curation.outputs.parquet import scan
from curation.outputs.reasons import why
from curation.outputs.withheld import BEFORE_PRIVACY, redacted
from schemas.corpus import read_manifest
from schemas.errors import CorpusError
from schemas.recipe import Privacy

#: Candidates named where the beginning of an id fits several.
_CANDIDATES = 5


@dataclass(frozen=True, slots=True)
class Life:
    """What became of a record. Corpus text is as it stands: escape it where it is shown.

    decision:   its row of `DECISIONS`.
    why:        why it ended so, in sentences.
    edits:      its rows of `EDITS`, in the order they were made. In which personal data would show,
                `before` and `diff` are null, and `after` too unless the privacy stage made it.
    row:        where kept its row of `DATA`.
    dropped:    where dropped after reading its messages as they stood then.
    survivor:   of a duplicate, the row of `DATA` that stayed in its place.
    duplicates: of a kept row, those dropped in its favour: id, source, file, position, reason,
                key and jaccard of each, the nearest first.
    """

    decision: dict[str, Any]
    why: list[str]
    edits: list[dict[str, Any]]
    row: dict[str, Any] | None
    dropped: list[dict[str, str]] | None
    survivor: dict[str, Any] | None
    duplicates: list[dict[str, Any]]


def life(directory: Path, record: str) -> Life:
    """Look up a record by its id, or by the beginning of its id where that is the only one.

    Raises CorpusError where the ledger does not know it, or the beginning fits several.
    """
    stages = read_manifest(directory).recipe.stages
    # What is shown to people shows no personal data, whether the recipe looks for it or not.
    privacy = stages.privacy if stages.privacy.searches else Privacy()
    decision = _decision(directory, record)
    evidence = redacted(json.loads(decision["evidence"]), privacy)
    decision["evidence"] = evidence_text(evidence)
    id_, stayed = decision["id"], decision["duplicate_of"]
    row = _row(directory, id_, privacy)
    found_in = decision["stage"] == "privacy" or bool(row and row["pii"])
    return Life(
        decision,
        why(decision, stages),
        _edits(directory, id_, privacy, found_in),
        row,
        _dropped(directory, id_, privacy) if decision["outcome"] == "dropped" else None,
        _row(directory, stayed, privacy) if stayed else None,
        _duplicates(directory, id_) if row else [],
    )


def _decision(directory: Path, record: str) -> dict[str, Any]:
    """The row of `DECISIONS` that `record` is the id of, or alone begins so."""
    begins = pl.col("id").str.starts_with(record)
    found = _rows(directory / "ledger" / "decisions", begins)
    exact = [row for row in found if row["id"] == record]
    if exact or len(found) == 1:
        return (exact or found)[0]
    if not found or not record:
        raise CorpusError(
            f"{directory}: no record {record!r}; ids are in ledger/decisions, as in "
            "the id column of data"
        )
    named = ", ".join(row["id"] for row in found[:_CANDIDATES])
    more = ", …" if len(found) > _CANDIDATES else ""
    raise CorpusError(
        f"{directory}: {len(found):,} ids begin with {record!r} ({named}{more}); give more of it"
    )


def _row(directory: Path, record: str, privacy: Privacy) -> dict[str, Any] | None:
    rows = _rows(directory / "data", pl.col("id") == record)
    # It may have only flagged what it found. An id is no personal data, whatever it looks like.
    return {**redacted(rows[0], privacy), "id": record} if rows else None


def _dropped(directory: Path, record: str, privacy: Privacy) -> list[dict[str, str]] | None:
    rows = _rows(directory / "ledger" / "dropped", pl.col("id") == record)
    return redacted(rows[0]["messages"], privacy) if rows else None


def _duplicates(directory: Path, record: str) -> list[dict[str, Any]]:
    rows = _rows(directory / "ledger" / "decisions", pl.col("duplicate_of") == record)
    told = [
        {name: row[name] for name in ("id", "source", "file", "position", "reason")}
        | {name: json.loads(row["evidence"])[name] for name in ("key", "jaccard")}
        for row in rows
    ]
    return sorted(told, key=lambda one: (-one["jaccard"], one["id"]))


def _edits(directory: Path, record: str, privacy: Privacy, found_in: bool) -> list[dict[str, Any]]:
    """The edits of a record, without the texts of those in which personal data shows.

    Before the privacy stage a text may show in pieces what it shows whole later.
    """
    edits = _rows(directory / "ledger" / "edits", pl.col("id") == record)
    found_in = found_in or any(edit["stage"] == "privacy" for edit in edits)
    for edit in edits:
        hidden = found_in and edit["stage"] in BEFORE_PRIVACY
        for side in ("before", "after"):
            hidden = hidden or redacted(edit[side], privacy) != edit[side]
        if hidden:
            clean = edit["stage"] == "privacy" and edit["after"]
            after = redacted(edit["after"], privacy) if clean else None
            edit |= {"before": None, "after": after, "diff": None}
    return edits


def _rows(folder: Path, which: pl.Expr) -> list[dict[str, Any]]:
    try:
        return scan(folder).filter(which).collect().to_dicts()
    except (pl.exceptions.PolarsError, OSError):
        raise CorpusError(f"{folder}: is damaged; `curate verify` says how") from None
