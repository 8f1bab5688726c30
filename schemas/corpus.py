"""The documents of a corpus directory, as either half reads them."""

from pathlib import Path

from schemas.document import read_document
from schemas.errors import CorpusError
from schemas.manifest import Manifest
from schemas.statistics import Statistics

MANIFEST = "manifest.json"
STATISTICS = "statistics.json"
REPORT = "report.html"
#: The folder of the figures.
ASSETS = "assets"
_WHOLE, _REMEDY = "corpus", "repeat `curate run`"


def read_manifest(directory: Path) -> Manifest:
    """Read `manifest.json`. Raises CorpusError where there is none or it cannot be understood."""
    return read_document(directory / MANIFEST, Manifest, CorpusError, _WHOLE, _REMEDY)


def read_statistics(directory: Path) -> Statistics:
    """Read `statistics.json` of a finished corpus. Raises CorpusError as `read_manifest` does."""
    read_manifest(directory)
    return read_document(directory / STATISTICS, Statistics, CorpusError, _WHOLE, _REMEDY)
