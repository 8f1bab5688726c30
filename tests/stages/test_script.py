"""Traditional to Simplified conversion."""

import json
from time import process_time

import pyarrow as pa
import pytest
from batches import batch_of
from hypothesis import given
from hypothesis import strategies as st

from curation.stages.script import script, to_simplified
from curation.text import hanzi, scripts
from schemas.recipe import Script


def converted(text, config="t2s"):
    result = script(batch_of([text, "好"]), Script(config=config))
    return result.columns["messages"][0][0]["content"].as_py()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("這個軟體很好用，我們都喜歡。", "这个软体很好用，我们都喜欢。"),
        ("我想瞭解於此", "我想了解于此"),
        ("他是乾隆年間的著名學者", "他是乾隆年间的著名学者"),
        (
            "請看 `變數` 和 https://example.org/a 的說明",
            "请看 `變數` 和 https://example.org/a 的说明",
        ),
        ("說明：\n```\nx = '變數'\n```\n結束", "说明：\n```\nx = '變數'\n```\n结束"),
        ("這句是繁體。这句是简体，没有别的。", "这句是繁体。这句是简体，没有别的。"),
        ("図書館で本を読んだ。這是中文。", "図書館で本を読んだ。这是中文。"),
        ("面積僅次於倫敦", "面积仅次于伦敦"),
        ("乾縣人魏徵與畢昇、樊於期", "乾县人魏徵与毕昇、樊於期"),
        ("見https://a.org/wiki/臺灣，說得很清楚", "见https://a.org/wiki/臺灣，说得很清楚"),
        ("「ありがとう」是什麼意思？", "「ありがとう」是什么意思？"),
        ("這是動畫「もののけ姫」與《風の谷》。", "这是动画「もののけ姫」与《風の谷》。"),
        ("日本人所謂「図書館」，就是圖書館。", "日本人所谓「図書館」，就是图书馆。"),
        ("我們學日語「電車」這個詞", "我们学日语「電車」这个词"),
        ("東京（日語：東京都）是個城市", "东京（日語：東京都）是个城市"),
        ("這家店叫鮮の每日。後來關門了。", "這家店叫鮮の每日。后来关门了。"),
        ("我們學日文、《電車》裡的", "我们学日文、《电车》里的"),
        ("符號\ue000「さくら」沒有問題", "符号\ue000「さくら」没有问题"),
        ("範例：<code>變數</code>這樣", "范例：<code>變數</code>这样"),
        ("範例：\n\n    x = '臺灣'\n\n說明", "范例：\n\n    x = '臺灣'\n\n说明"),
        ("看程式：\nprint('歡迎')\n這樣說", "看程式：\nprint('歡迎')\n这样说"),
        ("請把「학교(學校)」翻譯", "请把「학교(學校)」翻译"),
        ("首爾（서울）是韓國首都，這很有名", "首尔（서울）是韩国首都，这很有名"),
        ("他叫張偉，住在北京的海淀区", "他叫张伟，住在北京的海淀区"),
        ("狸猫 狸貓 貍貓", "狸猫 狸猫 狸猫"),
        ("嗰個人講嘢", "嗰个人讲嘢"),
        ("請解釋「無駄な時間」的意思", "请解释「無駄な時間」的意思"),
        ("He said 機器學習 and left.", "He said 机器学习 and left."),
    ],
)
def test_traditional_text_is_converted(text, expected):
    assert converted(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "他是著名作家，著作很多，乾隆年间人。",
        "在简体字里，“龍”写作“龙”。",
        "東京の図書館で本を読みました。",
        "学校へ行く。東京電車。",
        "東京都「さくら」電車",
        "東京電力、原発再稼働",
        "営業時間変更",
        "我在程序里设置了一个变量，打印出来看看。",
        "你好",
        "Hello, world",
        "大韓民國의 主權은 國民에게 있고, 權力은 國民으로부터 나온다.",
        "한자 '漢字'는 중국에서 왔다. 國會圖書館",
        "引受基準緩和型保険",
        "営業時間：９時〜１８時 定休日：日曜",
        "def 計算(x):\n    print('歡迎')\n    return x",
        "SELECT 姓名 FROM 員工 WHERE 職稱 = '經理';",
        '{"姓名": "陳大文"}',
        "`變數`",
        "",
    ],
)
def test_other_text_is_left_alone(text):
    batch = batch_of([text, "好的"])
    result = script(batch, Script())
    assert not result.edits
    assert result.columns["messages"].equals(batch.column("messages"))


@pytest.mark.parametrize(
    ("request_", "stays"),
    [
        ("Please answer in Traditional Chinese", True),
        ("Translate into Chinese (Traditional)", True),
        ("zh-TW please", True),
        ("请回覆繁體中文", True),
        ("给我繁体版", True),
        ("帮我翻成繁中", True),
        ("简转繁：你好", True),
        ("不要用繁体字", False),
        ("用簡體寫，別用繁體", False),
        ("把繁体转换成简体", False),
        ("Convert from zh-TW to zh-CN", False),
        ("Women in traditional clothes", False),
    ],
)
def test_who_asks_for_traditional_gets_it(request_, stays):
    result = script(batch_of([request_, "這是結果"]), Script())
    answer = result.columns["messages"][0][1]["content"].as_py()
    assert answer == ("這是結果" if stays else "这是结果")


def test_config_is_used():
    assert converted("這個軟體", "tw2sp") == "这个软件"


