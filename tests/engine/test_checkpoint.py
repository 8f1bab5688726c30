"""Checkpoints are whole or absent, and give back what they were given."""

import pyarrow as pa
import pytest

from curation.engine import checkpoint


def test_round_trip(tmp_path):
    tables = [pa.table({"a": [1, 2]}), pa.table({}), pa.table({"b": pa.array([], pa.string())})]
    path = tmp_path / "deep" / "c.arrow"
    checkpoint.save(path, tables, {"seconds": 0.5, "名": ["x"]})
    loaded, note = checkpoint.load(path)
    assert [table.to_pydict() for table in loaded] == [{"a": [1, 2]}, {}, {"b": []}]
    assert note == checkpoint.load_note(path) == {"seconds": 0.5, "名": ["x"]}


def test_a_failed_write_leaves_no_checkpoint(tmp_path):
    path = tmp_path / "c.arrow"
    with pytest.raises(TypeError):
        checkpoint.save(path, [pa.table({"a": [1]})], {"not JSON": object()})
    with pytest.raises(AttributeError):
        checkpoint.save(path, [pa.table({"a": [1]}), None], {})
    assert not path.exists()
