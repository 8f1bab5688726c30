"""The messages of every record that could be read, in memory, and the search in them."""

import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from curation.browser.index import Index, Mask, Rows
from schemas.conversation import Message
from schemas.errors import CorpusError

_THREADS = max(len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 2, 1)


@dataclass(frozen=True, slots=True)
class Texts:
    """Conversations as Arrow lists of messages, in portions.

    starts: the first row of each portion, and one past the last row. row_of: (n,) the row of each
    record, -1 where it has no text. record_of: (t,) the record of each row.
    """

    portions: list[pa.ListArray]
    starts: list[int]
    row_of: Rows
    record_of: Rows

    def messages(self, record: int) -> list[Message]:
        """The messages of a record; none where it could not be read."""
        row = int(self.row_of[record])
        if row < 0:
            return []
        portion = int(np.searchsorted(self.starts, row, side="right")) - 1
        found = self.portions[portion][row - self.starts[portion]].as_py() or []
        return [Message(one["role"], one["content"]) for one in found]

    def containing(self, term: str) -> Mask:
        """(n,) the records with `term` in a message, in any case of Latin and other letters."""
        with ThreadPoolExecutor(_THREADS) as pool:
            found = pool.map(lambda portion: _containing(portion, term), self.portions)
            rows = np.concatenate([np.zeros(0, bool), *found])
        mask = np.zeros(len(self.row_of), bool)
        mask[self.record_of[rows]] = True
        return mask


def read_texts(directory: Path, index: Index) -> Texts:
    """Read the messages of a corpus. Raises CorpusError, ArrowException or OSError if damaged."""
    kept, _ = _read(directory / "data", [])
    dropped, ids = _read(directory / "ledger" / "dropped", ["id"])
    places = pc.index_in(ids, index.decisions.column("id")) if ids else pa.array([], pa.int32())
    record_of = np.concatenate(
        [index.kept, places.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)]
    )
    portions = [*kept, *dropped]
    starts = [0, *accumulate(len(portion) for portion in portions)]
    if starts[-1] != len(record_of) or (record_of < 0).any():
        raise CorpusError(f"{directory}: data and ledger do not fit; `curate verify` says how")
    row_of = np.full(index.size, -1, np.int64)
    row_of[record_of] = np.arange(len(record_of))
    return Texts(portions, starts, row_of, record_of)


def _read(folder: Path, columns: Sequence[str]) -> tuple[list[pa.ListArray], pa.ChunkedArray]:
    """The messages in the files of `folder`, and their ids where asked for."""
    files = sorted(folder.glob("*.parquet"))
    # Not `read_table`, which imports what data sets of many files need.
    tables = [pq.ParquetFile(path).read([*columns, "messages"]) for path in files]
    portions = [chunk for table in tables for chunk in table.column("messages").chunks]
    ids = [table.column("id").cast(pa.string()) for table in tables if columns]
    return portions, pa.chunked_array([chunk for id_ in ids for chunk in id_.chunks], pa.string())


def _containing(portion: pa.ListArray, term: str) -> Mask:
    """(rows,) which conversations of a portion have `term` in a message."""
    # With `ignore_case` Arrow searches by RE2, which is faster than its plain search too.
    contents = portion.flatten().field("content")
    found = pc.fill_null(pc.match_substring(contents, term, ignore_case=True), False)
    mask = np.zeros(len(portion), bool)
    parents = pc.list_parent_indices(portion).to_numpy(zero_copy_only=False)
    mask[parents[found.to_numpy(zero_copy_only=False)]] = True
    return mask
