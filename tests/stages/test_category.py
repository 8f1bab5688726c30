import gzip
import itertools
import json
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.stages.batch import INPUT, turns
from curation.stages.category import category, normalise_tag, taxonomy
from curation.stages.category.features import USER_WINDOW
from curation.stages.category.model import FILE, model, topic_probabilities
from curation.text.codepoints import CodePoints
from curation.text.lexicon import Lexicon
from curation.training.topic_data import Row, document, judged, read_heads, topic_set, word_fields
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


def tagged(*rows, min_score: float = Category().min_score) -> list[tuple[str, float]]:
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


def test_a_tag_means_one_thing():
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
        ("Business Law", "Law"),
        ("Science Fiction", "Literature"),
        ("Health Insurance", "Finance"),
        ("Music Education", "Education"),
        ("音乐教育", "Education"),
        ("Creative Writing", "Literature"),
        ("Public Relations", "Business"),
        ("Database", "Code"),
        ("Language Model", "Computer"),
        ("Philosophy of Science", "Society"),
        ("Law and Society", "Law"),
        ("Food industry", "Food"),
        ("医疗技术", "Health"),
        ("Technology", "Computer"),
        ("Not related to science", None),
        ("Not about science; law", "Law"),
        ("与科学无关", None),
        ("State of the art", None),
        ("Art of War", None),
        ("The Art of Cooking", "Food"),
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
    "Law": "对方违约，我可以向法院起诉要求赔偿吗？需要请律师吗",
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


def test_nothing_to_go_by_is_other():
    assert [name for name, _ in tagged(ask("嗯嗯", "哈哈"), ask("", ""), ([], None))] == [
        "Other"
    ] * 3


def test_below_the_threshold_is_other_and_keeps_its_score():
    row = ask("股票")
    (name, score), (other, same) = tagged(row, min_score=0.0)[0], tagged(row, min_score=1.0)[0]
    assert (name, other) == ("Finance", "Other")
    assert score == same < 1


def test_the_system_message_and_late_turns_are_not_read():
    code = "编写 Python 代码"
    plain = tagged(ask("嗯"))
    assert tagged(([("system", code), *ask("嗯")[0]], None)) == plain
    long = [("user", "嗯" * USER_WINDOW), ("assistant", "嗯")]
    assert tagged((long, None)) == tagged(([*long, ("user", code)], None))


def test_the_user_weighs_more_than_the_answer():
    def health(*row):
        return topic_probabilities(turns(batch(ask(*row))))[0, taxonomy().names.index("Health")]

    assert health("治疗感冒的药物", "编写函数") > health("编写函数", "治疗感冒的药物")


MESSAGE = st.tuples(st.sampled_from(["system", "user", "assistant"]), st.text(max_size=400))
ROWS = st.lists(st.tuples(st.lists(MESSAGE, max_size=4), st.none()), max_size=6)


@given(ROWS, st.integers(0, 6))
def test_rows_do_not_depend_on_their_batch(rows, cut):
    rows += [ask(text) for text in list(EXAMPLES.values())[:cut]]
    whole = category(batch(*rows), Category())
    parts = [category(batch(*part), Category()) for part in (rows[:cut], rows[cut:])]
    for name, column in whole.columns.items():
        assert column.to_pylist() == [x for p in parts for x in p.columns[name].to_pylist()]
    assert all(0 <= score <= 1 for score in whole.columns["category_score"].to_pylist())
    assert (whole.drops, whole.edits) == ((), ())


def test_a_slice_of_a_batch():
    part = category(batch(*(ask(text) for text in EXAMPLES.values())).slice(3, 4), Category())
    assert part.columns["category"].to_pylist() == list(EXAMPLES)[3:7]


# --- the model -----------------------------------------------------------------------------------


def test_the_model_is_small_plain_arrays():
    assert len(FILE.read_bytes()) < 1_200_000
    with FILE.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
        assert all(arrays[name].dtype != object for name in arrays.files)


def test_every_topic_has_a_class():
    starts = model().starts
    assert (len(starts), starts[0]) == (20, 0)
    assert (np.diff(starts, append=len(model().bias)) > 0).all()


def test_words_of_fields_are_what_a_lexicon_takes():
    words, fields = word_fields()
    assert len(words) == len(set(words)) == len(fields.field)
    assert all(2 <= len(word) <= 31 and word == word.lower() for word in words)


def test_labels_are_topics():
    names = set(taxonomy().names)
    for mapping in document("topic_labels.yaml").values():
        assert all(set(topics) <= names for topics in mapping.values())
    rows = document("judged_rows.yaml")
    for part in rows.values():
        for labels in part.values():
            assert {topic for label in labels.values() for topic in label.split("/")} <= names | {
                "Other"
            }
    assert all(not set(rows["train"][f]) & set(rows["held_out"][f]) for f in rows["train"])


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

FLOORS = {"csldcp": 0.86, "tnews": 0.73}  # right, of the surer 70 %


@pytest.mark.parametrize("name", FLOORS)
def test_accuracy_on_labelled_texts(shared_data, name):
    rows = topic_set(shared_data, name, "test")
    assert surer_right(rows) >= FLOORS[name]


def test_accuracy_on_judged_instructions(shared_data):
    assert surer_right(judged(shared_data, "held_out")) >= 0.88


def surer_right(rows: list[Row]) -> float:
    found = model().probabilities(read_heads([row.messages for row in rows]))
    surer = np.argsort(-found.max(axis=1), kind="stable")[: int(0.7 * len(rows))]
    names = taxonomy().names
    return float(np.mean([names[found[i].argmax()] in rows[i].topics for i in surer]))


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
    assert share([name for name, _ in tagged(*rows)], "Psychology") > 0.8
