import json
from collections import Counter

import pyarrow as pa
import pytest
from batches import batch_of as batch
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.stages.quality import PENALTIES, quality, score
from curation.stages.quality.rules import DEFECTS, WEAKNESSES
from schemas.recipe import Quality


def reasons(*conversations, **config):
    result = quality(batch(*conversations), Quality(**config))
    return {drop.row: drop.reason for drop in result.drops}


def rules(prompt, answer):
    return {finding.rule for finding in score(batch([prompt, answer]))[1]}


LONG = "水是生命之源，也是一切生产活动的基础，我们应当珍惜每一滴水。"
STORY = "".join(f"第{c}天，{LONG}村里的人{c * 3}起来去看那条河。" for c in "一二三四五六七")
LOOP = "我们需要更多的时间来思考这个问题，"

LEGITIMATE = [
    ("二加二等于几？", "4"),
    ("鲸鱼是哺乳动物吗？", "是"),
    ("把“谢谢”翻译成英语。", "Thank you."),
    ("这两组数据有没有共同元素？", "没有。"),
    ("相关性类型是正、负还是无？", "无"),
    ("Python 中表示空值的关键字是什么？", "None"),
    ("这段程序运行后的输出是什么？", "无输出"),
    ("填入正确的比较符号：3 __ 5", "<"),
    ("这句话末尾该用什么标点？", "？"),
    ("用摩尔斯电码写 SOS", "... --- ..."),
    ("选一个表情", "😆"),
    ("改正语法错误：他昨天去了学校。", "他昨天去了学校。"),
    ("请原样重复下面的话：今天天气很好啊", "今天天气很好啊"),
    ("哪句更有力？\n甲：我们是最好的。\n乙：我们最值得信赖。", "乙：我们最值得信赖。"),
    ("列出二十种水果", "\n".join(f"{i}. 水果{chr(0x4E00 + i)}" for i in range(1, 21))),
    ("写一段代码", "```python\n" + "print('hello, world')\n" * 10 + "```"),
    ("做一个空表格", "| 姓名 | 年龄 |\n|---|---|\n" + "|   |   |\n" * 12),
    ("写出 2 的乘法表", "\n".join(f"2 x {i} = {2 * i}" for i in range(1, 30))),
    ("写一首歌", "".join(f"我走过{c}天的山川与河流\n让我们歌唱\n" for c in "春夏秋冬")),
    ("笑一个", "哈哈哈哈哈"),
    ("画一条线", "-" * 300),
    ("10 的 100 次方是多少？", "1" + "0" * 100),
    ("写一段用户和助手的对话", "用户：你好\n助手：你好，有什么事？\n用户：没事。"),
    ("写一个谜语", "什么东西有两个面？\n答：硬币。"),
    ("描述这张照片。\n[插入照片]", "抱歉，我无法看到照片。"),
    ("写一段 HTML，显示 https://example.org/bird.jpg", "<img src='https://example.org/bird.jpg'>"),
    ("写一封邀请信的模板", "尊敬的[姓名]：\n\n诚邀您于[日期]光临。"),
    ("网页提示网络错误怎么办？", "出现“网络错误”时，先检查网线，再重新加载页面。"),
    ("怎样继续学习？", "每天坚持读书。"),
    ("讲讲水", LONG + "祝你愉快��"),
    ("什么东西烫手？", "刚出锅的包子很烫，铁锅也烫。"),
    ("法语的咖啡怎么写？", "café，复数是 cafés。"),
]  # fmt: skip

