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


@pytest.mark.parametrize("mapped", [False, True])
def test_a_cut_file_is_damaged_wherever_it_is_cut(tmp_path, mapped):
    path, cut = tmp_path / "c.arrow", tmp_path / "cut.arrow"
    tables = [pa.table({"a": list(range(9))}), pa.table({"b": ["x"] * 3})]
    checkpoint.save(path, tables, {}, mapped=mapped)
    content = path.read_bytes()
    for end in range(0, len(content), 8):
        cut.write_bytes(content[:end])
        try:
            loaded, _ = checkpoint.load(cut)
        except checkpoint.DamagedError:
            continue
        assert loaded == tables  # what is missing is the mark of the end
        assert end >= len(content) - 8
