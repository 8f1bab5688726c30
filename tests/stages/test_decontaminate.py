"""Benchmark items in conversations. All items here are made up; none is of a real benchmark."""

import json
import random
from itertools import islice

import numpy as np
import opencc
import pyarrow as pa
import pytest
from batches import batch_of
from hypothesis import given
from hypothesis import strategies as st

from curation.sources.benchmark_items import read_items
from curation.sources.benchmarks import resolve_benchmark
from curation.stages.decontaminate import Decontamination, build, decontaminate, load
from curation.stages.decontaminate.align import distances
from curation.stages.decontaminate.text import grams, squeeze
from curation.text.codepoints import CodePoints
from schemas.benchmark import BenchmarkItem

LAKE = (
    "云杉镇北面的青石湖每年结冰的时间大约是____",
    ("三个月", "五个星期", "整整半年", "从不结冰"),
)
LAMP = (
    "The lighthouse keeper of Port Ennis replaced the oil lamp in which decade?",
    ("the eighteen forties", "the eighteen nineties", "after the great flood", "never"),
)
SUM = (
    "小满有37颗玻璃珠，送给邻居15颗以后又买回8颗，他现在有多少颗玻璃珠？",
    ("30", "22", "29", "60"),
)
STEM = "下列说法正确的是____"
STEMS = [
    (
        STEM,
        (
            f"{a}的叶子在{b}月变成{c}色",
            f"{c}色的{a}只在{b}月开花",
            f"{a}到{b}月就会落尽叶子",
            f"{b}月以前{a}不会结出{c}色果实",
        ),
    )
    for a, b, c in zip(
        "榆槐柏杉桦楝榉桐椿", "一二三四五六七八九", "红黄蓝白黑紫灰青褐", strict=True
    )
]
SHORT = ("玻璃匠人的守护神是", ("铁匠", "渔夫", "圣洛克", "织女"))
TINY = ("冰的反面", ("火", "水", "云", "土"))
QUESTIONS = [LAKE, LAMP, SUM, *STEMS, SHORT, TINY]
ITEMS = [
    BenchmarkItem("made-up", "geography", "test", number, question, options)
    for number, (question, options) in enumerate(QUESTIONS)
]
TRADITIONAL, TAIWAN = opencc.OpenCC("s2t"), opencc.OpenCC("s2tw")
CHAT = "我最近总是睡不好，晚上会想很多工作上的事情。你有什么建议可以让我放松一点吗？"


@pytest.fixture(scope="module")
def index(tmp_path_factory):
    path = tmp_path_factory.mktemp("index") / "items.arrow"
    build(ITEMS, path)
    return path


@pytest.fixture(scope="module")
def evidence(index):
    """The evidence in one message, or None."""

    def look(text, threshold=0.75):
        config = Decontamination(index, threshold, "flag")
        return told(decontaminate(batch_of([text, "好的"]), config))[0]

    return look


def told(result):
    return [one and json.loads(one) for one in result.columns["contamination"].to_pylist()]


def posed(question, options, labels="ABCD", mark=". "):
    lines = [f"{label}{mark}{option}" for label, option in zip(labels, options, strict=False)]
    return "\n".join([question, *lines])


def in_full_width(text):
    return "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in text)


def changed(text, count, seed=0):
    """`count` letters or digits of `text` substituted, dropped or doubled."""
    rng = random.Random(seed)
    characters = list(text)
    for place in rng.sample([i for i, c in enumerate(text) if c.isalpha()], count):
        characters[place] = rng.choice(["", "之" if text[place] > "z" else "q", text[place] * 2])
    return "".join(characters)


DISGUISES = {
    "verbatim": posed,
    "other labels": lambda q, o: posed(q, o, "1234", "）"),
    "no labels": lambda q, o: "\n".join([q, *o]),
    "one line": lambda q, o: posed(q, o, mark="、").replace("\n", " "),
    "options in another order": lambda q, o: posed(q, (o[2], o[0], o[3], o[1])),
    "Traditional": lambda q, o: TRADITIONAL.convert(posed(q, o)),
    "Taiwan": lambda q, o: TAIWAN.convert(posed(q, o)),
    "spaces": lambda q, o: " ".join(posed(q, o)),
    "no spaces": lambda q, o: posed(q, o, mark=".").replace(" ", ""),
    "line breaks": lambda q, o: "\n".join(islice(iter_chunks(posed(q, o), 7), 1000)),
    "full-width": lambda q, o: in_full_width(posed(q, o)),
    "capitals": lambda q, o: posed(q, o).upper(),
    "no punctuation": lambda q, o: "".join(c for c in posed(q, o) if c.isalnum() or c.isspace()),
    "a changed character": lambda q, o: changed(posed(q, o), 1),
    "several at once": lambda q, o: in_full_width(
        TRADITIONAL.convert(changed(posed(q, (o[3], o[2], o[1], o[0])), 1))
    ),
}


