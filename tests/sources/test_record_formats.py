"""The five record formats, and what does not fit them."""

import orjson
import pytest

from curation.sources.placeholders import is_placeholder
from schemas.ledger import Outcome

U, A, S = "user", "assistant", "system"


def read_one(read_bytes, row, **options):
    (record,) = read_bytes(orjson.dumps(row), **options)
    return record


PAIR = [{"from": "human", "value": "q"}, {"from": "gpt", "value": "a"}]


@pytest.mark.parametrize(
    ("row", "name", "expected"),
    [
        ({"instruction": "q", "input": "", "output": "a"}, "alpaca", [(U, "q"), (A, "a")]),
        ({"instruction": "q", "output": "a"}, "alpaca", [(U, "q"), (A, "a")]),
        ({"instruction": "q", "input": "i", "output": "a"}, "alpaca", [(U, "q\ni"), (A, "a")]),
        ({"instruction": "", "input": "i", "output": "a"}, "alpaca", [(U, "i"), (A, "a")]),
        ({"input": "i", "output": "a"}, "alpaca", [(U, "i"), (A, "a")]),
        (
            {"instruction": "q", "output": "a", "system": "s", "history": [["h", "b"]]},
            "alpaca",
            [(S, "s"), (U, "h"), (A, "b"), (U, "q"), (A, "a")],
        ),
        ({"conversations": PAIR}, "sharegpt", [(U, "q"), (A, "a")]),
        ({"conversations": PAIR, "system": "s"}, "sharegpt", [(S, "s"), (U, "q"), (A, "a")]),
        (
            {"conversations": [{"role": U, "content": "q"}, {"role": A, "content": "a"}]},
            "sharegpt",
            [(U, "q"), (A, "a")],
        ),
        ({"messages": PAIR}, "messages", [(U, "q"), (A, "a")]),
        (
            {"conversation": [{"human": "q", "assistant": "a"}, {"human": "r", "assistant": "b"}]},
            "shareai",
            [(U, "q"), (A, "a"), (U, "r"), (A, "b")],
        ),
        (
            {"messages": [{"role": r, "content": c} for r, c in [(S, "s"), (U, "q"), (A, "a")]]},
            "messages",
            [(S, "s"), (U, "q"), (A, "a")],
        ),
        (
            {"messages": [{"role": U, "content": [{"type": "text", "text": "q"}, "r"]}, PAIR[1]]},
            "messages",
            [(U, "q\nr"), (A, "a")],
        ),
        ({"query": "q", "response": "a"}, "history", [(U, "q"), (A, "a")]),
        ({"prompt": "q", "response": "a"}, "history", [(U, "q"), (A, "a")]),
        (
            {"query": "q", "response": "a", "history": [["h", "b"]], "system": "s"},
            "history",
            [(S, "s"), (U, "h"), (A, "b"), (U, "q"), (A, "a")],
        ),
        ({"prompt": "p", "messages": PAIR}, "messages", [(U, "q"), (A, "a")]),
        ({"messages": None, "conversations": PAIR}, "sharegpt", [(U, "q"), (A, "a")]),
    ],
)
def test_formats(read_bytes, row, name, expected):
    record = read_one(read_bytes, row)
    assert record.messages == tuple(expected)
    assert record.format == name
    assert record.repairs == ()
    assert read_one(read_bytes, row, format=name) == record


@pytest.mark.parametrize(
    ("row", "reason", "evidence"),
    [
        ({"question": "q", "answer": "a"}, "unknown_format", {"keys": ["question", "answer"]}),
        ({"messages": "text"}, "wrong_format", {"error": "messages is not a list"}),
        ({"messages": ["text"]}, "wrong_format", {"error": "a turn is not an object"}),
        ({"query": "q", "history": "h"}, "wrong_format", {"error": "history is not a list"}),
        ({"query": "q", "history": [["h"]]}, "wrong_format", {"error": "a turn is not an object"}),
        (
            {"messages": [{"role": "narrator", "content": "x"}]},
            "unknown_role",
            {"role": "narrator", "turn": 0},
        ),
        ({"messages": [{"content": "x"}]}, "unknown_role", {"role": "None", "turn": 0}),
        ({"messages": [{"role": 5, "content": "x"}]}, "unknown_role", {"role": "5", "turn": 0}),
        (
            {"conversations": [*PAIR, {"from": "observation", "value": "x"}]},
            "unsupported_role",
            {"role": "observation", "turn": 2},
        ),
        (
            {"messages": [{"role": U, "content": [{"type": "image_url", "image_url": "x"}]}]},
            "unsupported_content",
            {"type": "image_url"},
        ),
        ({"instruction": {"a": 1}, "output": "x"}, "unsupported_content", {"type": "dict"}),
        ({"instruction": True, "output": "x"}, "unsupported_content", {"type": "bool"}),
        (
            {"messages": [{"role": A, "content": None, "tool_calls": [{"id": "1"}]}]},
            "unsupported_content",
            {"type": "tool_calls"},
        ),
    ],
)
def test_what_does_not_fit_is_quarantined(read_bytes, row, reason, evidence):
    record = read_one(read_bytes, row)
    assert (record.outcome, record.reason) == (Outcome.QUARANTINED, reason)
    assert record.evidence == {"offset": 0, **evidence}


