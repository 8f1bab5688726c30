"""JSON in every layout, and what damage costs."""

import json
import re
import tracemalloc

import orjson
import pytest

from curation.sources.files import SourceFile
from curation.sources.items import EXCERPT, excerpt
from curation.sources.reader import read
from curation.sources.record import Conversation, Rejected
from schemas.ledger import Outcome
from schemas.recipe import Source

NASTY = '他说："{[你好]}" \\ },{"instruction":'


def alpaca(i: int) -> dict:
    return {"instruction": f"问题{i}{NASTY}", "input": "", "output": f"回答{i}{NASTY}"}


def sharegpt(i: int) -> dict:
    turns = [("human", f"问题{i}{NASTY}"), ("gpt", f"回答{i}{NASTY}")] * 2
    return {"id": i, "conversations": [{"from": f, "value": v} for f, v in turns]}


def lines(rows, **options) -> str:
    return "".join(json.dumps(row, **options) + "\n" for row in rows)


LAYOUTS = {
    "array": lambda rows: json.dumps(rows),
    "minified": lambda rows: orjson.dumps(rows).decode(),
    "indented array": lambda rows: json.dumps(rows, ensure_ascii=False, indent=2),
    "array without indentation": lambda rows: json.dumps(rows, indent=0),
    "array by lines": lambda rows: "[\n" + ",\n".join(map(json.dumps, rows)) + "\n]\n",
    "lines": lines,
    "lines, CRLF": lambda rows: lines(rows).replace("\n", "\r\n"),
    "blank lines": lambda rows: "\n\n" + lines(rows).replace("\n", "\n\n \n"),
    "concatenated": lambda rows: "".join(json.dumps(row) for row in rows),
    "indented objects": lambda rows: "\n".join(json.dumps(row, indent=1) for row in rows),
    "no commas": lambda rows: "[" + " ".join(map(json.dumps, rows)) + "]",
    "two arrays": lambda rows: json.dumps(rows[:2]) + "\n" + json.dumps(rows[2:]),
    "wrapped": lambda rows: json.dumps({"version": 1, "meta": {"a": [1]}, "data": rows}),
    "wrapped twice": lambda rows: json.dumps({"train": rows[:2], "test": rows[2:], "n": 5}),
    "trailing comma": lambda rows: json.dumps(rows)[:-1] + ",]",
    "unclosed": lambda rows: json.dumps(rows)[:-1],
}


def asked(records) -> list[str]:
    """The question number of each conversation."""
    kept = [record for record in records if isinstance(record, Conversation)]
    return [record.messages[0].content.removesuffix(NASTY) for record in kept]


def reasons(records) -> list[str]:
    return [record.reason for record in records if isinstance(record, Rejected)]


@pytest.mark.parametrize("row", [alpaca, sharegpt])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts_are_all_read_alike(read_bytes, layout, row):
    rows = [row(i) for i in range(5)]
    records = read_bytes(LAYOUTS[layout](rows).encode())
    assert [r.position for r in records] == list(range(5))
    assert asked(records) == [f"问题{i}" for i in range(5)]
    assert {r.id for r in records} == {r.id for r in read_bytes(lines(rows).encode())}


def test_a_lone_record(read_bytes):
    assert asked(read_bytes(json.dumps(alpaca(1), indent=2).encode())) == ["问题1"]


def test_an_object_that_only_looks_like_a_wrapper(read_bytes):
    row = {"tags": [{"name": "x"}], **sharegpt(3)}
    assert asked(read_bytes(lines([row, row]).encode())) == ["问题3"] * 2


@pytest.mark.parametrize("content", [b"", b" \n\t\n", b"[]", b"\xef\xbb\xbf", b"[\n]\n"])
def test_an_empty_file_is_one_record(read_bytes, content):
    (record,) = read_bytes(content)
    assert (record.position, record.outcome, record.reason) == (0, "quarantined", "empty_file")


def test_a_directory(tmp_path):
    (record,) = read(SourceFile("s", "d", tmp_path), Source(name="s", path="d"))
    assert record.reason == "is_directory"


def test_a_missing_file(tmp_path):
    (record,) = read(SourceFile("s", "d", tmp_path / "gone"), Source(name="s", path="d"))
    assert record.reason == "unreadable_file"


