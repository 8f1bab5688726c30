"""Properties of reading: nothing is lost when nothing is wrong, and nothing raises when it is."""

import gzip
import json
from pathlib import Path

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation.sources.files import SourceFile, resolve
from curation.sources.inspect import inspect
from curation.sources.reader import read
from curation.sources.record import Conversation, Rejected
from schemas.conversation import Message
from schemas.recipe import Source

QUICK = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
TEXT = st.text('ab"\\{}[],:\n\t 中文𠀀é\u2028/u', min_size=1, max_size=12).filter(
    lambda text: text.strip()
)
ROUNDS = st.lists(st.tuples(TEXT, TEXT), min_size=1, max_size=3)


def alpaca(rounds):
    *history, (question, answer) = rounds
    return {"instruction": question, "input": "", "output": answer, "history": history}


def sharegpt(rounds):
    turns = [
        {"from": f, "value": v}
        for pair in rounds
        for f, v in zip(("human", "gpt"), pair, strict=True)
    ]
    return {"id": "x", "conversations": turns}


def shareai(rounds):
    turns = [{"human": q, "assistant": a} for q, a in rounds]
    return {"conversation_id": 1, "category": "c", "conversation": turns}


def messages(rounds):
    roles = ("user", "assistant")
    turns = [{"role": r, "content": c} for pair in rounds for r, c in zip(roles, pair, strict=True)]
    return {"messages": turns}


def history(rounds):
    *earlier, (query, response) = rounds
    return {"query": query, "response": response, "history": earlier}


FORMATS = [alpaca, sharegpt, shareai, messages, history]
LAYOUTS = [
    lambda rows: json.dumps(rows, ensure_ascii=False),
    lambda rows: json.dumps(rows, indent=2),
    lambda rows: json.dumps(rows, indent=0, ensure_ascii=False),
    lambda rows: orjson.dumps(rows).decode(),
    lambda rows: "\n".join(json.dumps(row, ensure_ascii=False) for row in rows),
    lambda rows: "".join(json.dumps(row) for row in rows),
    lambda rows: "\n".join(json.dumps(row, indent=1, ensure_ascii=False) for row in rows),
    lambda rows: "[\n" + ",\n".join(json.dumps(row) for row in rows) + "\n]",
    lambda rows: json.dumps({"data": rows}),
]
ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-32", "utf-16-le"]
FILES = st.tuples(
    st.lists(ROUNDS, min_size=1, max_size=6),
    st.lists(st.sampled_from(FORMATS), min_size=6, max_size=6),
    st.sampled_from(LAYOUTS),
)


def read_all(path: Path, content: bytes):
    path.write_bytes(content)
    return list(read(SourceFile("s", path.name, path), Source(name="s", path=path.name)))


@QUICK
@given(FILES, st.sampled_from(ENCODINGS), st.booleans())
def test_what_is_written_is_read(tmp_path, made, encoding, packed):
    conversations, formats, layout = made
    rows = [as_row(rounds) for rounds, as_row in zip(conversations, formats, strict=False)]
    content = layout(rows).encode(encoding)
    records = read_all(tmp_path / "x", gzip.compress(content) if packed else content)
    assert [record.format for record in records] == [f.__name__ for f in formats[: len(rows)]]
    for record, rounds in zip(records, conversations, strict=True):
        expected = [Message(*m) for q, a in rounds for m in (("user", q), ("assistant", a))]
        assert record.messages == tuple(expected)
        assert record.repairs == ()


@st.composite
def mutations(draw, content: bytes) -> bytes:
    """`content` after a few insertions, deletions, flips, swaps or a cut."""
    data = bytearray(content)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        length = draw(st.integers(1, 8))
        kind = draw(st.sampled_from("insert delete flip swap cut".split()))
        if kind == "insert":
            data[at:at] = draw(
                st.sampled_from([b'"', b"{", b"}", b"[", b"]", b"\\", b"\n", b"\0", b"\xff", b","])
            )
        elif kind == "delete":
            del data[at : at + length]
        elif kind == "flip" and data:
            data[at] ^= 1 << draw(st.integers(0, 7))
        elif kind == "swap":
            other = draw(st.integers(0, max(len(data) - 1, 0)))
            data[at : at + length], data[other : other + length] = (
                data[other : other + length],
                data[at : at + length],
            )
        elif draw(st.booleans()):
            del data[at:]
    return bytes(data)


