"""Checkpoints: Arrow tables and a note about them in one file, written whole or not at all."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa

_NOTE, _ROWS = b"note", b"rows"  # the caller's note; the rows of each table, to see what is lost


class DamagedError(Exception):
    """A checkpoint that is missing or cannot be read; whoever catches it makes it anew."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path


def save(
    path: Path, tables: Sequence[pa.Table], note: Mapping[str, Any], *, mapped: bool = False
) -> None:
    """Write `tables`, one Arrow stream after the other, and the JSON-able `note`.

    `mapped` leaves out compression, so that `load` reads of the file only what is looked at.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    options = pa.ipc.IpcWriteOptions(compression=None if mapped else "lz4")
    rows = [table.num_rows for table in tables]
    encoded = {_NOTE: json.dumps(note).encode(), _ROWS: json.dumps(rows).encode()}
    with pa.OSFile(str(partial), "wb") as sink:
        for table in (pa.table({}).replace_schema_metadata(encoded), *tables):
            with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
                writer.write_table(table)
    partial.replace(path)


def load(path: Path) -> tuple[list[pa.Table], dict[str, Any]]:
    """Give back what `save` was given. Raises DamagedError."""
    with _opened(path) as source:
        metadata = _read(source).schema.metadata
        tables = []
        while source.tell() < source.size():
            tables.append(_read(source))
        if [table.num_rows for table in tables] != json.loads(metadata[_ROWS]):
            raise ValueError("it has lost tables or rows")
        note: dict[str, Any] = json.loads(metadata[_NOTE])
    return tables, note


def load_note(path: Path) -> dict[str, Any]:
    """Give back the note alone, without reading the tables. Raises DamagedError."""
    with _opened(path) as source:
        note: dict[str, Any] = json.loads(_read(source).schema.metadata[_NOTE])
    return note


@contextmanager
def _opened(path: Path) -> Iterator[pa.NativeFile]:
    try:
        with pa.memory_map(str(path)) as source:
            yield source
    except (pa.ArrowException, OSError, ValueError, KeyError, TypeError) as error:
        raise DamagedError(path) from error


def _read(source: pa.NativeFile) -> pa.Table:
    with pa.ipc.open_stream(source) as reader:
        return reader.read_all()
