"""Cases in which the rules of quality once dropped the right rows, or kept the wrong ones."""

import pytest
from batches import batch_of as batch

from curation.stages.quality import quality, score
from curation.stages.quality.rules import DEFECTS
from schemas.recipe import Quality

WATER = "水是生命之源，也是一切生产活动的基础，我们应当珍惜每一滴水。"
WALL = "The wall is one of the greatest wonders of the world, and it was built over many years."
SNOW = "The snow is heavy in winter, and the children are playing outside with their friends."


def rules(*texts, **columns):
    return {finding.rule for finding in score(batch(list(texts), **columns))[1]}


@pytest.mark.parametrize(
    "texts",
    [
        [("system", "Always reply in English."), ("user", "介绍一下长城"), ("assistant", WALL)],
        [("system", "始终用英文回答。"), ("user", "介绍一下长城"), ("assistant", WALL)],
        ["以后请都用英文回答我", "好的。", "介绍一下长城", WALL],
        ["把这句翻译成英文：天冷", "It is cold.", "那这句呢：冬天雪大，孩子们在外面玩", SNOW],
        ["Write about winter.", SNOW, "继续", WALL],
        ["美国国歌的第一段是什么？", WALL],
        ["这个词用日语怎么说", WALL],
        ["用英文写一首诗", WALL],
        ["写一个函数计算面积", WALL],
        ["什么是递归", "```\n" + WALL + "\n```"],
        ["莎士比亚最著名的独白开头是什么", WALL],
    ],
)
def test_another_language_may_be_wished_for_anywhere(texts):
    flat = [text if isinstance(text, str) else text[1] for text in texts]
    codes = ["en" if text.isascii() else "zh" for text in flat]
    assert "wrong_language" not in rules(*texts, message_languages=[codes])


def test_the_first_answer_in_another_language_is_found():
    codes = ["zh", "zh", "zh", "en", "zh", "en"]
    row = batch(["讲讲水", WATER, "讲讲墙", WALL, "讲讲雪", SNOW], message_languages=[codes])
    found = [finding.turn for finding in score(row)[1] if finding.rule == "wrong_language"]
    assert found == [3]


@pytest.mark.parametrize(
    "prompt",
    ["日常生活中怎样节约用水", "什么是道德", "英雄是什么意思", "怎样合法避税", "印度的首都是哪里",
     "法律对劳动合同有什么规定", "处理邮件太多怎么办", "什么是函数", "歌剧的历史", "写一首诗",
     "写一份演讲稿", "今日文章的主题", "合法文件有哪些", "什么是算法"],
)  # fmt: skip
def test_a_common_character_is_no_wish_for_another_language(prompt):
    assert "wrong_language" in rules(prompt, WALL, message_languages=[["zh", "en"]])


@pytest.mark.parametrize("prompt", ["生活中什么最重要", "怎样面对他人的评价"])
def test_an_english_sentence_in_an_answer_about_life_is_untranslated(prompt):
    assert "untranslated" in rules(prompt, "送你一句：" + WALL + WATER)


def test_damage_that_its_answer_explains_was_asked_about():
    assert "garbled" not in rules("网页上全是锟斤拷", "这是转换编码时产生的乱码。")
    assert "garbled" in rules("网页上全是锟斤拷", WATER)
    assert "garbled" in rules(("user", "网页上全是锟斤拷"))


