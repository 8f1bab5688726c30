"""The language of conversations."""

import json
from time import process_time

import pyarrow as pa
import pytest
from batches import batch_of
from hypothesis import given
from hypothesis import strategies as st

from curation.stages.language import language
from schemas.recipe import Language

FOX = "The quick brown fox jumps over the lazy dog, and nobody minds. " * 20


def decided(*conversation):
    return language(batch_of(conversation), Language()).columns["language"][0].as_py()


@pytest.mark.parametrize(
    ("code", "conversation"),
    [
        ("zh", ["把“我今天很高兴”翻译成英文", "I am very happy today."]),
        ("zh", ["What is the capital of France?", "法国的首都是巴黎。"]),
        ("zh", [f"请把下面的文章改写得更短：\n\n{FOX}", "A fox jumped over a dog."]),
        ("zh", [f"{FOX}\n\n请翻译成法语", "Le renard saute par-dessus le chien paresseux."]),
        ("zh", [f"翻譯成法文: {FOX}", "Le renard saute par-dessus le chien paresseux."]),
        ("zh", ["翻译成英文：こんにちは、お元気ですか", "Hello, how are you?"]),
        ("zh", ["“ありがとう”是什么意思", "Thank you"]),
        ("zh", ["写一个打印函数", "```python\nprint('hello')\n```"]),
        ("zh", ["写一个打印函数", "def f():\n    print('hello')"]),
        ("und", ["def f(x):\n    return x", "def g(x):\n    return x + 1"]),
        ("zh", ["一加一等于几？", "2"]),
        ("zh", ["写一首诗", "床前明月光", "continue", "疑是地上霜", "go on", "举头望明月"]),
        ("en", ["What is your name?", "My name is John, nice to meet you."]),
        ("en", ['How do you say "谢谢" in Japanese?', "You say “ありがとう”."]),
        ("en", ["Thank you for your help with this!", "42"]),
        ("ja", ["東京の天気はどうですか。", "今日は晴れです。"]),
        ("ja", ["質問：首都はどこ\n東京都千代田区", "東京です。"]),
        ("ko", ["안녕하세요, 잘 지내세요?", "네, 잘 지내요."]),
        ("yue", ["你食咗飯未呀？", "食咗喇，多謝晒。"]),
        ("zh", ["1+1=", "“すみません”在日语中表示道歉"]),
        ("zh", ["1+1=", "写一段日语：私は学生です。"]),
        ("ja", ["1+1=", "「你好」は中国語でこんにちはの意味です。他の言葉もある。"]),
        ("und", ["1+1=", "2"]),
        ("und", [("system", "用中文回答"), ("user", "1+1="), ("assistant", "2")]),
    ],
)
def test_conversations(code, conversation):
    assert decided(*conversation) == code


def test_columns_drops_and_evidence():
    batch = batch_of(["你好吗", "我很好"], ["How are you?", "Very well, thanks"], ["1+1=", "2"])
    result = language(batch, Language())
    assert result.columns["language"].to_pylist() == ["zh", "en", "und"]
    assert result.columns["message_languages"].to_pylist() == [
        ["zh", "zh"],
        ["en", "en"],
        ["und", "und"],
    ]
    assert [(drop.row, drop.reason) for drop in result.drops] == [(1, "language")]
    assert result.drops[0].evidence == {"language": "en", "user": "en", "assistant": "en"}


def test_code_has_a_label_of_its_own_and_stays():
    code = "def f(x):\n    return x"
    result = language(batch_of(["写一个函数", code], [code, code]), Language())
    assert result.columns["message_languages"].to_pylist() == [["zh", "code"], ["code", "code"]]
    assert result.columns["language"].to_pylist() == ["zh", "und"]
    assert not result.drops


@pytest.mark.parametrize(
    ("keep", "rows"), [("all", []), (["en"], [0]), (["zh", "en"], []), (["tlh"], [0, 1])]
)
def test_keep(keep, rows):
    batch = batch_of(["你好吗", "我很好"], ["How are you?", "Very well, thanks"])
    assert [drop.row for drop in language(batch, Language(keep=keep)).drops] == rows


def test_an_empty_batch():
    assert language(batch_of(), Language()).columns["language"].to_pylist() == []


texts = st.sampled_from(
    ["你好", "Hello there, friend", "こんにちは", "1", "`x`", "我哋", "", "说“hi”"]
)


@given(st.lists(st.lists(texts, max_size=4), max_size=5), st.integers(0, 5))
def test_rows_do_not_depend_on_the_batch(conversations, cut):
    batch = batch_of(*conversations)
    whole = language(batch, Language(keep="all")).columns
    parts = [language(part, Language(keep="all")).columns for part in (batch[:cut], batch[cut:])]
    for name in ("language", "message_languages"):
        assert pa.concat_arrays([part[name] for part in parts]).equals(whole[name])


def test_real_chinese_rows_stay(shared_data):
    path = shared_data / "alpaca_gpt4_zh" / "zh-data-part-00.json"
    rows = json.loads(path.read_text(encoding="utf-8"))
    batch = batch_of(*([f"{r['instruction']}\n{r.get('input') or ''}", r["output"]] for r in rows))
    result = language(batch, Language())
    assert len(result.drops) <= len(rows) // 1000


@pytest.mark.parametrize(
    "conversation",
    [
        ["请把ありがとうございます翻译成中文", "谢谢您"],
        ["請把ありがとう翻譯成英文", "Thank you"],
        ["「ありがとう」是什麼意思？", "ありがとうは感謝の言葉です。"],
        ["请你扮演我的英语老师，和我用英语对话", "Sure! Let's start.", "How are you?", "Fine!",
         "What is your name?", "My name is Amy."],
    ],
)  # fmt: skip
def test_a_chinese_request_about_or_in_another_language_stays(conversation):
    assert not language(batch_of(conversation), Language()).drops


@pytest.mark.parametrize(
    "conversation",
    [
        ["具体的に説明してください。", "はい、分かりました。"],
        ["彼の意思は固いですか？", "はい、とても固いです。"],
        ["日本の首都はどこですか", "東京です。"],
    ],
)
def test_japanese_goes(conversation):
    (drop,) = language(batch_of(conversation), Language()).drops
    assert drop.evidence["language"] == "ja"


@pytest.mark.parametrize("unit", ["“", '"', "《「", "中文a", "あ", "：", "こ。", "什"])
def test_linear_time(unit):
    batch = batch_of(["これは中文の" + unit * (1_000_000 // len(unit)), "好"])
    before = process_time()
    language(batch, Language())
    assert process_time() - before < 2