def iter_chunks(text, size):
    return (text[i : i + size] for i in range(0, len(text), size))


@pytest.mark.parametrize("item", [0, 1, 2, 3, 11], ids=["han", "latin", "numbers", "stem", "stem2"])
@pytest.mark.parametrize("disguise", DISGUISES)
def test_an_item_is_found_in_disguise(evidence, disguise, item):
    text = DISGUISES[disguise](*QUESTIONS[item])
    for message in (text, f"{CHAT}\n{text}", f"请回答下面的选择题：{text}\n{CHAT}"):
        found = evidence(message)
        assert found["item"] == f"geography/test/{item}"
        assert found["matched"] == "question_and_options"
        assert found["threshold"] == 0.75 <= found["score"] <= 1


@pytest.mark.parametrize("item", [0, 1, 2], ids=["han", "latin", "numbers"])
@pytest.mark.parametrize("seed", range(5))
def test_one_character_in_twenty_may_differ(evidence, item, seed):
    text = posed(*QUESTIONS[item])
    assert evidence(changed(text, len(text) // 20, seed))["item"] == f"geography/test/{item}"


@pytest.mark.parametrize("item", [0, 1, 2, 12], ids=["han", "latin", "numbers", "short"])
@pytest.mark.parametrize("message", ["{}", "请回答：{}", CHAT + "\n{}\n谢谢。", CHAT + "{}"])
def test_a_question_is_found_without_its_options(evidence, item, message):
    found = evidence(message.format(QUESTIONS[item][0]))
    assert (found["item"], found["matched"]) == (f"geography/test/{item}", "question")
    assert found["score"] == 1


@pytest.mark.parametrize(
    ("question", "changed"),
    [
        (SHORT[0], "玻璃工人的守护神是"),  # one substituted
        (SHORT[0], "玻璃匠人们的守护神是"),  # one inserted inside
        (LAKE[0], LAKE[0].replace("北面", "南边")),
        (SUM[0], SUM[0].replace("邻居", "同学")),
    ],
)
@pytest.mark.parametrize("message", ["{}", "请回答：{}", "{}\n谢谢。"])
def test_a_clause_of_its_own_may_differ_a_little(evidence, question, changed, message):
    assert changed != question
    found = evidence(message.format(changed))
    assert found["matched"] == "question"
    assert 0.75 <= found["score"] < 1


@pytest.mark.parametrize(
    "text",
    [
        STEM,
        "不是玻璃匠人的守护神是",
        "玻璃匠人的守护神",
        "他说玻璃工人的守护神是一位圣徒。",
        "玻璃工人的保护神是",
        f"请回答下面的选择题：{STEM}",
        posed(STEM, ("猫会飞", "狗会游泳", "鸟会打洞", "鱼会唱歌")),
        "玻璃匠人的守护神是一位很少有人知道的圣徒。",
        "冰的反面",
        "在云杉镇北面，有一个每年都会结冰的青石湖，时间大约是冬天。",
        "三个月、五个星期、整整半年，从不结冰的湖也有。",
        SUM[0].replace("37", "52"),
        SUM[0].replace("15", "16"),
        "Port Ennis has a lighthouse; its keeper replaced the lamp.",
        CHAT,
        "",
        " \n\t",
        "。。。，，，？！____（）",
        "\u200b\ufeff",
        "的" * 5000,
        "A. B. C. D.",
    ],
)
def test_what_is_no_item(evidence, text):
    assert evidence(text) is None


def test_the_threshold_is_the_share_that_must_be_found(evidence):
    question, options = LAKE
    half = posed(question, (*options[:2], "一百年也不会", "只有在夜里才"))
    score = evidence(half, 0.6)["score"]
    assert 0.75 < score < 1
    assert evidence(half, score + 0.01) is None or evidence(half, score + 0.01)["score"] == 1
    assert evidence(posed(*LAKE), 1.0)["score"] == 1


def test_evidence_names_the_item(evidence):
    assert evidence(f"请问：\n{posed(*LAKE)}") == {
        "benchmark": "made-up",
        "subject": "geography",
        "item": "geography/test/0",
        "score": 1.0,
        "matched": "question_and_options",
        "turn": 0,
        "threshold": 0.75,
        "also": [],
    }


def test_drop_and_flag(index):
    batch = batch_of([CHAT, "好"], ["你好", "在", CHAT, posed(*LAKE)], [posed(*SUM), "30"])
    flagged = decontaminate(batch, Decontamination(index, 0.75, "flag"))
    dropped = decontaminate(batch, Decontamination(index, 0.75, "drop"))
    assert not flagged.drops
    assert flagged.columns["contamination"].equals(dropped.columns["contamination"])
    assert flagged.columns["contamination"].type == pa.string()
    assert [(d.row, d.reason, d.evidence["turn"]) for d in dropped.drops] == [
        (1, "benchmark", 3),
        (2, "benchmark", 0),
    ]
    assert told(flagged) == [None, *(dict(d.evidence) for d in dropped.drops)]
    first = flagged.columns["contamination"][1].as_py()
    assert first == json.dumps(json.loads(first), sort_keys=True, ensure_ascii=False)


def test_the_same_item_in_several_benchmarks(tmp_path):
    question, options = LAKE
    same = [
        BenchmarkItem("b1", "s", "dev", 3, question, options),
        BenchmarkItem("b1", "s", "test", 0, question, options[::-1]),  # the same options
        BenchmarkItem("b2", "", "", 7, question.replace("青", " 青"), ()),  # the question alone
        *ITEMS[1:],
        *(BenchmarkItem("b3", "s", "val", n, question, options) for n in range(12)),
    ]
    path = tmp_path / "items.arrow"
    build(same, path)
    config = Decontamination(path, 0.75, "flag")
    both, alone = told(decontaminate(batch_of([posed(*LAKE)], [question]), config))
    assert (both["benchmark"], both["item"]) == ("b1", "s/dev/3")
    assert both["also"] == ["b1/s/test/0", *(f"b3/s/val/{n}" for n in range(9))]
    assert (alone["benchmark"], alone["matched"]) == ("b1", "question")
    assert len(alone["also"]) == 10


def test_several_items_in_one_conversation(index):
    batch = batch_of([posed(*SUM), f"{posed(*LAKE)}\n{posed(*LAMP)}"])
    (found,) = told(decontaminate(batch, Decontamination(index, 0.75, "flag")))
    assert (found["item"], found["turn"]) == ("geography/test/0", 1)
    assert found["also"] == ["made-up/geography/test/1", "made-up/geography/test/2"]


POOL = [
    CHAT,
    "",
    "好的",
    "___",
    STEM,
    LAKE[0],
    *(posed(*question) for question in QUESTIONS),
    *(f"{CHAT}{posed(*question)}{CHAT}" for question in QUESTIONS[:4]),
]


@given(st.lists(st.lists(st.sampled_from(POOL), max_size=4), max_size=8))
def test_a_row_is_decided_by_itself(index, conversations):
    config = Decontamination(index, 0.75, "flag")
    together = told(decontaminate(batch_of(*conversations), config))
    apart = [told(decontaminate(batch_of(one), config))[0] for one in conversations]
    assert together == apart
    rows = batch_of([CHAT], *conversations).slice(1)
    assert told(decontaminate(rows, config)) == together


@given(st.sampled_from(range(len(QUESTIONS) - 2)), st.text(max_size=80), st.text(max_size=80))
def test_verbatim_is_always_found(index, item, before, after):
    text = f"{before}\n{posed(*QUESTIONS[item])}\n{after}"
    (found,) = told(decontaminate(batch_of([text]), Decontamination(index, 0.75, "flag")))
    names = [found["item"], *(name.removeprefix("made-up/") for name in found["also"])]
    assert f"geography/test/{item}" in names


@given(
    st.text(max_size=300),
    st.text(alphabet="的是一不了在有和人这0123456789 abcdeABCDE____", max_size=300),
)
def test_unrelated_text_never_is(index, text, prose):
    config = Decontamination(index, 0.75, "flag")
    assert told(decontaminate(batch_of([text, prose]), config)) == [None]


def test_a_megabyte(index):
    text = (CHAT * 40 + "啊" * 3000) * 220
    assert len(text.encode()) > 1 << 20
    config = Decontamination(index, 0.75, "flag")
    middle = len(text) // 2
    planted = f"{text[:middle]}\n{posed(*LAKE)}\n{text[middle:]}"
    assert told(decontaminate(batch_of([text], [planted]), config))[0] is None
    assert told(decontaminate(batch_of([planted]), config))[0]["item"] == "geography/test/0"


def test_odd_items(tmp_path):
    odd = [
        BenchmarkItem("b", "s", "", 0, "", ()),
        BenchmarkItem("b", "s", "", 1, "？？？", ("", "", "", "")),
        BenchmarkItem("b", "s", "", 2, "是", ("对", "错")),
        BenchmarkItem("b", "s", "", 3, LAMP[0], ("", "", "", "")),
        BenchmarkItem("b", "s", "", 4, "", LAMP[1]),
        BenchmarkItem("b", "s", "", 5, LAKE[0], ("", *LAKE[1])),
    ]
    for number in range(1, len(odd) + 1):
        path = tmp_path / f"{number}.arrow"
        build(odd[:number], path)
        config = Decontamination(path, 0.75, "flag")
        batch = batch_of(["", "是", "对，错"], [posed(*LAMP)], [posed(*LAKE)], ["？？？"])
        found = told(decontaminate(batch, config))
        assert [one and one["item"] for one in found] == [
            None,
            "s/3" if number > 3 else None,
            "s/5" if number > 5 else None,
            None,
        ]


def test_the_index_depends_on_the_items_alone(tmp_path, index):
    build(iter(ITEMS), tmp_path / "deep" / "again.arrow")
    assert (tmp_path / "deep" / "again.arrow").read_bytes() == index.read_bytes()
    assert [path.name for path in (tmp_path / "deep").iterdir()] == ["again.arrow"]
    assert load(index) is load(index)
    assert load(index).names.to_pylist() == [item.name for item in ITEMS]
    assert not load(index).hashes.flags.writeable


def test_what_cannot_be_built(tmp_path):
    with pytest.raises(ValueError, match="no benchmark items"):
        build([], tmp_path / "none.arrow")
    (tmp_path / "folder.arrow").mkdir()
    with pytest.raises(OSError, match="folder"):
        build(ITEMS, tmp_path / "folder.arrow")
    assert [path.name for path in tmp_path.iterdir()] == ["folder.arrow"]


def test_real_items_in_real_conversations(shared_data, tmp_path):
    items = read_items(resolve_benchmark(str(shared_data / "benchmarks" / "cmmlu.zip"), tmp_path))
    build(items, tmp_path / "cmmlu.arrow")
    config = Decontamination(tmp_path / "cmmlu.arrow", 0.75, "flag")
    demo = json.loads((shared_data / "alpaca_gpt4_zh" / "alpaca_zh_demo.json").read_bytes())
    chats = [f"{row['instruction']}\n{row['input']}" for row in demo]
    pairs = zip(chats, (row["output"] for row in demo), strict=True)
    clean = decontaminate(batch_of(*map(list, pairs)), config)
    assert clean.columns["contamination"].null_count == len(demo)
    rng = random.Random(5)
    planted = rng.sample(items, 200)
    disguises = DISGUISES | {"question alone": lambda question, _: question}
    for name in ("verbatim", "options in another order", "Taiwan", "spaces", "question alone"):
        texts = [disguises[name](item.question, item.options) for item in planted]
        batch = batch_of(*([f"{rng.choice(chats)}\n{text}"] for text in texts))
        found = decontaminate(batch, config).columns["contamination"]
        assert len(planted) - found.null_count >= 0.95 * len(planted), name


def fewest_edits(pattern, text):
    """Sellers' table: the textbook way to what `distances` counts in bits."""
    column = list(range(len(pattern) + 1))
    for character in text:
        before, column = column, [0]
        for i, wanted in enumerate(pattern, 1):
            column.append(
                min(before[i - 1] + (wanted != character), before[i] + 1, column[i - 1] + 1)
            )
        yield column[-1]


@given(st.text("abc", min_size=1, max_size=80), st.text("abc", max_size=60))
def test_distances(pattern, text):
    assert list(distances(pattern, text)) == list(fewest_edits(pattern, text))


def squeezed(*texts):
    return squeeze(CodePoints.of(pa.array(texts, pa.string())))


@given(st.lists(st.text("猫狗abＡ1 。\n", max_size=30), min_size=1, max_size=6), st.integers(1, 9))
def test_grams(texts, size):
    found = squeezed(*texts)
    expected = []
    for start, end in zip(found.offsets, found.offsets[1:], strict=False):
        for first in range(start, end):
            units = np.cumsum([2 if point > 127 else 1 for point in found.points[first:end]])
            if units[-1] >= size:
                expected.append((first, first + 1 + int(np.argmax(units >= size))))
    runs = grams(found, size)
    assert list(zip(runs.starts, runs.ends, strict=True)) == expected
    seen = {}
    for (first, last), value in zip(expected, runs.hashes.tolist(), strict=True):
        assert seen.setdefault(found.points[first:last].tobytes(), value) == value
    assert len(set(seen.values())) == len(seen)


@pytest.mark.parametrize(
    ("text", "left", "breaks"),
    [
        ("Ａ ｂ，c", "abc", "2122"),
        ("這 是\n湖", "这是湖", "2222"),
        ("a1b", "a1b", "2002"),
        ("a\u00a0\tb", "ab", "212"),
        ("x — y", "xy", "222"),
        ("___", "", "2"),
    ],
)
def test_squeeze(text, left, breaks):
    found = squeezed(text)
    assert "".join(map(chr, found.points)) == left
    assert "".join(map(str, found.breaks)) == breaks
