"""Parquet, a few rows at a time."""

from collections.abc import Iterator
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from curation.sources.csv_rows import cell_value
from curation.sources.items import Item, bad, parsed

MAGIC = b"PAR1"
BATCH = 256  # rows; bounds memory at 256 conversations


def rows(file: BinaryIO) -> Iterator[Item]:
    """One item per row; its offset is the row's number. A damaged file ends in a bad item."""
    row = 0
    try:
        for batch in pq.ParquetFile(file).iter_batches(batch_size=BATCH):
            plain = _without_times(batch)
            for i in range(batch.num_rows):
                yield _item(row, plain.slice(i, 1))
                row += 1
    except (pa.ArrowException, OSError, ValueError) as error:
        yield bad(row, b"", "damaged_stream", f"parquet: {str(error).splitlines()[0]}")


def _without_times(batch: pa.RecordBatch) -> pa.RecordBatch:
    """The batch with times as text: Python cannot hold them all, and no format has one."""
    fields = [
        pa.field(f.name, pa.string()) if pa.types.is_temporal(f.type) else f for f in batch.schema
    ]
    return batch.cast(pa.schema(fields))


def _item(row: int, batch: pa.RecordBatch) -> Item:
    try:
        record: dict[str, Any] = batch.to_pylist()[0]
    except UnicodeDecodeError as error:
        return bad(row, b"", "invalid_encoding", f"byte {error.start} of a cell")
    except (ValueError, OverflowError) as error:  # a date that Python cannot hold
        return bad(row, b"", "invalid_cell", str(error))
    return parsed(row, {key: cell_value(key, cell) for key, cell in record.items()})