def test_no_permission(tmp_path, monkeypatch):
    path = tmp_path / "x.json"
    path.write_bytes(b"[]")

    def refuse(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(type(path), "open", refuse)
    (record,) = read(SourceFile("s", "x.json", path), Source(name="s", path="x.json"))
    assert record.reason == "permission_denied"


ROW = b'{"instruction": "a", "output": %s}'


@pytest.mark.parametrize(
    ("value", "answer", "repair"),
    [
        (b'"b",', "b", "trailing_comma"),
        (b'"b", "x": [1, 2, ]', "b", "trailing_comma"),
        (b'"b", "x": NaN', "b", "nan_literal"),
        (b'"b", "x": -Infinity', "b", "nan_literal"),
        (b'"b\nc\td"', "b\nc\td", "control_character"),
        (b'"b\x00c"', "b\x00c", "control_character"),
        (rb'"\alpha \x \d"', r"\alpha \x \d", "invalid_escape"),
        (rb'"it\'s"', "it's", "invalid_escape"),
        (rb'"\u12"', r"\u12", "invalid_escape"),
        ('"\\中"'.encode(), "\\中", "invalid_escape"),
        (rb'"b\ud800c"', "b\ufffdc", "lone_surrogate"),
        (rb'"b\udc00\ud800"', "b\ufffd\ufffd", "lone_surrogate"),
        (rb'"\ud83d\ude00\ud83d"', "😀\ufffd", "lone_surrogate"),
    ],
)
@pytest.mark.parametrize("layout", [b"%b\n%b\n%b\n", b"[%b,%b,%b]"])
def test_repairs_of_one_record(read_bytes, layout, value, answer, repair):
    good = ROW % b'"b"'
    records = read_bytes(layout % (good, ROW % value, good))
    assert [r.messages[1].content for r in records] == ["b", answer, "b"]
    assert [r.repairs for r in records] == [(), (repair,), ()]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b"{'instruction': 'a', 'output': 'b'}", "invalid_json"),
        (b'{"instruction": "a", "output": b"}', "invalid_json"),
        (b'{"instruction": "a", "output": "b}', "invalid_json"),
        (b'{"instruction": "a", "output": "b" "c"}', "invalid_json"),
        (b'{"instruction": "a" "output": "b"}', "invalid_json"),
        (b'{"instruction": "a", "output": "b"', "invalid_json"),
        (b'{"instruction": "a", "output": ', "invalid_json"),
        (b'{"instruction": "a", "history": [["b", "c"', "invalid_json"),
        (b'{"instruction": "a", "output": 01}', "invalid_json"),
        (b'{"instruction": "a", "output": None}', "invalid_json"),
        (b'{"instruction": "a", "output": "\xe4\xb8"}', "invalid_encoding"),
        (b'{"instruction": "a", "output": "\xed\xa0\x80"}', "invalid_encoding"),
        (b"some text", "invalid_json"),
        (b"{", "invalid_json"),
        (b'{"a": ' * 100_000 + b"1" + b"}" * 100_000, "too_deep"),
        (b'{"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too_deep"),
        (b'{"a": ' * 300 + b"1" + b"}" * 300, "too_deep"),
        (b"12", "not_an_object"),
        (b"null", "not_an_object"),
        (b'"text, {with} [brackets]"', "not_an_object"),
        (b'["a", {"instruction": "b"}]', "not_an_object"),
        (b"{}", "unknown_format"),
        (b'{"question": "a", "answer": "b"}', "unknown_format"),
    ],
)
@pytest.mark.parametrize("layout", ["lines", "array by lines", "minified", "indented array"])
def test_one_bad_record_costs_itself(read_bytes, layout, bad, reason):
    rows = [alpaca(0), {"placeholder": 1}, alpaca(2), alpaca(3)]
    content = LAYOUTS[layout](rows).encode()
    inner = {"minified": b'{"placeholder":1}', "indented array": b'{\n    "placeholder": 1\n  }'}
    records = read_bytes(content.replace(inner.get(layout, b'{"placeholder": 1}'), bad))
    assert asked(records) == ["问题0", "问题2", "问题3"]
    assert reasons(records) == [reason]
    assert records[1].outcome == Outcome.QUARANTINED
    assert isinstance(records[1].evidence["offset"], int)
    assert len(records[1].evidence.get("excerpt", "")) <= EXCERPT
    orjson.dumps(records[1].evidence)


@pytest.mark.parametrize("separator", ["\n", ",", ",\n"])
@pytest.mark.parametrize("indent", [None, 0, 2])
def test_records_that_lost_their_brackets(read_bytes, separator, indent):
    """They would swallow all others; the first of the file are the hardest to tell."""
    written = [json.dumps(sharegpt(i), indent=indent) for i in range(300)]
    closing = re.compile(r"\]\s*\}\Z")
    damaged = [closing.sub("", w) if i < 200 and i % 2 == 0 else w for i, w in enumerate(written)]
    records = read_bytes(f"[{separator.join(damaged)}]".encode())
    assert asked(records) == [f"问题{i}" for i in range(300) if i % 2 or i >= 200]
    assert reasons(records) == ["invalid_json"] * 100