STAYS = [
    # steps of a program, logs and headers are no turns
    ("怎样计算BMI", "计算BMI分三步：\n1. 输入：身高和体重\n2. 计算：相除\n3. 输出：BMI值"),
    ("什么是IPO模型？", "它包括：\n1、输入：接收数据。\n2、处理：加工数据。\n3、输出：给出结果。"),
    ("登录日志怎么看", "日志如下：\n用户: zhangsan\n时间: 10:00\n操作: 登录"),
    ("人类学的研究对象是什么", "它研究以下内容：\n人类：包括体质和文化。\n社会：包括制度。"),
    ("HTTP请求头怎么写", "GET / HTTP/1.1\nUser: admin\nHost: a.com"),
    ("怎么指定数据库账号", "如下：\n\n```\nuser: bot\nassistant: none\n```\n保存后重启。"),
    # one mark can be the answer
    ("C语言预处理指令以什么开头？", "#"),
    ("SQL里匹配所有列用什么？", "*"),
    ("Linux根目录怎么表示？", "/"),
    ("Linux主目录怎么表示？", "~"),
    ("正则里表示零次或一次的是？", "?"),
    ("填空：3 __ 4 = 7", "+"),
    ("数学中表示减法的是哪个？", "-"),
    ("生成一个表示空值的JSON值", "null"),
    ("编译下面的代码会显示什么？", "没有输出，因为编译只生成文件，任务没有运行。"),
    # courtesies, and echoes that were asked for
    ("新年快乐，恭喜发财", "新年快乐，恭喜发财！"),
    ("晚安，做个好梦", "晚安，做个好梦！"),
    ("你好，很高兴认识你", "你好，很高兴认识你！"),
    ("翻译成简体中文：我今天上山去看日出", "我今天上山去看日出"),
    ("把这个链接改为https：https://example.com/abc", "https://example.com/abc"),
    ("改成主动语态：杰克买了一辆新车。", "杰克买了一辆新车。"),
    # loops, pictures, notices and wrecks that were asked for
    ("把“我爱你”写十遍。", "我爱你。" * 10),
    ("请将“我以后不再迟到”抄写二十遍", "我以后不再迟到。\n" * 20),
    ("把同一个句子重复100次：今天天气很好", "今天天气很好。" * 100),
    ("把“水果”写二十遍", "水果" * 20),
    ("模仿时钟的声音", "滴答" * 12),
    ("今天真开心", "哈" * 39),
    ("给我鼓鼓劲", "加油！" * 5),
    ("在README里怎么加图", "写：\n\n![logo](https://example.com/logo.png)\n\n即可。"),
    ("说说徽标的语法", "在开头加：\n\n```\n![logo](https://example.com/logo.png)\n```"),
    ("邻接矩阵是什么", "见下图：\n\nA-B-C\n\n矩阵为 [[0,1,0],[1,0,1],[0,1,0]]"),
    ("有这样的div：\n![...](https://e.org/a.jpg)\n怎么排序？", "用脚本：\n```js\nsort();\n```"),
    ("给这张照片写标题。\n[照片：夕阳下的海滩]", "夕阳西下，海滩静谧。"),
    ("浏览器断网时显示什么？", "```\nnetwork error\n```\n这表示请求没有发出去。"),
    ("列出常见的报错", "常见报错有：\n网络错误\n服务器繁忙\n请求超时"),
    ("“锟斤拷”是什么意思", "“锟斤拷”是转换编码时产生的乱码。"),
    ("什么是锟斤拷？", "文本转换时，旧字节被当作汉字读出，就会出现锟斤拷锟斤拷。"),
    ("解释锟斤拷问题的来历", "旧字节被当作汉字读出，就成了锟斤拷锟斤拷这样的文字。"),
    ("为什么网页上会显示锟斤拷？", "旧字节被当作汉字读出，就成了锟斤拷锟斤拷这样的文字。"),
    ("VC里的烫烫烫是怎么来的", "未初始化的栈内存按GBK解码就是“烫烫烫”。"),
    ("什么是Zalgo文字？", "它叠加许多附加符号：H" + "\u0338" * 20),
    ("锛和铇是什么工具", "锛是一种削平木料的工具，锛刃横向；锛子多用于木工。"),
    # the picture or the text is there, or not needed
    ("写一段介绍：[一只猫的照片]", "这只猫毛色雪白，神态安详。"),
    ("转换为另一种格式：\n爱好：[“阅读”、“绘画”]", "爱好：\n- 阅读\n- 绘画"),
    ("什么是占位符：[插入姓名]", "占位符先占住位置，之后换成真正的内容。"),
    ("写一封邮件提醒同事查看附件中的报告。", "各位同事：报告已发出，请大家及时查看。"),
    ("描述下面的画作。\n文森特·梵高的《星夜》", "夜空中有星星和新月，山下有一座村庄。"),
    ("为这张照片写标题。\n[一个人在树林里散步的照片]", "林间漫步"),
    ("如何压缩给定的图像？", "先缩小尺寸，再降低质量。"),
    ("建议一种给定数据集的可视化。\n[一年中每个月销售额的数据集]", "折线图很合适。"),
    ("是啊，看到这张照片，我心里很不是滋味。", "我理解你的感受，它让你想起了什么？"),
]  # fmt: skip

