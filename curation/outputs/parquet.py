"""Parquet files whose bytes depend on the rows alone, however the rows arrive."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from schemas.errors import CorpusError

#: Rows of a row group: small enough that the Hub's viewer and a filtered scan read little.
ROW_GROUP = 5_000


def scan(folder: Path) -> pl.LazyFrame:
    """The rows of all Parquet files of `folder`, in file order. Raises CorpusError if none."""
    files = sorted(folder.glob("*.parquet"))
    if not files:
        raise CorpusError(f"{folder}: holds no Parquet file; repeat `curate run`")
    return pl.scan_parquet(files, glob=False)  # a folder's own name may look like a pattern


@contextmanager
def readable(directory: Path) -> Iterator[None]:
    """Raise CorpusError where files of a corpus cannot be read, or hold what they should not."""
    try:
        yield
    except (pl.exceptions.PolarsError, pa.ArrowException, OSError):
        raise CorpusError(
            f"{directory}: is damaged, or is being written; `curate verify {directory}` says how"
        ) from None


class ShardWriter:
    """Writes rows, in the order they come, into files of `shard_rows` rows each.

    There is always at least one file. `files` maps each finished file to its rows.
    """

    def __init__(
        self, folder: Path, name: Callable[[int], str], shard_rows: int, schema: pa.Schema
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.files: dict[Path, int] = {}
        self._folder, self._name = folder, name
        self._shard_rows, self._schema = max(shard_rows, 1), schema
        self._pending = schema.empty_table()
        self._open()

    def write(self, table: pa.Table) -> None:
        """Add rows."""
        self._pending = pa.concat_tables([self._pending, table])
        while self._pending.num_rows >= (portion := self._portion()):
            self._flush(portion)

    def close(self) -> None:
        """Write what is left and finish the last file."""
        if self._pending.num_rows:
            self._flush(self._pending.num_rows)
        self._finish()

    def _flush(self, rows: int) -> None:
        if self._rows == self._shard_rows:
            self._finish()
            self._open()
        self._writer.write_table(self._pending.slice(0, rows).combine_chunks())
        self._pending = self._pending.slice(rows)
        self._rows += rows

    def _portion(self) -> int:
        """Rows of the next row group: a full one, or what the shard still takes."""
        room = self._shard_rows - self._rows
        return min(ROW_GROUP, room or self._shard_rows)

    def _open(self) -> None:
        self._path = self._folder / self._name(len(self.files))
        self._rows = 0
        self._writer = pq.ParquetWriter(
            self._path, self._schema, compression="zstd", use_content_defined_chunking=True
        )

    def _finish(self) -> None:
        self._writer.close()
        self.files[self._path] = self._rows
