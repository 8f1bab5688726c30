import csv
import json

import numpy as np
import pytest
from batches import batch_of as batch
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.stages.batch import turns
from curation.stages.quality import quality
from curation.stages.quality.features import MAX_CHARS, first_exchanges, surface, unlike_alpaca
from curation.stages.quality.features import field_grams as grams_of
from curation.stages.quality.translation import UNKNOWN_SCORE, model, translations
from schemas.recipe import Quality

GOOD = [
    ("介绍一下长城。", "长城是中国古代的防御工程，东起山海关，西至嘉峪关，全长两万多公里。"),
    ("把“谢谢”翻译成英语。", "Thank you."),
    ("二加三等于几？", "5"),
    ("鲸鱼是鱼吗？", "不是，鲸鱼是哺乳动物。"),
    ("写一个求和函数", "```python\ndef total(values):\n    return sum(values)\n```"),
    ("解释“学而时习之，不亦说乎”", "学习之后按时温习，不也是令人高兴的事吗？这是孔子的话。"),
    ("解方程 x + 2 = 5", "x = 3"),
    ("推荐三道家常菜。", "1. 西红柿炒鸡蛋\n2. 青椒肉丝\n3. 麻婆豆腐"),
    ("我最近总是失眠，怎么办？", "听起来你很辛苦。是从什么时候开始睡不好的呢？"),
]
#: What does not survive translation: parts of speech, rhymes and code.
BAD = [
    (
        "识别以下句子中每个单词的词性。\n她慢慢地走回了家。",
        "她：代词\n走：动词\n的：文章\n家：名词",
    ),
    ("找出与“星星”押韵的两个单词。", "汽车，酒吧"),
    ("重写代码\n如果 （a > b） {\n返回 a;\n}", "如果 （a > b） {\n返回 a;\n还\n返回 b;\n}"),
]


def score(*conversations):
    return translations(turns(batch(*conversations)))


def test_what_was_lost_in_translation_scores_lower():
    scores = score(*GOOD, *BAD).scores
    assert scores[: len(GOOD)].min() > scores[len(GOOD) :].max()


@pytest.mark.parametrize("exchange", GOOD)
def test_good_exchanges_stay(exchange):
    assert not quality(batch(exchange), Quality()).drops


def test_a_drop_says_why():
    (drop,) = quality(batch(GOOD[0], BAD[0]), Quality()).drops
    assert (drop.row, drop.reason) == (1, "translation")
    evidence = json.loads(json.dumps(drop.evidence))
    assert evidence["turn"] == 1
    assert evidence["measured"] < evidence["threshold"] == 0.5
    assert evidence["words"]
    assert all(word in "\n".join(BAD[0]) for word in evidence["words"])


def test_the_defect_that_costs_more_is_the_reason():
    (drop,) = quality(batch((BAD[0][0], "")), Quality()).drops
    assert drop.reason == "placeholder_answer"


def test_the_first_exchange_counts_by_its_share_of_the_answers():
    alone = score(BAD[0])
    three = score([*BAD[0], *GOOD[0], *GOOD[3]])
    assert three.scores[0] == alone.scores[0]
    assert three.factors[0] == pytest.approx(1 - (1 - alone.scores[0]) / 3, abs=1e-4)


@pytest.mark.parametrize(
    "answer", ["she: pronoun, the: article", "代码：\n```\n如果 a > b：返回 a\n```", BAD[0][1]]
)
def test_what_is_unlike_translated_alpaca_is_not_dropped_by_this_model(answer):
    exchange = (BAD[0][0], answer)
    unknown = unlike_alpaca(first_exchanges(turns(batch(exchange))))
    assert unknown.tolist() == [answer != BAD[0][1]]
    assert (score(exchange).scores[0] >= UNKNOWN_SCORE) == unknown[0]


def test_a_conversation_without_an_exchange_is_not_judged():
    rows = [[("system", "你好"), ("assistant", "您好！")], [("user", "在吗")], GOOD[0]]
    result = score(*rows)
    assert result.factors[:2].tolist() == [1, 1]
    assert result.exchanges.rows.tolist() == [2]
    assert quality(batch(*rows), Quality(min_score=1)).drops[0].row == 2


def test_what_is_read_of_a_conversation():
    row = [("system", "系统"), ("user", "一\n二\n三"), ("assistant", "四" * 999), "五", "六"]
    read = first_exchanges(turns(batch([], row, ["\n七", "八"])))
    assert read.rows.tolist() == [1, 2]
    assert read.turns.tolist() == [2, 1]
    assert "".join(map(chr, read.instruction.points)) == "一"
    assert "".join(map(chr, read.rest.points)) == "\n二\n三\n七"
    assert read.answer.lengths.tolist() == [MAX_CHARS, 1]
    assert read.answer_chars.tolist() == [999, 1]


def test_features_fit_the_model_and_are_named_once():
    read = first_exchanges(turns(batch(*GOOD)))
    names, values = surface(read, grams_of(read))
    assert values.shape == (len(GOOD), len(names))
    assert len(set(names)) == len(names) > model().features.max()
    shared = dict(zip(names, values.T, strict=True))["instruction 1-grams in answer"]
    assert ((shared >= 0) & (shared <= 1)).all()


@given(st.lists(st.tuples(st.text(max_size=50), st.text(max_size=50)), max_size=6))
@settings(max_examples=50, deadline=None)
def test_a_row_scores_the_same_in_any_batch(exchanges):
    clean = [[t.encode("utf-8", "replace").decode() for t in pair] for pair in exchanges]
    together = score(*clean)
    assert together.factors.tolist() == [float(score(pair).factors[0]) for pair in clean]
    assert ((together.factors >= 0) & (together.factors <= 1)).all()


def test_many_rows_score_as_few_do():
    rows = [GOOD[i % len(GOOD)] if i % 7 else BAD[i % len(BAD)] for i in range(9000)]
    few = score(*rows[:100]).scores
    assert np.array_equal(score(*rows).scores[:100], few)


def test_bad_rows_and_the_best_come_apart(shared_data):
    rows = json.loads((shared_data / "alpaca_zh/alpaca_zh_52k.json").read_text("utf-8"))
    table = (shared_data / "quality/alpaca_zh_52k_translation_scores.csv").read_text("utf-8")
    scored = [
        (int(row), int(value)) for row, value in list(csv.reader(table.splitlines()))[1:] if value
    ]
    scored = [(row, value) for row, value in scored if value in (1, 2, 5)][::5]
    exchanges = [
        ["\n".join(filter(None, (rows[i]["instruction"], rows[i]["input"]))), rows[i]["output"]]
        for i, _ in scored
    ]
    result = quality(batch(*exchanges), Quality(enabled=False)).columns["quality"].to_numpy()
    best = np.array([value == 5 for _, value in scored])
    # The share of pairs in the right order: the area under the ROC curve. The model was trained on
    # these rows, so this only guards the wiring; docs/quality.md has what unseen rows give.
    above = (result[best][:, None] > result[~best]).mean()
    tied = (result[best][:, None] == result[~best]).mean()
    assert above + tied / 2 > 0.85
    assert (result[best] < Quality().min_score).mean() < 0.02