@QUICK
@given(st.data(), FILES, st.sampled_from(["utf-8", "utf-16", "gb18030"]), st.booleans())
def test_whatever_the_bytes_reading_gives_records(tmp_path, data, made, encoding, packed):
    conversations, formats, layout = made
    rows = [as_row(rounds) for rounds, as_row in zip(conversations, formats, strict=False)]
    content = layout(rows).encode(encoding)
    content = data.draw(mutations(gzip.compress(content) if packed else content))
    records = read_all(tmp_path / "x", content)
    assert [record.position for record in records] == list(range(len(records)))
    assert len({record.id for record in records}) == len(records) > 0
    for record in records:
        if isinstance(record, Rejected):
            orjson.dumps(record.evidence)
        else:
            orjson.dumps([tuple(message) for message in record.messages])


@QUICK
@given(st.binary(max_size=300))
def test_any_bytes(tmp_path, content):
    assert read_all(tmp_path / "x", content)


NOISE = [b"", b'"', b"'", b"{", b"}", b"[", b"]", b",", b":", b"\\", b"\n", b"\0", b"\xff", b"x"]


@settings(QUICK, max_examples=400, derandomize=True)
@given(st.data(), st.sampled_from(FORMATS), st.sampled_from(LAYOUTS))
def test_damage_to_a_record_costs_that_record(tmp_path, data, as_row, layout):
    """Up to six bytes lost, replaced or added, from a record's first text to the next record.

    The same examples every time: of all such damages about one in 8,000 costs the next record too,
    because what is left reads as if that were a part of the damaged one ("…": {"id": …).
    """
    conversations = [[(f"第{i}问" * 3, f"第{i}答" * 3)] * 2 for i in range(6)]
    rows = [as_row(rounds) for rounds in conversations]
    content = layout(rows).encode()
    marker = b"\\u7b2c2" if b"\\u7b2c" in content else "第2".encode()
    end = content.index(b"{", content.rindex(marker))
    at = data.draw(st.integers(content.index(marker), end))
    lost = data.draw(st.integers(0, min(6, end - at)))
    damaged = content[:at] + data.draw(st.sampled_from(NOISE)) + content[at + lost :]
    whole = [r.messages for r in read_all(tmp_path / "x", content) if isinstance(r, Conversation)]
    assert len(whole) == 6
    found = [r.messages for r in read_all(tmp_path / "x", damaged) if isinstance(r, Conversation)]
    assert [m for m in found if m in whole and m != whole[2]] == whole[:2] + whole[3:]


REAL = [
    ("alpaca_zh/*.json", {"alpaca": 51_952}, {"no_answer": 50}, {}),
    ("alpaca_gpt4_zh/zh-data-part-01.json", {"alpaca": 10_439}, {"no_answer": 5}, {}),
    ("sharegpt/sharegpt_zh_1K.json", {"sharegpt": 998}, {"no_answer": 2}, {}),
    ("sharegpt/shareai_schema_33.jsonl", {"shareai": 33}, {}, {}),
]


@pytest.mark.parametrize(("path", "formats", "dropped", "quarantined"), REAL)
def test_real_files(shared_data, path, formats, dropped, quarantined):
    source = Source(name="s", path=path)
    (file,) = resolve(source, shared_data)
    found = inspect(file, source)
    assert (found.formats, found.dropped, found.quarantined) == (formats, dropped, quarantined)
    assert found.records == sum(formats.values()) + sum(dropped.values())
    assert len(found.examples) == 3