def test_a_named_format_is_not_guessed(read_bytes):
    record = read_one(read_bytes, {"conversations": PAIR}, format="alpaca")
    assert record.reason == "wrong_format"
    assert record.evidence["keys"] == ["conversations"]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"instruction": "", "input": "", "output": "a"}, "no_question"),
        ({"instruction": " \n", "output": "a"}, "no_question"),
        ({"instruction": "q", "input": "", "output": ""}, "no_answer"),
        ({"instruction": "q"}, "no_answer"),
        ({"instruction": "", "output": ""}, "no_question"),
        ({"messages": []}, "no_question"),
        ({"instruction": "\u200b", "output": "a"}, "no_question"),
        ({"conversations": PAIR[::-1]}, "no_answer"),
        ({"messages": [{"role": S, "content": "s"}]}, "no_question"),
    ],
)
def test_what_holds_no_exchange_is_dropped(read_bytes, row, reason):
    record = read_one(read_bytes, row)
    assert (record.outcome, record.reason) == (Outcome.DROPPED, reason)


@pytest.mark.parametrize(
    ("row", "found"),
    [
        ({"id": 7}, "7"),
        ({"id": "x"}, "x"),
        ({"id": 0}, "0"),
        ({"conversation_id": "c"}, "c"),
        ({"id": None, "conversation_id": 3}, "3"),
        ({"id": ""}, None),
        ({}, None),
    ],
)
def test_the_records_own_id(read_bytes, row, found):
    assert read_one(read_bytes, {"conversations": PAIR, **row}).source_id == found


def test_the_records_own_category(read_bytes):
    dirty = "Category tag: Marketing\n\n"
    assert read_one(read_bytes, {"conversations": PAIR, "category": dirty}).source_category == dirty
    listed = {"conversations": PAIR, "category": ["Code", "Art"]}
    assert read_one(read_bytes, listed).source_category == "Code; Art"
    for none in ("", 5, None, [5], {}):
        row = {"conversations": PAIR, "category": none}
        assert read_one(read_bytes, row).source_category is None


@pytest.mark.parametrize(
    ("roles", "repairs"),
    [
        (("human", "gpt"), ()),
        (("user", "assistant"), ()),
        (("client", "counselor"), ("role_alias",)),
        (("患者", "医生"), ("role_alias",)),
        (("User", "ChatGPT"), ("role_alias",)),
    ],
)
def test_role_names(read_bytes, roles, repairs):
    turns = [{"role": role, "content": "x"} for role in roles]
    record = read_one(read_bytes, {"messages": turns})
    assert [m.role for m in record.messages] == [U, A]
    assert record.repairs == repairs


def test_the_recipe_names_roles(read_bytes):
    turns = [{"role": role, "content": "x"} for role in ("narrator", "bot")]
    record = read_one(read_bytes, {"messages": turns}, roles={"narrator": A, "bot": U})
    assert record.reason == "no_answer"
    record = read_one(read_bytes, {"messages": turns[::-1]}, roles={"narrator": A, "bot": U})
    assert [m.role for m in record.messages] == [U, A]
    assert record.repairs == ("role_alias",)


def test_values_that_are_no_strings(read_bytes):
    record = read_one(read_bytes, {"instruction": 12, "input": None, "output": 3.5})
    assert record.messages == ((U, "12"), (A, "3.5"))
    assert record.repairs == ("non_string_content",)


PLACEHOLDERS = """<noinput> <NOINPUT> <No_Input> noinput none None N/A n/a null nil 无
    无输入 （无输入） <无输入> 没有输入。 &lt;无输入&gt;
    “&lt;无输入&gt;” `&lt;无输入&gt;` 不适用 无需输入
    “” '' <none> 沒有輸入"""


@pytest.mark.parametrize("marker", [*PLACEHOLDERS.split(), "No input", "no input.", "< no input >"])
def test_an_input_that_says_there_is_none(read_bytes, marker):
    record = read_one(read_bytes, {"instruction": "q", "input": marker, "output": "a"})
    assert record.messages == ((U, "q"), (A, "a"))
    assert record.repairs == ("placeholder_input",)
    (edit,) = record.edits
    assert (edit.turn, edit.rule) == (0, "placeholder_input")
    assert (edit.before, edit.after) == (f"q\n{marker}", "q")


@pytest.mark.parametrize(
    "text", ["无情", "无法", "没有柠檬", "没兴趣", "0", "5", ".", "John", "", " "]
)
def test_an_input_that_is_one(text):
    assert not is_placeholder(text)


@pytest.mark.parametrize(
    ("asked", "left"),
    [
        ("q\n<noinput>", "q"),
        ("q\ni\n\n无输入。", "q\ni"),
        ("q\n&lt;无输入&gt;\n", "q"),
        ("q\n输入：无", "q"),
        ("q\nInput: N/A", "q"),
        ("q\n输入：没有钱怎么办", None),
        ("q\n输入：", None),
        ("有没有？\n没有", None),
        ("q\n无", None),
        ("q\n什么是 <noinput>", None),
        ("<noinput>", None),
    ],
)
def test_a_line_that_says_no_input_goes_from_behind_a_question(read_bytes, asked, left):
    record = read_one(
        read_bytes,
        {"messages": [{"role": U, "content": asked}, {"role": A, "content": "a\n<noinput>"}]},
    )
    assert record.messages[0].content == (left or asked)
    assert record.messages[1].content == "a\n<noinput>"
    assert record.repairs == (("placeholder_input",) if left else ())
    assert [(e.turn, e.before, e.after) for e in record.edits] == (
        [(0, asked, left)] if left else []
    )
