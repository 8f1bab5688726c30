"""Parquet files depend on the rows alone, not on the portions in which they came."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.outputs import parquet
from curation.outputs.parquet import ShardWriter

SCHEMA = pa.schema([("n", pa.int64()), ("s", pa.string())])


def write(folder, rows, cuts, shard_rows):
    table = pa.table({"n": range(rows), "s": [f"行{i}" for i in range(rows)]}, schema=SCHEMA)
    writer = ShardWriter(folder, "part-{:05}.parquet".format, shard_rows, SCHEMA)
    for start, end in zip([0, *cuts], [*cuts, rows], strict=True):
        writer.write(table.slice(start, end - start))
    writer.close()
    return writer.files


@settings(max_examples=40, deadline=None)
@given(
    st.integers(0, 40).flatmap(
        lambda rows: st.tuples(st.just(rows), st.lists(st.integers(0, rows)).map(sorted))
    ),
    st.integers(1, 20),
)
def test_the_same_rows_give_the_same_bytes(tmp_path_factory, rows_and_cuts, shard_rows):
    rows, cuts = rows_and_cuts
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parquet, "ROW_GROUP", 7)
        pieces = write(tmp_path_factory.mktemp("a"), rows, cuts, shard_rows)
        whole = write(tmp_path_factory.mktemp("b"), rows, [], shard_rows)
    assert [p.read_bytes() for p in pieces] == [p.read_bytes() for p in whole]
    assert list(pieces.values()) == list(whole.values())
    assert len(pieces) == max(1, -(-rows // shard_rows))
    read = [n for path in pieces for n in pq.read_table(path)["n"].to_pylist()]
    assert read == list(range(rows))
    groups = [pq.read_metadata(p).row_group(0).num_rows for p in pieces if pieces[p]]
    assert all(group <= 7 for group in groups)