DEFECTIVE = [
    ("设计一个徽标", "", "placeholder_answer"),
    ("设计一个徽标", "\u200b", "placeholder_answer"),
    ("设计一个徽标", "<nooutput>", "placeholder_answer"),
    ("设计一个徽标", "&lt;无输出&gt;", "placeholder_answer"),
    ("设计一个徽标", "<nooutput> - 语言模型不能画图。", "placeholder_answer"),
    ("设计一个徽标", "无输出", "placeholder_answer"),
    ("设计一个排序算法。", "N/A", "placeholder_answer"),
    ("写一首关于春天的诗", "……", "placeholder_answer"),
    ("", "你好！有什么可以帮您？", "placeholder_prompt"),
    ("<noinput>", "请提供更多内容。", "placeholder_prompt"),
    ("用被动语态改写：\n他写了一封很长的信。", "他写了一封很长的信。", "echo"),
    ("把这句话翻译成法语：“我们一起吃晚饭吧！”", "我们一起吃晚饭吧", "echo"),
    ("制定一个界面设计计划。", "制定一个界面设计计划。", "echo"),
    ("说说时间", LONG + LOOP * 20, "repetition"),
    ("列出建议", "".join(f"{i}. 多喝热水并且早点休息。\n" for i in range(1, 15)), "repetition"),
    ("笑一个", "哈" * 500, "repetition"),
    ("为什么？", "我也不知道" + "！" * 300, "repetition"),
    ("讲讲水", "\n".join([LONG + str(i) for i in range(3)] + [LONG] * 9), "repetition"),
    ("讲个故事", STORY * 4, "repetition"),
    ("讲讲水", LONG + "\nHuman: 再讲讲火\nAssistant: 火很热。", "role_leak"),
    ("讲讲水", LONG + "\n### Instruction:\n再讲讲火", "role_leak"),
    ("讲讲水", LONG + "\n6. 说明：讲讲火\n6. 输入：\n\n6. 输出：\n火很热。", "role_leak"),
    ("描述这张照片。\n[插入照片]", "照片里有一座桥和一条河。", "attachment"),
    ("识别这只鸟。\nhttps://example.org/bird.jpg", "这是一只麻雀。", "attachment"),
    ("设计一个流程图", "请参阅随附的流程图。", "attachment"),
    ("设计一个流程图", "[流程图]", "placeholder_answer"),
    ("讲讲水", "Something went wrong. If this issue persists please contact us.", "interface_text"),
    ("讲讲水", LONG + "\n网络错误", "interface_text"),
    ("继续", LONG, "no_context"),
    ("please continue", LONG, "no_context"),
    ("把“他昨天写了一封信”改为将来时。", "他昨天写了一封信。", "echo"),
    ("打个招呼", "锟斤拷锟斤拷你好", "garbled"),
    ("打个招呼", "嘟嘟��", "garbled"),
    ("打个招呼", "烫烫烫烫烫烫", "garbled"),
    ("打个招呼", "cafÃ© crÃ¨me", "garbled"),
    ("打个招呼", "你好吗，我很好。".encode().decode("gbk", "replace"), "garbled"),
]


@pytest.mark.parametrize(("prompt", "answer"), LEGITIMATE)
def test_legitimate_exchanges_stay(prompt, answer):
    assert not rules(prompt, answer) & set(DEFECTS)
    assert set(reasons([prompt, answer]).values()) <= {"translation"}  # not a rule: the model


@pytest.mark.parametrize(("prompt", "answer", "rule"), DEFECTIVE)
def test_defective_exchanges_leave_under_their_reason(prompt, answer, rule):
    assert reasons([prompt, answer]) == {0: rule}


CUT = (
    "".join(f"{i}年{LONG}" for i in range(8))
    + "所以如果每个人都从自己做起那么我们就一定能够看到更加清澈的"
)
CODE = "可以这样写，先打印一行文字，再打印另一行：\n```python\nprint('你好')\nprint('再见')"
ADVICE = "我理解你的感受，压力大的时候谁都会这样，你并不孤单。以下是我的几点建议，希望可以帮到你："


