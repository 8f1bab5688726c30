import json
import re
import time

import pyarrow as pa
import pyarrow.compute as pc
import pytest
from batches import batch_of as batch
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.stages.clean import (
    _SUSPECT,
    CONVERSATION_RULES,
    TEXT_RULES,
    clean,
    clean_conversation,
)
from schemas.conversation import MESSAGES, Message
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
        ("html_entities", "a &lt; b &amp;&amp; c &gt; d&nbsp;&quot;e&#39;", "a < b && c > d \"e'"),
        ("html_entities", "&ldquo;&#20320;&#x597D;&rdquo;&hellip;", "“你好”…"),
        ("mojibake", "ä½\xa0å¥½，don\xe2\u20ac\u2122t", "你好，don’t"),
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
    "HTML 里 &lt; 是小于号",
    "特殊字符在 HTML 里写成 &lt;p&gt;",
    "既有 <b> 又有 &lt;b&gt;",
    "&#0; &#xD800; &#7; &bogus; &lt",
    "A&B，R&D，a&b;",
    "ﾊﾝｶｸ ＡＢＣ１２３ ％ ～ 葛\U000e0100 \ue40a 🇨🇳 ✌🏽",
    "vector<int> a; <nooutput>",
    "print(1)\n    print(2)\n\tprint(3)",
    "def f():\n    return 1\n\n\ndef g():\n    return 2",
    '{"甲":  \n\n\n\n"e\u0301"}',
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
        "&quot;",
        "&amp;lt;",
        "&#8203;",
        "输出：",
        "输入：",
        "答：",
        "请问今天天气怎么样吗？",
        "ä½\xa0å¥½",
        "Ã©",
        "浣犲ソ",
        "ÄãºÃ",
    ]
)
MESSY = st.one_of(st.text(max_size=40), st.lists(PIECES, max_size=14).map("".join)).map(
    lambda text: text.encode("utf-8", "replace").decode()
)


@given(st.lists(MESSY, min_size=1, max_size=3), st.booleans())
@settings(max_examples=100, deadline=None)
def test_cleaning_twice_is_cleaning_once(conversation, html):
    once = cleaned(*conversation, html=html)
    assert cleaned(*once, html=html) == once


@given(MESSY)
@settings(max_examples=100, deadline=None)
def test_the_fast_path_misses_nothing(text):
    suspect = pc.match_substring_regex(pa.array([text]), _SUSPECT)[0].as_py()
    for role in ("user", "assistant"):
        after = clean_conversation([Message(role, text)], {0}, CONVERSATION_RULES)
        assert suspect or after == ([text], [set()])


PLAIN = st.from_regex(r"\A[\u4e00-\u9fff，。！？；：“”（）《》、…—!-%'-;=?-~]+\Z")


@given(st.lists(PLAIN, min_size=1, max_size=4).map(" ".join))
@settings(max_examples=50)
def test_plain_text_is_never_changed(text):
    assert cleaned(text) == [text]


def test_rules_are_in_a_fixed_order():
    assert list(TEXT_RULES)[:2] == ["mojibake", "line_endings"]
    assert list(TEXT_RULES)[-2:] == ["blank_lines", "surrounding_space"]
    assert not TEXT_RULES.keys() & CONVERSATION_RULES.keys()


PAGE = '<html>\n<body>\n<p>你好</p>\n<a href="https://a.cn/?x=1&y=2">去</a>\n</body>\n</html>'


def test_a_page_stays_whole_where_its_wrappers_would_go():
    assert cleaned("写封信", "&lt;p&gt;你好&lt;/p&gt;")[1] == "&lt;p&gt;你好&lt;/p&gt;"
    assert cleaned("写首诗", "春&lt;br&gt;\n秋")[1] == "春\n秋"


def test_a_page_that_was_escaped_as_a_whole_is_put_right():
    escaped = PAGE.replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    assert cleaned("写一个网页", escaped) == ["写一个网页", PAGE]
    assert cleaned("怎样转义？", escaped) == ["怎样转义？", escaped]
    assert cleaned("写一个网页", f"```html\n{escaped}\n```")[1] == f"```html\n{escaped}\n```"


ANSWERS = [
    ("把数组反转\n[1, 2]", "答案： [2, 1]", "[2, 1]"),
    ("排序。\n输入：3, 1", "输出：\n1, 3", "1, 3"),
    ("今天星期几", "### Response:\n星期一", "星期一"),
    ("今天星期几", "**回答：** 星期一", "星期一"),
    ("Add 2 and 2", "Output: 4", "4"),
    ("今天星期几", "Assistant: 星期一", "星期一"),
    ("今天星期几", "参考答案：星期一", "星期一"),
    ("今天星期几", "【输出】星期一", "星期一"),
    ("今天星期几", "＃＃＃ 回答：星期一", "星期一"),
    ("今天星期几", "输出：输出：星期一", "星期一"),
    ("给小说写个开头", "输出：从前有座山。", "从前有座山。"),
    ("按下面的例子分类：桃子", "输出：水果", "水果"),
    ("回答给定的问题。\n天黑了吗？", "答：黑了", "黑了"),
    ("起个名字", "<无输入>\n《远方》", "《远方》"),
    ("起个名字", "&lt;noinput&gt;\n《远方》", "《远方》"),
]


@pytest.mark.parametrize(("question", "before", "after"), ANSWERS)
def test_a_label_in_front_of_an_answer_goes(question, before, after):
    result = clean(batch([question, before]), Clean())
    assert texts(result) == [[question, after]]
    assert "stray_prefix" in result.edits[0].rules


