"""One record's whole life, from the ledger."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from curation.outputs.parquet import scan
from schemas.corpus import read_manifest
from schemas.errors import CorpusError


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
    read_manifest(directory)
    found = _rows(directory / "ledger" / "decisions", record)
    if not found:
        raise CorpusError(
            f"{directory}: no record {record!r}; ids are in ledger/decisions, as in "
            "the id column of data"
        )
    decision = found[0]
    return Life(
        decision,
        _rows(directory / "ledger" / "edits", record),
        _row(directory, record),
        _row(directory, decision["duplicate_of"]) if decision["duplicate_of"] else None,
    )


def _row(directory: Path, record: str) -> dict[str, Any] | None:
    rows = _rows(directory / "data", record)
    return rows[0] if rows else None


def _rows(folder: Path, record: str) -> list[dict[str, Any]]:
    try:
        return scan(folder).filter(pl.col("id") == record).collect().to_dicts()
    except (pl.exceptions.PolarsError, OSError):
        raise CorpusError(f"{folder}: is damaged; `curate verify` says how") from None