def test_edits_and_scripts():
    batch = batch_of(
        ["你好吗？", "我很好。"],
        ["請問這是什麼？", "这是简体。", "謝謝你的說明", "好"],
        ["请把“机器学习”转换成繁体", "機器學習"],
        ["What is this?", "It is nothing at all."],
        ["これは何ですか", "本です"],
        ["이것은 무엇입니까", "책입니다"],
        ["Что это такое?", "Это книга"],
        ["1+1=", "2"],
    )
    result = script(batch, Script())
    assert [(e.row, e.turn, e.rules, e.before, e.after) for e in result.edits] == [
        (1, 0, ("traditional_to_simplified",), "請問這是什麼？", "请问这是什么？"),
        (1, 2, ("traditional_to_simplified",), "謝謝你的說明", "谢谢你的说明"),
    ]
    foreign = ["Latn", "Jpan", "Kore", "Cyrl", "Zyyy"]
    assert result.columns["script_before"].to_pylist() == ["Hans", "mixed", "mixed", *foreign]
    assert result.columns["script"].to_pylist() == ["Hans", "Hans", "mixed", *foreign]
    assert result.columns["message_scripts"].to_pylist()[:3] == [
        ["Hans", "Hans"],
        ["Hans", "Hans", "Hans", "Hans"],
        ["Hans", "Hant"],
    ]
    assert result.columns["messages"][1][3]["content"].as_py() == "好"
    assert not result.drops


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("Hans", "我们说中文"),
        ("Hans", "请看 `變數` 和 https://a.org/wiki/臺灣"),
        ("Hans", "「ありがとう」是什么意思？"),
        ("mixed", "这个學業成績"),
        ("Jpan", "東京の電車"),
        ("Jpan", "営業時間変更"),
        ("Jpan", "「ありがとう」"),
        ("Kore", "한국어"),
        ("Latn", "Hello"),
        ("Zyyy", "1+1=2"),
    ],
)
def test_message_scripts(code, text):
    result = script(batch_of([text, "好"]), Script())
    assert result.columns["message_scripts"].to_pylist() == [[code, "Hans"]]


@pytest.mark.parametrize(
    "unit", ["「", "《「", "“a", "日文", "（日語：", "這。", "這a「の」", "\ue000"]
)
def test_linear_time(unit):
    batch = batch_of(["這" + unit * (1_000_000 // len(unit)), "好"])
    before = process_time()
    script(batch, Script())
    assert process_time() - before < 5


pieces = st.sampled_from(
    [
        "這是",
        "这是",
        "「",
        "」",
        "日語",
        "図",
        "\ue000",
        "瞭解",
        "の",
        "。",
        "\n",
        "`變`",
        "word ",
        "東京",
        "的",
        "1",
    ]
)


@given(st.lists(st.lists(st.lists(pieces).map("".join), max_size=3), max_size=4))
def test_edits_account_for_every_change(conversations):
    batch = batch_of(*conversations)
    result = script(batch, Script())
    messages = batch.column("messages").to_pylist()
    for edit in result.edits:
        message = messages[edit.row][edit.turn]
        assert message["content"] == edit.before != edit.after
        message["content"] = edit.after
    assert messages == result.columns["messages"].to_pylist()


def test_evidence_spares_what_both_scripts_write():
    traditional = set(map(chr, hanzi.traditional()))
    simplified = set(map(chr, hanzi.simplified()))
    assert {"這", "們", "學"} <= traditional
    assert {"这", "们", "学"} <= simplified
    assert not traditional & simplified
    assert not set("著乾徵於瞭里后面台只") & (traditional | simplified)


def test_opencc_cases(shared_data):
    path = shared_data / "script" / "opencc_testcases.json"
    cases = json.loads(path.read_text(encoding="utf-8"))["cases"]
    simplifying = [
        (case["input"], config, expected)
        for case in cases
        for config, expected in case["expected"].items()
        if config in ("t2s", "tw2s", "tw2sp", "hk2s", "hk2sp")
    ]
    assert len(simplifying) > 100
    assert all(to_simplified(text, config) == expected for text, config, expected in simplifying)


def test_real_traditional_paragraphs_become_simplified(shared_data):
    path = shared_data / "script" / "drcd_dev_traditional.json"
    articles = json.loads(path.read_text(encoding="utf-8"))["data"]
    contexts = [p["context"] for article in articles for p in article["paragraphs"]]
    result = script(batch_of(*([text] for text in contexts)), Script())
    after = pa.array([turns[0]["content"] for turns in result.columns["messages"].to_pylist()])
    left = scripts.count(after)[:, scripts.Kind.TRADITIONAL] > 0
    assert left.mean() <= 0.001


def test_real_japanese_is_left_alone(shared_data):
    lines = (shared_data / "langid" / "ja.txt").read_text(encoding="utf-8").split("\n")
    assert not script(batch_of(*([line] for line in lines)), Script()).edits


def test_real_simplified_rows_are_left_alone(shared_data):
    rows = []
    for part in ("00", "01"):
        path = shared_data / "alpaca_gpt4_zh" / f"zh-data-part-{part}.json"
        rows += json.loads(path.read_text(encoding="utf-8"))
    batch = batch_of(*([r["instruction"], r["output"]] for r in rows))
    result = script(batch, Script())
    changed = {edit.row for edit in result.edits}
    simplified = [row for row in changed if result.columns["script_before"][row].as_py() != "Hant"]
    assert len(simplified) * 10_000 <= len(rows)
