import json
import re

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from batches import batch_of as batch
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.stages.clean import _SUSPECT, RULES, clean, clean_text
from schemas.conversation import MESSAGES
from schemas.recipe import Clean


def texts(result):
    return [[m["content"] for m in row] for row in result.columns["messages"].to_pylist()]


def cleaned(*conversation, **config):
    return texts(clean(batch(conversation), Clean(**config)))[0]


@pytest.mark.parametrize(
    ("rule", "before", "after"),
    [
        ("line_endings", "一\r\n二\r三\u2028四\u2029五\u0085六\f七", "一\n二\n三\n四\n五\n六\n七"),
        ("unicode_nfc", "cafe\u0301 か\u3099", "café が"),
        ("control_characters", "一\u0000二\u0007三\u202e四\u2066五\ufff9六\u009f", "一二三四五六"),
        ("zero_width", "\ufeff一\u200b二\u2060三\u00ad四\u200d五", "一二三四五"),
        ("no_break_space", "一\u00a0二\u202f三", "一 二 三"),
        ("html_residue", "一<br>二<br />\n三", "一\n二\n三"),
        ("html_residue", "<p>一</p><div class='markdown prose'>二</div>三", "一\n二\n三"),
        ("html_residue", "<span class=x>一</span>", "一"),
        ("html_residue", "a &lt; b &amp;&amp; c &gt; d&nbsp;&quot;e&#39;", "a < b && c > d \"e'"),
        ("trailing_space", "一  \n二\t\n三", "一\n二\n三"),
        ("blank_lines", "一\n\n\n\n二", "一\n\n二"),
        ("surrounding_space", "\n \n  一\n二 \n\n", "一\n二"),
        ("surrounding_space", "\n    if x:\n        y\n", "    if x:\n        y"),
    ],
)
def test_each_rule_does_its_work_and_is_named(rule, before, after):
    result = clean(batch([before, "好"]), Clean())
    assert texts(result) == [[after, "好"]]
    (edit,) = result.edits
    assert (edit.row, edit.turn, edit.before, edit.after) == (0, 0, before, after)
    assert rule in edit.rules


KEPT = [
    "全角标点：，。！？（）【】“”‘’——……①Ⅷ㈱",
    "\u3000\u3000段首缩进\n\u3000\u3000第二段",
    "床前明月光\u3000疑是地上霜",
    "👨\u200d👩\u200d👧 ❤\ufe0f 1\ufe0f\u20e3 🏳\ufe0f\u200d🌈",
    "می\u200cخواهم",  # Persian needs its non-joiner
    "क\u094d\u200dष",
    "兼容字：\uf900\uf901\uf902",
    "```\ncode  \n\n\n\n<br>&lt;p&gt;\n```",
    "见 `<br>` 与 `&lt;`",
    "看 https://example.com/?a=1&lt;=2 吧",
    "公式 $a &lt; b$",
    '{"html": "<p>一</p>", "text": "a &lt; b<br>"}',
    "例如：{'a': '<br>'}",
    "| 甲 | 乙 |\n|---|---|\n| 一<br>二 | 三 |",
    "HTML 里 <br> 表示换行，<p>段落</p>",
    "<ul>\n<li>一</li>\n</ul><br>",
    "<div style='color: red'>红</div>",
    "若 x<p 且 q>r",
    "<p>没有闭合",
    "&amp;lt; 是转义",
    "&lt;div&gt; 和 &lt;/div&gt;",
    "vector<int> a; <nooutput>",
    "print(1)\n    print(2)\n\tprint(3)",
]


@pytest.mark.parametrize("text", KEPT)
def test_what_must_survive_survives(text):
    assert cleaned(text) == [text]


def test_markup_stays_where_the_conversation_is_about_it():
    assert cleaned("写一段 Vue 模板", "<div><p>你好</p></div>")[1] == "<div><p>你好</p></div>"
    assert cleaned("问个好", "<div><p>你好</p></div>")[1] == "你好"


def test_html_can_be_left_alone():
    assert cleaned("一<br>二\u200b", html=False) == ["一<br>二"]


def test_compatibility_ideographs_stay_beside_what_is_composed():
    assert cleaned("\uf900 e\u0301 \uf901") == ["\uf900 é \uf901"]


