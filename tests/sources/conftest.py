"""Reading bytes as if they were a file of a recipe."""

from collections.abc import Callable
from pathlib import Path

import pytest

from curation.sources.files import SourceFile
from curation.sources.reader import read
from curation.sources.record import Record
from schemas.recipe import Source

ReadBytes = Callable[..., list[Record]]


@pytest.fixture
def read_bytes(tmp_path: Path) -> ReadBytes:
    """Write bytes to a file and read it; keywords go into the recipe's source."""

    def read_them(content: bytes, name: str = "data.json", **options) -> list[Record]:
        path = tmp_path / name
        path.write_bytes(content)
        source = Source(name="s", path=name, **options)
        return list(read(SourceFile("s", name, path), source))

    return read_them