@pytest.mark.parametrize(
    ("prompt", "answer", "rule"),
    [
        ("画一幅画", "抱歉，我无法绘制图像。", "refusal"),
        ("你喜欢什么？", "作为一个人工智能语言模型，我没有个人喜好。", "refusal"),
        ("讲讲水", CUT, "truncated"),
        ("我压力很大，怎么办？", ADVICE, "truncated"),
        ("怎么办？", ADVICE[:-18] + "试着早点休息，多和朋友们聊聊天，", "truncated"),
        ("写一段代码", CODE, "truncated"),
        ("一加一？", "2", "too_short"),
        ("给以下文章写一个标题。\n" + LONG, "请提供您要写标题的文章。", "ignored_input"),
        (
            "介绍一下林肯。",
            "他是总统。 He was elected in the year 1860 and led the country.",
            "untranslated",
        ),
        ("评价这首曲子。", "作为一个AI语言模型，我认为它很动听。" + LONG, "boilerplate"),
    ],
)  # fmt: skip
def test_weaknesses_are_found_and_keep_the_row(prompt, answer, rule):
    assert rule in rules(prompt, answer)
    assert set(reasons([prompt, answer]).values()) <= {"translation"}


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        ("给以下文章写一个标题。", "请提供您要写标题的文章。"),
        (
            "做一张表单",
            "1. 姓名：\n2. 电话：\n3. 您还有什么想对我们说的意见：\n4. 您从哪里听说我们的活动的：",
        ),
        ("写一封道歉信", LONG + "我会改正。\n\n真挚地，"),
        (
            "推荐一首英文歌",
            "推荐你听这首歌，歌里唱道“the road is long and you are not alone in it”，很温暖。",
        ),
        (
            "写一个例子",
            "```python\nprint('你好，世界，今天的天气真是非常好啊')\n```\n这样就可以了。" + LONG,
        ),
    ],
)  # fmt: skip
def test_what_is_no_weakness(prompt, answer):
    assert not rules(prompt, answer)


def test_a_weakness_weighs_by_its_share_of_the_answers():
    scores, _ = score(batch(["画", "抱歉，我无法绘制图像。", "那写一句", "山高水长，来日方长。"]))
    assert scores[0] == pytest.approx(1 - WEAKNESSES["refusal"] / 2)


def test_a_lone_question_mark_is_a_question_later_on():
    assert reasons(["讲讲水", LONG, "？", "水很重要。"]) == {}
    assert reasons(["？", LONG]) == {0: "placeholder_prompt"}


def wrong(prompt, answer, languages):
    row = batch([prompt, answer], message_languages=[languages])
    return "wrong_language" in {finding.rule for finding in score(row)[1]}


ENGLISH = "The president is elected by the people for a term of four years in November."


def test_an_answer_in_a_language_nobody_asked_for():
    assert wrong("总统是怎样产生的？", ENGLISH, ["zh", "en"])
    assert wrong("总统是怎样产生的？", "대통령은 국민이 뽑는다. " * 6, ["zh", "ko"])
    assert not wrong("总统是怎样产生的？请用英语回答。", ENGLISH, ["zh", "en"])
    assert not wrong("把下面的话译成英文：总统由人民选举。", ENGLISH, ["zh", "en"])
    assert not wrong("总统是怎样产生的？", LONG, ["zh", "zh"])
    assert not wrong(
        "起五个品牌名", "Radiant Sun, Green Leaf, Happy Moon, Blue Ocean, Red", ["zh", "en"]
    )
    assert "wrong_language" not in rules("总统是怎样产生的？", ENGLISH)  # no column


def test_an_answer_that_asks_what_to_go_on_with():
    assert reasons(["讲讲水", LONG, "继续", "请问您想让我继续什么？"]) == {0: "no_context"}
    assert reasons(["讲讲水", LONG, "继续", "水还可以用来发电。"]) == {}


def test_penalties_and_the_default_minimum_fit_together():
    default = Quality().min_score
    assert all(1 - penalty < default for penalty in DEFECTS.values())
    together = 1.0
    for penalty in WEAKNESSES.values():
        together *= 1 - penalty
    assert together >= default
    assert len(set(PENALTIES.values())) == len(PENALTIES)


