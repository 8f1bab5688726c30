import gzip
import itertools
import json
import re
from pathlib import Path

import pyarrow as pa
import pytest

from curation.stages.batch import INPUT
from curation.stages.category import category, normalise_tag, taxonomy
from curation.text.codepoints import CodePoints
from curation.text.lexicon import Lexicon
from schemas.recipe import Category

DOC = Path(__file__).parents[2] / "docs" / "taxonomy.md"
PAPER = {"Computer", "Natural", "Science", "Code", "Finance", "Business", "Education", "Art"}


def batch(*rows: tuple[list[tuple[str, str]], str | None]) -> pa.RecordBatch:
    columns = [
        {
            "id": str(i),
            "position": i,
            "messages": [{"role": role, "content": text} for role, text in messages],
            "source_id": None,
            "source_category": tag,
        }
        for i, (messages, tag) in enumerate(rows)
    ]
    return pa.RecordBatch.from_pylist(columns, schema=INPUT)


def ask(prompt: str, answer: str = "好的。", tag: str | None = None):
    return [("user", prompt), ("assistant", answer)], tag


def tagged(*rows, min_score: float = 0.35) -> list[tuple[str, float]]:
    columns = category(batch(*rows), Category(min_score=min_score)).columns
    assert columns["category"].type == pa.string()
    assert columns["category_score"].type == pa.float32()
    return list(
        zip(columns["category"].to_pylist(), columns["category_score"].to_pylist(), strict=True)
    )


# --- the taxonomy itself -------------------------------------------------------------------------


def test_twenty_topics_with_the_papers_eight_names():
    names = [topic.name for topic in taxonomy().topics]
    assert len(names) == len(set(names)) == 20
    assert set(names) >= PAPER
    assert "Other" not in names


def test_a_word_and_a_tag_mean_one_thing():
    words = [word.lower() for topic in taxonomy().topics for word in topic.words]
    words += [phrase.lower() for phrase in taxonomy().ignore]
    assert len(words) == len(set(words))
    assert all(2 <= len(word) <= 31 for word in words)  # what a Lexicon takes
    tags = [tag for topic in taxonomy().topics for tag in topic.tags]
    assert len(tags) == len(set(tags))
    assert tags == [tag.lower() for tag in tags]


def test_the_documents_table_is_in_step():
    rows = re.findall(r"^\| `(\w+)` \| (\S+) \| (.+?) \|", DOC.read_text("utf-8"), re.MULTILINE)
    assert rows == [(t.name, t.chinese, t.description) for t in taxonomy().topics]


# --- tags ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tag", "topic"),
    [
        ("Category tag: Marketing\n\n", "Business"),
        ("Finance, Business: \n\n", "Finance"),
        ("Natural Science, ", "Science"),
        ("Natural", "Natural"),
        ('1. "computer  science"', "Computer"),
        ("CODE", "Code"),
        ("标签：教育", "Education"),
        ("编程", "Code"),
        ("心理健康", "Psychology"),
        ("writing; LAW", "Law"),
        ("Brainstorming", None),
        ("Open QA", None),
        ("Maine", None),  # holds the letters of "ai"
        ("As an AI language model, I cannot say", None),
        (" \n", None),
    ],
)
def test_normalise_tag(tag, topic):
    assert normalise_tag(tag) == topic


@pytest.mark.parametrize("topic", taxonomy().topics, ids=lambda topic: topic.name)
def test_every_tag_means_its_topic(topic):
    assert {normalise_tag(f"Category: {tag.title()}.") for tag in topic.tags} == {topic.name}


def test_a_tag_that_names_a_topic_outranks_the_text():
    row = ask("用 Python 编写一个函数", tag="Category tag: Law\n\n")
    assert tagged(row, min_score=1.0) == [("Law", 1.0)]


def test_a_tag_that_names_a_task_leaves_it_to_the_text():
    row = ask("牛顿第二定律和重力加速度的关系", tag="Brainstorming")
    assert tagged(row)[0][0] == "Science"


# --- text ----------------------------------------------------------------------------------------

EXAMPLES = {
    "Code": "帮我调试这段 JavaScript 代码，数组排序的函数总是报错",
    "Mathematics": "求解方程：三角形的周长是 12，求它的面积",
    "Law": "房东违约，我可以向法院起诉要求赔偿吗？需要请律师吗",
    "Finance": "基金和股票的投资风险有什么不同？银行利率会影响吗",
    "Food": "给我一份红烧豆腐的食谱，需要哪些调料",
    "Health": "高血压患者应该怎样治疗，有哪些药物",
    "Psychology": "和男朋友分手以后我一直很难过，心里很委屈",
    "Education": "高中老师怎样帮助学生准备高考",
    "History": "唐朝的皇帝中谁在位最久？讲讲当时的朝代更替",
    "Literature": "写一首诗，再写一篇短篇小说的情节",
    "Language": "把下面的句子翻译成英语，并指出动词和名词",
    "Art": "怎样学习水彩绘画？梵高的画作有什么特点",
    "Entertainment": "昨晚的足球比赛哪支球队进球最多，冠军是谁",
    "Computer": "我的笔记本电脑装不上操作系统，是硬盘的问题吗",
    "Business": "为一家创业公司写一份市场营销方案，目标是留住客户",
    "Engineering": "汽车发动机和变速箱是怎样工作的",
    "Science": "量子力学中的粒子和原子核有什么关系",
    "Natural": "气候变化怎样影响热带雨林里的动物和植物",
    "Society": "议会选举怎样影响政府的外交政策",
    "Life": "周末想去旅行，帮我订酒店、安排景点和行程",
}