def test_a_label_in_front_of_a_question_goes():
    assert cleaned("输入：今天星期几", "星期一")[0] == "今天星期几"
    assert cleaned("### Instruction:\n今天星期几", "星期一")[0] == "今天星期几"


LABELLED = [
    ["讲个笑话", "问：为什么？\n答：因为。"],
    ["为下面的台词接一句\n问：鸡为什么过马路？", "答：去另一边！"],
    ["按“输出：……”的格式写", "输出：好"],
    ["给一个示例输入和输出", "输出：好"],
    ["写两个人的对话", "答：你好吗？\n乙：很好。"],
    ["排序", "输出：1\n输入：2"],
    ["排序", "输出：1", "再来", "输出：2"],
    ["排序", "输出："],
    ["生成一个输入", "输入：2 + 3"],
    ["输入：你好\n指令：翻译", "hello"],
    ["输入：你好", "您给的输入太短"],
    ["输出设备有哪些", "输出设备：打印机"],
    ["问题", "回答问题之前：先想"],
    ["写邮件主题", "回复：附件"],
    ["给“答案”下定义", "答案：解开问题的话"],
    ["Define response", "Response: what is said back"],
    ["用“输出”造句", "输出：电站输出电力。"],
    ["把“输出”译成英文", "输出：output"],
    ["运行 print(6)", "输出：6"],
    ["编一道选择题", "答案：B"],
    ["出一题", "【答案】B【解析】略"],
    ["指令：ls 和 指令：cat 各做什么", "列出与显示"],
    ["Input: a word. Output: its length.", "code"],
    ["输入：7\n期望输出：8\n为什么得到 9", "因为少加了一"],
    ["输入：\n3 5\n求和", "8"],
    ["问题：最长的河是哪条？答", "尼罗河"],
]


@pytest.mark.parametrize("conversation", LABELLED)
def test_a_label_that_is_wanted_stays(conversation):
    assert cleaned(*conversation) == conversation


REPEATED = [
    ("职场中一定要讨好所有人吗？", "职场中一定要讨好所有人吗？其实不必。", "其实不必。"),
    ("请介绍一下北京的历史。", "请介绍一下北京的历史。\n\n北京是古都。", "北京是古都。"),
    ("如何学习英语 怎样才快", "如何学习英语，怎样才快？多读。", "多读。"),
    ("为什么天空是蓝色的呢？", "#为什么天空是蓝色的呢？#因为散射。", "因为散射。"),
    ("请介绍一下北京的历史", "请介绍一下北京的历史\n\n北京是古都。", "北京是古都。"),
    ("请介绍一下北京的历史。", "**请介绍一下北京的历史。**\n北京是古都。", "北京是古都。"),
    ("What is the capital of France?", "What is the capital of France? Paris.", "Paris."),
    ("总结下面这段文字的内容。\n一二三", "总结下面这段文字的内容。\n数数。", "数数。"),
]


@pytest.mark.parametrize(("question", "before", "after"), REPEATED)
def test_the_question_goes_from_the_beginning_of_the_answer(question, before, after):
    result = clean(batch([question, before]), Clean())
    assert texts(result) == [[question, after]]
    assert result.edits[0].rules == ("repeated_instruction",)


ECHOED = [
    ["请重复这句话：今天天气很好。", "请重复这句话：今天天气很好。好的。"],
    ["请把下面的句子翻译成英文。", "请把下面的句子翻译成英文。Please."],
    ["床前明月光，疑是地上霜。", "床前明月光，疑是地上霜。举头望明月。"],
    ["为周末去海滩创建购物清单。", "为周末去海滩创建购物清单：\n- 毛巾"],
    ["为山区小学的图书角制定采购计划。", "为山区小学的图书角制定采购计划，先看经费。"],
    ["如何看待机器会写诗了？", "如何看待机器会写诗了？这是一个值得深思的问题。"],
    ["把这一问写三遍：晚饭吃些什么好呢？", "把这一问写三遍：晚饭吃些什么好呢？晚饭吃些什么好呢？"],
    ["仿照着提一问：你昨天到哪里去了？", "仿照着提一问：你昨天到哪里去了？你今天呢？"],
    ["请介绍一下北京的历史。", "请介绍一下北京的历史。"],
    ["请写一个求和的函数吧。", '"""\n请写一个求和的函数吧。\n"""\ndef f(): ...'],
    ["为什么天空是蓝色的呢？", "“为什么天空是蓝色的呢？”这个问题很好。"],
    ["什么是熵？", "什么是熵？一种度量。"],
]


@pytest.mark.parametrize("conversation", ECHOED)
def test_an_answer_that_is_meant_to_repeat_stays(conversation):
    assert cleaned(*conversation) == conversation


HOSTILE = [
    "<div>", "<br", "&lt;", " ", "\n \n", "\u200d", "`", "<p class=", "&lt;a", "&amp;", "&#1",
    '"<', "Ã©", "Ã", "é»", "å ", "ä½ ", "浣犲", "鐨", "锛", "ÄãºÃ", "a\xe9", "输出：", "# ", "**",
    "答", "|", "\n|", "a=", "<a ", "\n\t", "请", "？", "http://a", "$a", "&quot;http://", "\u3000",
]  # fmt: skip


@pytest.mark.parametrize("unit", HOSTILE)
def test_hostile_text_takes_linear_time(unit):
    text = unit * (50_000 // len(unit)) + "一\u200b"
    start = time.process_time()
    clean(batch([text, text], ["问", "\u200b" + text]), Clean())
    assert time.process_time() - start < 2  # a quadratic rule takes a minute


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


def test_a_program_without_a_fence_keeps_its_blanks():
    code = "def area(r):  \n    # Fläche\n\n\n\n    return 3.14 * r * r"
    assert cleaned("计算面积。", code)[1] == code