def test_length_limits_hold_whatever_the_score():
    rows = [["问", "答" * 11], ["问" * 6, "答" * 6], ["问", "答题"]]
    limits = {"max_chars": 11, "max_message_chars": 10, "min_score": 0.0}
    assert reasons(*rows, **limits) == {0: "too_long", 1: "too_long"}
    assert reasons(*rows, **limits | {"max_chars": 100}) == {0: "message_too_long"}


def test_drops_come_in_row_order_with_evidence_that_fits_in_json():
    rows = [["写诗", ""], ["问", "好的答案。"], ["问", "答" * 99], ["写诗", LOOP * 30]]
    result = quality(batch(*rows), Quality(max_message_chars=90))
    assert [drop.row for drop in result.drops] == [0, 2, 3]
    for drop in result.drops:
        evidence = json.loads(json.dumps(drop.evidence))
        assert {"rule", "measured", "threshold"} <= set(evidence)


def test_disabled_it_scores_and_drops_nothing():
    rows = batch(["写诗", ""], ["问", "好的答案。"])
    on, off = quality(rows, Quality()), quality(rows, Quality(enabled=False, max_chars=1))
    assert off.drops == ()
    assert on.columns["quality"].equals(off.columns["quality"])
    assert on.columns["quality"].type == pa.float32()


def test_empty_batch_and_slices():
    rows = batch(["写诗", ""], ["问", "好的答案。"], ["写诗", "<nooutput>"])
    assert len(quality(rows.slice(0, 0), Quality()).columns["quality"]) == 0
    assert [drop.row for drop in quality(rows.slice(1), Quality()).drops] == [1]


@given(st.lists(st.lists(st.text(max_size=60), min_size=1, max_size=5), max_size=4))
@settings(max_examples=150, deadline=None)
def test_scores_stay_in_range_and_do_not_depend_on_the_batch(conversations):
    conversations = [[t.encode("utf-8", "replace").decode() for t in c] for c in conversations]
    scores, _ = score(batch(*conversations))
    assert ((scores >= 0) & (scores <= 1)).all()
    alone = [float(score(batch(texts))[0][0]) for texts in conversations]
    assert scores.tolist() == alone


@pytest.mark.parametrize("text", ["a" * 500_000, "ab" * 250_000, LOOP * 30_000, "。" * 500_000])
def test_long_answers_take_linear_time(text):
    score(batch(["问", text]))  # a quadratic rule would take hours


def test_real_rows_with_the_best_translation_score_stay(shared_data):
    rows = json.loads((shared_data / "alpaca_zh/alpaca_zh_52k.json").read_text("utf-8"))
    table = (shared_data / "quality/alpaca_zh_52k_translation_scores.csv").read_text("utf-8")
    pairs = (line.split(",") for line in table.splitlines()[1:])
    best = [int(row) for row, value in pairs if value == "5"]
    conversations = []
    for row in best:
        prompt = "\n".join(filter(None, (rows[row]["instruction"], rows[row]["input"])))
        conversations.append([prompt, rows[row]["output"]])
    dropped = reasons(*conversations)
    by_rules = [reason for reason in dropped.values() if reason != "translation"]
    assert len(by_rules) < 0.008 * len(best), Counter(by_rules)
    assert len(dropped) < 0.02 * len(best), Counter(dropped.values())


@pytest.mark.parametrize(
    ("answer", "rule"),
    [
        ("ä½ å¥½ï¼Œæˆ‘æ˜¯ä¸€ä¸ªåŠ©æ‰‹", "garbled"),
        ("Le café” est fermé… à côté—non", None),
        ("Ça va très bien, merci à vous.", None),
        ("[在此处插入诗歌]", "placeholder_answer"),
        ("【请填写姓名】", "placeholder_answer"),
        ("无", "placeholder_answer"),
    ],
)
def test_wrecks_and_templates(answer, rule):
    result = quality(batch(["如何写一首关于春天的诗？", answer]), Quality())
    assert [drop.reason for drop in result.drops] == ([rule] if rule else [])