def test_bad_lines_are_counted_one_by_one(read_bytes):
    good = lines([alpaca(0)]).encode()
    bad = b"{'a': 1}\n# a comment\nhello\n{\"instruction\": \n{'b': 2}\n"
    records = read_bytes(good + bad + good)
    assert asked(records) == ["问题0"] * 2
    assert reasons(records) == ["invalid_json"] * 5


@pytest.mark.parametrize("row", [alpaca, sharegpt])
@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_truncated_file_keeps_what_came_before(read_bytes, layout, row):
    content = LAYOUTS[layout]([row(i) for i in range(4)]).encode()
    end = content.rindex(
        json.dumps("回答3")[1:-1].encode() if b"\\u56de" in content else "回答3".encode()
    )
    records = read_bytes(content[:end])
    assert asked(records) == [f"问题{i}" for i in range(3)]
    assert reasons(records) == ["truncated_record"]


def test_bom_between_files_that_were_joined(read_bytes):
    part = b"\xef\xbb\xbf" + lines([alpaca(1)]).encode()
    assert asked(read_bytes(part * 3)) == ["问题1"] * 3


def test_ids_count_what_is_identical(read_bytes):
    one, two = read_bytes(lines([alpaca(1)] * 2).encode())
    again = read_bytes(lines([alpaca(7), alpaca(1), alpaca(8)]).encode())
    assert one.id != two.id
    assert again[1].id == one.id
    assert one.id.startswith("s-")
    assert read_bytes(lines([alpaca(1)]).encode(), name="other.json")[0].id != one.id


def test_the_order_of_keys_does_not_change_an_id(read_bytes):
    backwards = dict(reversed(alpaca(1).items()))
    (one,), (other,) = (read_bytes(lines([row]).encode()) for row in (alpaca(1), backwards))
    assert one.id == other.id


def test_a_large_array_on_one_line_streams(tmp_path):
    row = orjson.dumps({"instruction": "问" * 2000, "output": "答" * 2000})
    path = tmp_path / "large.json"
    with path.open("wb") as file:
        file.write(b"[" + b",".join([row] * 2500) + b"]")  # 30 MB
    tracemalloc.start()
    records = read(SourceFile("s", "large.json", path), Source(name="s", path="large.json"))
    assert sum(isinstance(record, Conversation) for record in records) == 2500
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 10e6


@pytest.mark.parametrize("separator", [b",", b"\n"])
def test_a_record_over_the_limit_is_skipped(read_bytes, monkeypatch, separator):
    for module in ("splitter", "items"):
        monkeypatch.setattr(f"curation.sources.{module}.MAX_RECORD", 2_000_000)
    row = orjson.dumps(alpaca(1))
    large = b'{"instruction": "' + b"x" * 5_000_000 + b'", "output": "y"}'
    wide = b'{"instruction": "x", "history": [' + b'["q", "a"],' * 400_000 + b'], "output": "y"}'
    records = read_bytes(separator.join([row, large, row, wide, row]))
    assert asked(records) == ["问题1"] * 3
    assert reasons(records) == ["record_too_large"] * 2


@pytest.mark.parametrize(
    "junk",
    [
        '{"a":' * 3000,
        '{"instruction":' * 3000,
        "[" * 5000,
        "[" * 50,
        '{"a":[{' * 3000,
        '{"a":[' * 900,
    ],
)
@pytest.mark.parametrize("array", [False, True])
def test_a_line_of_openings_is_one_bad_record(tmp_path, junk, array):
    good = [f'{{"instruction": "问题{i}", "output": "回答{i}"}}' for i in range(6)]
    lines = [*good[:3], junk, *good[3:]]
    text = "[" + ",\n".join(lines) + "]" if array else "\n".join(lines) + "\n"
    path = tmp_path / "x.json"
    path.write_text(text, encoding="utf-8")
    records = list(read(SourceFile("s", path.name, path), Source(name="s", path="x.json")))
    assert sum(isinstance(record, Conversation) for record in records) == 6
    assert len(records) == 7


@pytest.mark.parametrize(
    "private",
    [
        "13912345678",
        "139 1234 5678",
        "(010) 8888-6666",
        "zhang.san@example.com",
        "一三九一二三四五六七八",
    ],
)
def test_an_excerpt_quotes_personal_data_whole_or_not_at_all(private):
    whole = f"我的联系方式：{private}，请"
    for cut in range(len(whole)):
        before = "我" * (EXCERPT - cut)
        shown = excerpt((before + whole + "等待" * EXCERPT).encode())
        assert shown.startswith(before[:EXCERPT])
        assert len(shown) <= EXCERPT
        rest = shown[len(before) + 7 :]
        assert private in rest or not re.search(r"[\w@]{2}", rest), rest
    assert excerpt("139\u200b1234\u200b5678 ".encode()) == "13912345678"
    assert excerpt(private.encode()) == private
