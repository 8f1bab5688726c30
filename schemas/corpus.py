"""The documents of a corpus directory, as either half reads them."""

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from schemas.document import Document, explain
from schemas.errors import CorpusError
from schemas.manifest import Manifest
from schemas.statistics import Statistics

MANIFEST = "manifest.json"
STATISTICS = "statistics.json"
Read = TypeVar("Read", bound=Document)


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
            f"{path}: is damaged or of another version ({explain(document, error)}); repeat "
            "`curate run`"
        ) from None