def test_each_topic_is_recognised():
    found = tagged(*(ask(text) for text in EXAMPLES.values()))
    assert [name for name, _ in found] == list(EXAMPLES)
    assert set(EXAMPLES) == {topic.name for topic in taxonomy().topics}
    assert all(0.35 <= score <= 1 for _, score in found)


def test_nothing_to_go_by_is_other():
    assert tagged(ask("嗯嗯", "哈哈"), min_score=0.0) == [("Other", 0.0)]


def test_below_the_threshold_is_other_and_keeps_its_score():
    row = ask("股票")
    (name, score), (other, same) = tagged(row)[0], tagged(row, min_score=0.9)[0]
    assert (name, other) == ("Finance", "Other")
    assert score == same == pytest.approx(2 / 3)  # one strong word: 2 / (2 + PRIOR)


def test_the_user_weighs_more_than_the_answer():
    assert tagged(ask("股票", "律师"))[0] == ("Finance", pytest.approx(2 / 4))


def test_a_word_counts_once_a_side():
    assert tagged(ask("股票股票股票")) == tagged(ask("股票"))


def test_ties_go_to_the_earlier_topic():
    names = [topic.name for topic in taxonomy().topics]
    assert names.index("Law") < names.index("Finance")
    assert [name for name, _ in tagged(ask("股票、律师"), ask("律师、股票"))] == ["Law", "Law"]


def test_the_system_message_and_late_turns_are_not_read():
    code = "编写 Python 代码"
    assert tagged(([("system", code), ("user", "嗯")], None))[0][1] == 0
    long = [("user", "嗯" * 500), ("assistant", "嗯" * 500)]
    assert tagged(([*long, ("user", code)], None))[0][1] == 0


def test_rows_do_not_depend_on_their_batch():
    rows = [ask(text) for text in EXAMPLES.values()]
    assert tagged(*rows) == list(itertools.chain.from_iterable(tagged(row) for row in rows))
    whole = batch(*rows)
    part = category(whole.slice(3, 4), Category()).columns["category"].to_pylist()
    assert part == list(EXAMPLES)[3:7]


def test_nothing_is_dropped_or_edited_and_empty_batches_pass():
    result = category(batch(), Category())
    assert (len(result.columns["category"]), result.drops, result.edits) == (0, (), ())
    assert tagged(([], None), ask("", "")) == [("Other", 0.0), ("Other", 0.0)]


# --- the lexicon ---------------------------------------------------------------------------------


def find(words: list[str], *texts: str) -> list[tuple[int, str]]:
    hits = Lexicon(words).find(CodePoints.of(pa.array(texts, pa.string())))
    return sorted((t, words[w]) for t, w in zip(hits.texts, hits.words, strict=True))


def test_english_words_need_a_boundary_and_no_case():
    words = ["ai", "c++", "Python"]
    assert find(words, "用AI写", "said", "AI2", "C++好", "PYTHON") == [
        (0, "ai"),
        (3, "c++"),
        (4, "Python"),
    ]


def test_a_longer_word_hides_a_shorter_one():
    assert find(["语言", "编程语言"], "编程语言", "语言与编程语言") == [
        (0, "编程语言"),
        (1, "编程语言"),
        (1, "语言"),
    ]


def test_words_do_not_cross_texts():
    assert find(["股票", "票价"], "股", "票", "价", "", "股票") == [(4, "股票")]


# --- real data -----------------------------------------------------------------------------------


def share(names: list[str], name: str) -> float:
    return names.count(name) / len(names)


def test_alpaca_is_mostly_tagged(shared_data):
    rows = json.loads((shared_data / "alpaca_zh" / "alpaca_zh_52k.json").read_text("utf-8"))[::20]
    found = tagged(*(ask(f"{r['instruction']}\n{r['input']}", r["output"]) for r in rows))
    assert share([name for name, _ in found], "Other") < 0.20


def test_counselling_is_psychology(shared_data):
    roles = {"client": "user", "counselor": "assistant"}
    with gzip.open(shared_data / "sharegpt" / "smile_55k.jsonl.gz") as lines:
        records = [json.loads(line)["messages"] for line in itertools.islice(lines, 500)]
    rows = [([(roles[m["role"]], m["content"]) for m in record], None) for record in records]
    assert share([name for name, _ in tagged(*rows)], "Psychology") > 0.85
