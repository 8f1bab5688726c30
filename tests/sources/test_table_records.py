"""CSV and Parquet."""

import csv
import io
import json

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from curation.sources.record import Conversation

HEADER = ["instruction", "input", "output"]
ROWS = [[f'问题{i}，"引号"\n换行', "", f"回答{i}, a\tb"] for i in range(4)]
EXPECTED = [(f'问题{i}，"引号"\n换行', f"回答{i}, a\tb") for i in range(4)]


def table(rows, header=HEADER, **options) -> bytes:
    out = io.StringIO()
    csv.writer(out, **options).writerows([header, *rows])
    return out.getvalue().encode()


def pairs(records):
    found = [r for r in records if isinstance(r, Conversation)]
    return [tuple(m.content for m in r.messages) for r in found]


def reasons(records):
    return [r.reason for r in records if not isinstance(r, Conversation)]


@pytest.mark.parametrize("delimiter", [",", "\t"])
@pytest.mark.parametrize("name", ["x.csv", "x.txt", "x.tsv"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_csv(read_bytes, delimiter, name, encoding):
    content = table(ROWS, delimiter=delimiter).decode().encode(encoding)
    records = read_bytes(content, name)
    assert pairs(records) == EXPECTED
    assert [r.position for r in records] == [0, 1, 2, 3]


def test_cells_that_hold_lists(read_bytes):
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    records = read_bytes(table([["1", json.dumps(turns)]], ["id", "messages"]))
    assert pairs(records) == [("q", "a")]
    records = read_bytes(
        table([["q", "a", '[["h", "b"]]'], ["q", "a", ""]], ["query", "response", "history"])
    )
    assert pairs(records) == [("h", "b", "q", "a"), ("q", "a")]


def test_rows_of_another_width(read_bytes):
    content = table([*ROWS[:2], ["a", "b"], ["a", "b", "c", "d"], *ROWS[2:]])
    records = read_bytes(content)
    assert pairs(records) == EXPECTED
    assert reasons(records) == ["invalid_csv"] * 2
    assert records[2].evidence["error"] == "2 cells where the header has 3"
    offset = records[2].evidence["offset"]
    assert content[offset:].startswith(b"a,b\r\n")


@pytest.mark.parametrize("bad", ['"lost,,x\r\n', 'a,"b"c,d\r\n', 'a,"b\r\nc"x,d\r\n'])
def test_a_lost_quote_costs_its_row(read_bytes, bad):
    plain = [[f"q{i}", "", f"a{i}"] for i in range(4)]
    lines = table(plain).decode().splitlines(keepends=True)
    records = read_bytes("".join([*lines[:3], bad, *lines[3:]]).encode())
    assert pairs(records) == [(f"q{i}", f"a{i}") for i in range(4)]
    assert set(reasons(records)) == {"invalid_csv"}


def test_a_damaged_byte_costs_its_row(read_bytes):
    content = table(ROWS).replace("回答2".encode(), "回答2".encode()[1:])
    records = read_bytes(content)
    assert pairs(records) == EXPECTED[:2] + EXPECTED[3:]
    assert reasons(records) == ["invalid_encoding"]


def test_long_fields(read_bytes):
    assert pairs(read_bytes(table([["q", "", "长" * 200_000]]))) == [("q", "长" * 200_000)]


def test_a_field_over_the_limit(read_bytes, monkeypatch):
    monkeypatch.setattr("curation.sources.csv_rows.MAX_RECORD", 100_000)
    records = read_bytes(table([ROWS[0], ["q", "", "x" * 150_000], ROWS[1]]))
    assert pairs(records) == EXPECTED[:2]
    assert reasons(records) == ["record_too_large"]


def test_a_header_alone(read_bytes):
    assert reasons(read_bytes(table([]))) == ["empty_file"]


def test_columns_of_no_format(read_bytes):
    records = read_bytes(table([["1", "2"]], ["a", "b"]), "x.csv")
    assert reasons(records) == ["unknown_format"]


def parquet(rows) -> bytes:
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out, row_group_size=100)
    return out.getvalue()


def test_parquet(read_bytes):
    turns = [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}]
    rows = [{"id": i, "messages": turns if i != 300 else None} for i in range(600)]
    records = read_bytes(parquet(rows), "x.bin")
    assert len(records) == 600
    assert pairs(records) == [("q", "a")] * 599
    assert (records[300].position, records[300].reason) == (300, "unknown_format")
    assert records[5].source_id == "5"


def test_parquet_rows_have_the_ids_of_their_json(read_bytes):
    rows = [{"instruction": "q", "input": "", "output": "a"}]
    assert read_bytes(parquet(rows))[0].id == read_bytes(json.dumps(rows).encode())[0].id


def test_damaged_parquet(read_bytes):
    rows = [{"instruction": f"q{i}", "output": f"a{i}" * 50} for i in range(1000)]
    content = bytearray(parquet(rows))
    assert reasons(read_bytes(bytes(content[:-10]))) == ["damaged_stream"]
    content[len(content) // 2 : len(content) // 2 + 400] = bytes(400)
    assert "damaged_stream" in reasons(read_bytes(bytes(content)))
    assert reasons(read_bytes(b"PAR1")) == ["damaged_stream"]


def test_parquet_text_that_is_no_utf8(read_bytes):
    binary = pa.array([b"q", b"\xff", b"q"])
    text = pa.StringArray.from_buffers(3, *binary.buffers()[1:])
    out = io.BytesIO()
    pq.write_table(pa.table({"instruction": text, "output": ["a"] * 3}), out)
    records = read_bytes(out.getvalue())
    assert pairs(records) == [("q", "a")] * 2
    assert reasons(records) == ["invalid_encoding"]


def test_times_in_parquet_cost_no_row(read_bytes):
    """A core install has no pandas for nanoseconds, and Python no date beyond the year 9999."""
    columns = {
        "instruction": ["q0", "q1"],
        "output": ["a0", "a1"],
        "made": pa.array([0, 2**62], pa.timestamp("ns")),
        "day": pa.array([0, 2**31 - 1], pa.date32()),
        "spent": pa.array([0, 2**62], pa.duration("s")),
    }
    out = io.BytesIO()
    pq.write_table(pa.table(columns), out)
    assert pairs(read_bytes(out.getvalue(), "x.parquet")) == [("q0", "a0"), ("q1", "a1")]
