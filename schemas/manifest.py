"""`manifest.json`: what made a corpus directory and what is in it.

Written last: a directory without one is unfinished.
"""

from pydantic import field_validator

from schemas.document import Document
from schemas.recipe import Recipe
from schemas.statistics import SourceCounts

MANIFEST_VERSION = 3


class InputFile(Document):
    """One input file as it was read."""

    source: str
    file: str
    bytes: int
    sha256: str | None  # null where the file could not be read


class BenchmarkFiles(Document):
    """A benchmark that was kept out; `sha256` is of the names and bytes of its files."""

    name: str
    sha256: str


class OutputFile(Document):
    """One file of the corpus directory, `path` relative to it and with forward slashes."""

    path: str
    bytes: int
    sha256: str
    rows: int | None  # of Parquet files
    skeleton_sha256: str | None = None  # of README.md without the text of its user's sections


class Manifest(Document):
    """The whole document."""

    version: int = MANIFEST_VERSION
    key: str  # stands for input bytes, recipe and code; equal key, equal rows
    recipe: Recipe
    versions: dict[str, str]  # of this package and of each library that shapes the output
    inputs: list[InputFile]
    benchmarks: list[BenchmarkFiles]
    counts: list[SourceCounts]
    outputs: list[OutputFile]

    @field_validator("version")
    @classmethod
    def _this_version(cls, version: int) -> int:
        if version != MANIFEST_VERSION:
            raise ValueError(f"is {version}, this version of aurora-zh reads {MANIFEST_VERSION}")
        return version