LEAVES = [
    ("讲讲水", WATER + "\n6. 输入：\n火\n6. 输出：\n火很热。", "role_leak"),
    ("讲讲水", WATER + "\n6. 说明：讲讲火\n6.输入：火", "role_leak"),
    ("讲讲水", WATER + "\n用户：再讲讲火\n助手：火很热。", "role_leak"),
    ("讲讲水", "<无输入>\n\n输出：\n" + WATER, "role_leak"),
    ("讲讲水", WATER + "\n- 你被要求提出一组 20 个不同的任务说明。", "role_leak"),
    ("写一首关于春天的诗", "-", "placeholder_answer"),
    ("说一个成语", "。", "placeholder_answer"),
    ("以现代的风格创作一幅画。", "无输出，因为语言模型无法画图。", "placeholder_answer"),
    ("为活动设计一张海报。", "<无输出。该任务需要一张海报，而不是文字。>", "placeholder_answer"),
    ("把这句话从主动语态改成被动语态——小王买了一本书。", "小王买了一本书。", "echo"),
    ("把下面的句子从主动语态转换为被动语态：“我正在写信给她。”", "我正在写信给她。", "echo"),
    ("我每天都很累啊", "我每天都很累啊", "echo"),
    ("讲讲这第二次会议", "我们需要更多时间来思考这个问题，" * 20, "repetition"),
    ("说说水果", "水果" * 15, "repetition"),
    ("说说水果", "水果，" * 30, "repetition"),
    ("写一段话", "春天来了，花开了…" * 10, "repetition"),
    ("写一句话", "天气很好。" * 6, "repetition"),
    ("请描述这张图片的内容：[插入图片]", "图中有一座山。", "attachment"),
    ("请描述图片。[插入图片]", "图中有一座山。", "attachment"),
    ("根据下面的图片写一段话：<图片>", "山上有一座小屋。", "attachment"),
    ("总结附件中的文章。", "本文讨论了水的重要性。", "attachment"),
    ("总结以下文章：[文章内容]", "本文讨论了水的重要性。", "attachment"),
    ("总结以下文章\n[插入文章]", "本文讨论了水的重要性。", "attachment"),
    ("总结给定的内容。\n<文章链接>", "本文讨论了水的重要性。", "attachment"),
    ("这面国旗属于哪个国家？\n<链接到标志>", "它属于法国。", "attachment"),
    ("给定一张照片，用2-3句话描述。", "照片里有一座码头和一片湖水。", "attachment"),
    ("分析这部政治漫画。", "它讽刺了两个党派的争吵。", "attachment"),
    ("描述这张图片里的人在做什么。", "如附图所示，图片中的两个人在下棋。", "attachment"),
    ("检测照片中的物体。\n附上照片", "照片里有桌子和椅子。", "attachment"),
    ("打个招呼", "浣犲ソ锛屾垜寰堝ソ", "garbled"),
]  # fmt: skip


@pytest.mark.parametrize(("prompt", "answer"), STAYS)
def test_what_was_asked_for_stays(prompt, answer):
    assert not rules(prompt, answer) & set(DEFECTS)


@pytest.mark.parametrize(("prompt", "answer", "rule"), LEAVES)
def test_what_nobody_asked_for_leaves(prompt, answer, rule):
    (drop,) = quality(batch([prompt, answer]), Quality()).drops
    assert drop.reason == rule


def test_a_game_holds_for_the_conversation():
    echo = "今天天气真不错啊"
    game = ["接下来我说什么你就说什么。", "好的。"]
    assert "echo" not in rules(*game, echo, echo)
    assert "echo" in rules("讲讲水", WATER, echo, echo)


@pytest.mark.parametrize(
    "answer", ["当然！水，或称生命之源，", "、蜥蜴和蛇。", "e! Here is a random string: 8nLr"]
)
def test_short_answers_without_beginning_or_end_are_truncated(answer):
    assert "truncated" in rules("讲三件事", answer)


def test_half_a_sentence_may_be_asked_for():
    assert "truncated" not in rules("生成诗歌的第一行", "在寒夜里传来春天的低语，")


def test_a_long_message_is_named():
    rows = batch(["问", "答案", "好的", "答" * 99])
    (drop,) = quality(rows, Quality(max_message_chars=90)).drops
    assert drop.evidence == {
        "rule": "message_too_long", "turn": 3, "measured": 99, "threshold": 90
    }  # fmt: skip
