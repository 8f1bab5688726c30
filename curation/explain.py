"""One record's whole life, from the ledger. Personal data is shown by its kind only."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from curation.outputs.parquet import scan
from curation.outputs.withheld import redacted
from schemas.corpus import read_manifest
from schemas.errors import CorpusError
from schemas.recipe import Privacy


@dataclass(frozen=True, slots=True)
class Life:
    """A record: its decision, the edits of its messages, and where kept its row.

    For a duplicate, `survivor` is the row that stayed in its place.
    """

    decision: dict[str, Any]
    edits: list[dict[str, Any]]
    row: dict[str, Any] | None
    survivor: dict[str, Any] | None


def life(directory: Path, record: str) -> Life:
    """Look up a record by its id. Raises CorpusError where the ledger does not know it."""
    privacy = read_manifest(directory).recipe.stages.privacy
    found = _rows(directory / "ledger" / "decisions", record)
    if not found:
        raise CorpusError(
            f"{directory}: no record {record!r}; ids are in ledger/decisions, as in "
            "the id column of data"
        )
    decision = found[0]
    row = _row(directory, record, privacy)
    found_in = decision["stage"] == "privacy" or bool(row and row["pii"])
    return Life(
        decision,
        _edits(directory, record, privacy, found_in),
        row,
        _row(directory, decision["duplicate_of"], privacy) if decision["duplicate_of"] else None,
    )


def _row(directory: Path, record: str, privacy: Privacy) -> dict[str, Any] | None:
    rows = _rows(directory / "data", record)
    if not rows:
        return None
    # It may have only flagged what it found.
    return dict(redacted(rows[0], privacy)) if privacy.searches else rows[0]


def _edits(directory: Path, record: str, privacy: Privacy, found_in: bool) -> list[dict[str, Any]]:
    """The edits of a record, without the texts of those in which personal data shows."""
    edits = _rows(directory / "ledger" / "edits", record)
    found_in = found_in or any(edit["stage"] == "privacy" for edit in edits)
    for edit in edits:
        texts = [edit["before"], edit["after"]]
        if found_in or (privacy.searches and redacted(texts, privacy) != texts):
            edit |= {"before": None, "after": None, "diff": None}
    return edits


def _rows(folder: Path, record: str) -> list[dict[str, Any]]:
    try:
        return scan(folder).filter(pl.col("id") == record).collect().to_dicts()
    except (pl.exceptions.PolarsError, OSError):
        raise CorpusError(f"{folder}: is damaged; `curate verify` says how") from None
