"""Manifest and statistics of a corpus directory: the documents that say what it holds."""

import hashlib
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from schemas.document import Document, explain
from schemas.errors import CorpusError
from schemas.manifest import Manifest, OutputFile
from schemas.statistics import Statistics

MANIFEST = "manifest.json"
STATISTICS = "statistics.json"
Read = TypeVar("Read", bound=Document)


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Write `manifest.json`, whole or not at all."""
    partial = directory / f"{MANIFEST}.partial"
    partial.write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    partial.replace(directory / MANIFEST)


def read_manifest(directory: Path) -> Manifest:
    """Read `manifest.json`. Raises CorpusError where there is none or it cannot be understood."""
    return _read(directory, MANIFEST, Manifest)


def read_statistics(directory: Path) -> Statistics:
    """Read `statistics.json` of a finished corpus. Raises CorpusError as `read_manifest` does."""
    read_manifest(directory)
    return _read(directory, STATISTICS, Statistics)


def _read(directory: Path, name: str, document: type[Read]) -> Read:
    path = directory / name
    try:
        return document.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise CorpusError(
            f"{directory}: holds no finished corpus ({name} is missing); repeat `curate run`"
        ) from None
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror})") from None
    except ValidationError as error:
        raise CorpusError(
            f"{path}: is damaged ({explain(document, error)}); repeat `curate run`"
        ) from None


def describe(directory: Path, path: Path, rows: int | None = None) -> OutputFile:
    """The manifest's entry for a file that was written."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    relative = path.relative_to(directory).as_posix()
    return OutputFile(path=relative, bytes=path.stat().st_size, sha256=digest, rows=rows)
