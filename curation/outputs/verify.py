"""Verification of a finished corpus: every file's hash, and the identity of the ledger."""

from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from curation.outputs.card import is_users, sha256_of_ours
from curation.outputs.card.metadata import LICENSE
from curation.outputs.manifest import describe
from curation.outputs.parquet import scan
from curation.outputs.statistics import source_counts
from schemas.corpus import read_manifest
from schemas.manifest import Manifest, OutputFile

#: Folders in which a file that the manifest does not name would be taken for part of the corpus.
_OWNED = ("data", "ledger")


def verify(directory: Path) -> list[str]:
    """What is wrong with the corpus, one sentence each; empty where nothing is.

    Raises CorpusError where there is no manifest to verify against.
    """
    return differences(directory, read_manifest(directory))


def differences(directory: Path, manifest: Manifest) -> list[str]:
    """Where the directory is not what `manifest` says, one sentence each."""
    damaged = [*_damaged(directory, manifest), *_strangers(directory, manifest)]
    return damaged or contradictions(directory, manifest)


def _damaged(directory: Path, manifest: Manifest) -> list[str]:
    """Files that are missing or differ from what the manifest says."""
    problems = []
    for expected in manifest.outputs:
        path = directory / expected.path
        if not path.is_file():
            problems.append(f"{expected.path}: is missing")
        elif not _is_as_written(directory, path, expected):
            problems.append(f"{expected.path}: differs from what was written (SHA-256)")
        elif expected.rows != _rows(path):
            problems.append(f"{expected.path}: its rows are not as many as the manifest says")
    return problems


def _is_as_written(directory: Path, path: Path, expected: OutputFile) -> bool:
    """Whether the file's bytes are those of the manifest; in a card, those outside its sections.

    A LICENSE.md of the user's own words may change: nothing in it is ours.
    """
    if expected.path == LICENSE and is_users(path):
        return True
    if expected.skeleton_sha256:
        return sha256_of_ours(path) == expected.skeleton_sha256
    return describe(directory, path, expected.rows) == expected


def _rows(path: Path) -> int | None:
    """Rows of a Parquet file; None of any other."""
    try:
        return int(pq.read_metadata(path).num_rows) if path.suffix == ".parquet" else None
    except pa.ArrowInvalid:
        return None


def _strangers(directory: Path, manifest: Manifest) -> list[str]:
    known = {file.path for file in manifest.outputs}
    found = (path for name in _OWNED for path in (directory / name).rglob("*"))
    files = (path for path in found if path.is_symlink() or not path.is_dir())
    names = sorted(path.relative_to(directory).as_posix() for path in files)
    return [f"{name}: is not in the manifest" for name in names if name not in known]


def contradictions(directory: Path, manifest: Manifest) -> list[str]:
    """Where ledger, data and manifest contradict each other."""
    decisions = scan(directory / "ledger" / "decisions")
    edits = scan(directory / "ledger" / "edits")
    dropped = scan(directory / "ledger" / "dropped")
    data = scan(directory / "data")
    names = [source.name for source in manifest.recipe.sources]
    kept = decisions.filter(pl.col("outcome") == "kept")
    checks = {
        "the ledger's counts are not the manifest's": (
            source_counts(decisions, names) == list(manifest.counts)
        ),
        "ids in the ledger are not unique": _is_unique(decisions),
        "kept ids in the ledger are not the ids in data": (
            _height(kept) == _height(data) and _height(kept.join(data, on="id", how="anti")) == 0
        ),
        "a duplicate's survivor was not kept": _survivors_kept(decisions, kept),
        "an edit's id is not in the ledger": (
            _height(edits.join(decisions, on="id", how="anti")) == 0
        ),
        "the dropped texts are not those of the ledger's dropped records": (
            _are_the_dropped(dropped, decisions)
        ),
    }
    return [problem for problem, holds in checks.items() if not holds]


def _is_unique(decisions: pl.LazyFrame) -> bool:
    return bool(decisions.select(pl.col("id").n_unique() == pl.len()).collect().item())


def _survivors_kept(decisions: pl.LazyFrame, kept: pl.LazyFrame) -> bool:
    survivors = decisions.filter(pl.col("duplicate_of").is_not_null())
    missing = survivors.join(kept, left_on="duplicate_of", right_on="id", how="anti")
    return _height(missing) == 0


def _are_the_dropped(texts: pl.LazyFrame, decisions: pl.LazyFrame) -> bool:
    """Whether there is one text for every record that was read and then dropped, and no other."""
    left = decisions.filter((pl.col("outcome") == "dropped") & (pl.col("stage") != "read"))
    found = texts.select("id")
    is_known = _height(found.join(left, on="id", how="anti")) == 0
    return is_known and _is_unique(found) and _height(found) == _height(left)


def _height(frame: pl.LazyFrame) -> int:
    return int(frame.select(pl.len()).collect().item())
