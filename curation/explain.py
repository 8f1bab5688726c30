"""One record's whole life, from the ledger. Personal data is shown by its kind only."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from curation.engine.tables import evidence_text
from curation.outputs.parquet import readable, scan
from curation.outputs.reasons import why
from curation.outputs.withheld import redacted, searched, shown_edits
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
    privacy = searched(stages.privacy)
    found = _decision(directory, record)
    id_, stayed = found["id"], found["duplicate_of"]
    row = _one(directory, "data", id_)
    left = _one(directory, "ledger/dropped", id_) if found["outcome"] == "dropped" else None
    evidence = json.loads(found["evidence"])
    edits = _rows(directory, "ledger/edits", pl.col("id") == id_)
    survivor = _one(directory, "data", stayed) if stayed else None
    decision = found | {"evidence": evidence_text(redacted(evidence, privacy))}
    return Life(
        decision,
        why(decision, stages),
        shown_edits(edits, [evidence, *(one["messages"] for one in (row, left) if one)], privacy),
        _published(row, privacy),
        redacted(left["messages"], privacy) if left else None,
        _published(survivor, privacy),
        _duplicates(directory, id_) if row else [],
    )


def _decision(directory: Path, record: str) -> dict[str, Any]:
    """The row of `DECISIONS` that `record` is the id of, or alone begins so."""
    begins = pl.col("id").str.starts_with(record)
    found = _rows(directory, "ledger/decisions", begins)
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


def _one(directory: Path, part: str, record: str) -> dict[str, Any] | None:
    return next(iter(_rows(directory, part, pl.col("id") == record)), None)


def _published(row: dict[str, Any] | None, privacy: Privacy) -> dict[str, Any] | None:
    # It may have only flagged what it found. An id is no personal data, whatever it looks like.
    return {**redacted(row, privacy), "id": row["id"]} if row else None


def _duplicates(directory: Path, record: str) -> list[dict[str, Any]]:
    rows = _rows(directory, "ledger/decisions", pl.col("duplicate_of") == record)
    told = [
        {name: row[name] for name in ("id", "source", "file", "position", "reason")}
        | {name: json.loads(row["evidence"])[name] for name in ("key", "jaccard")}
        for row in rows
    ]
    return sorted(told, key=lambda one: (-one["jaccard"], one["id"]))


def _rows(directory: Path, part: str, which: pl.Expr) -> list[dict[str, Any]]:
    with readable(directory):
        return scan(directory / part).filter(which).collect().to_dicts()