def test_a_message_that_becomes_empty_drops_its_conversation_once():
    result = clean(batch(["好", "\u200b"], ["好", "好"], ["\u200b", " \n "], ["问", ""]), Clean())
    assert [(drop.row, drop.reason) for drop in result.drops] == [
        (0, "empty_after_cleaning"),
        (2, "empty_after_cleaning"),
    ]
    assert result.drops[1].evidence["turn"] == 0
    json.dumps([drop.evidence for drop in result.drops])


def test_several_edits_come_in_order_and_the_rest_is_untouched():
    rows = batch(["一", "二 \n三"], ["四\u200b", "五", "\u00a0六", "七"], ["八"])
    result = clean(rows, Clean())
    assert [(edit.row, edit.turn) for edit in result.edits] == [(0, 1), (1, 0), (1, 2)]
    assert texts(result) == [["一", "二\n三"], ["四", "五", "六", "七"], ["八"]]
    assert result.columns["messages"].type == MESSAGES
    assert list(result.edits[2].rules) == ["no_break_space", "surrounding_space"]


def test_slices_and_the_empty_batch():
    rows = batch(["一 \n"], ["二 \n"], ["三 \n"])
    assert texts(clean(rows.slice(1, 1), Clean())) == [["二"]]
    assert texts(clean(rows.slice(0, 0), Clean())) == []


SINGLE = "一二。，a1.e😀❤`$|@{}<>/\"'\n\t \u3000\u200b\u200d\ufeff\u00a0\u0085\u2028"
MARKS = "\u202e\u0301\uf900\ufe0f"
TAGS = ["<br>", "<p>", "</p>", "<div>", "</div>", "<span>", "</span>", "&lt;", "&gt;", "&amp;"]
PIECES = st.sampled_from(
    [
        *SINGLE,
        *MARKS,
        *TAGS,
        "\n\n\n",
        "\r\n",
        "  ",
        "```",
        "br",
        "lt;",
        "gt;",
        "http://a.b",
        "HTML",
    ]
)
MESSY = st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=14).map("".join)).map(
    lambda text: text.encode("utf-8", "replace").decode()
)


@given(st.lists(MESSY, min_size=1, max_size=3), st.booleans())
@settings(max_examples=500, deadline=None)
def test_cleaning_twice_is_cleaning_once(conversation, html):
    once = cleaned(*conversation, html=html)
    assert cleaned(*once, html=html) == once


@given(MESSY)
@settings(max_examples=500, deadline=None)
def test_the_fast_path_misses_nothing(text):
    suspect = pc.match_substring_regex(pa.array([text]), _SUSPECT)[0].as_py()
    assert suspect or clean_text(text, RULES) == (text, set())


PLAIN = st.from_regex(r"\A[\u4e00-\u9fff，。！？；：“”（）《》、…—!-%'-;=?-~]+\Z")


@given(st.lists(PLAIN, min_size=1, max_size=4).map(" ".join))
def test_plain_text_is_never_changed(text):
    assert cleaned(text) == [text]


def test_rules_are_in_a_fixed_order():
    assert next(iter(RULES)) == "line_endings"
    assert list(RULES)[-2:] == ["blank_lines", "surrounding_space"]


@pytest.mark.parametrize("unit", ["<div>", "<br", "&lt;", " ", "\n \n", "\u200d", "`", "<p class="])
def test_hostile_text_takes_linear_time(unit):
    clean(batch([unit * 300_000 + "一\u200b"]), Clean())  # a quadratic rule would take hours


def test_real_messages_are_clean_afterwards(shared_data):
    lines = (shared_data / "sharegpt/sharegpt_zh_1K.json").read_text("utf-8").splitlines()
    rows = [[m["value"] for m in json.loads(x)["conversations"]] for x in lines if x.strip()]
    result = clean(batch(*rows), Clean())
    fences = re.compile(r"```.*?```", re.DOTALL)
    for edit in result.edits:
        visible = re.compile(r"[\u200b\ufeff\u00a0 ]")
        before, after = (
            [visible.sub("", x) for x in fences.findall(t)] for t in (edit.before, edit.after)
        )
        assert before == after
    again = clean(pa.RecordBatch.from_arrays([result.columns["messages"]], ["messages"]), Clean())
    assert not again.edits
