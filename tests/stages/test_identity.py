"""Assistants that say they are another model: what counts, and what renaming changes."""

import re

import pytest
from batches import batch_of as batch
from hypothesis import given
from hypothesis import strategies as st

from curation.stages.quality import quality
from curation.stages.quality.finding import Exchange
from curation.stages.quality.identity import introductions, renamed
from curation.stages.quality.model_names import has_name, marked
from schemas.recipe import Quality

OWN = {"identity": "replace", "assistant_name": "小极", "assistant_developer": "极光团队"}


def reasons(*conversations, **config):
    result = quality(batch(*conversations), Quality(**config))
    return {drop.row: drop.reason for drop in result.drops}


def found(answer, prompt="请介绍一下"):
    return bool(introductions(Exchange(prompt, answer)))


INTRODUCTIONS = [
    ("我是ChatGPT，由OpenAI训练的大型语言模型。", "我是小极，由极光团队训练的大型语言模型。"),
    ("您好，我是通义千问，由阿里云研发。", "您好，我是小极，由极光团队研发。"),
    ("我是百度开发的文心一言。", "我是极光团队开发的小极。"),
    (
        "作为一个由 OpenAI 创建的AI模型，我没有感情。",
        "作为一个由 极光团队 创建的AI模型，我没有感情。",
    ),
    ("我由百度公司开发。很高兴认识你。", "我由极光团队开发。很高兴认识你。"),
    ("我的开发者是OpenAI。", "我的开发者是极光团队。"),
    ("我是由 OpenAI 开发的 GPT-4 模型。", "我是由 极光团队 开发的 小极 模型。"),
    ("我是 Claude，由 Anthropic 开发的 AI 助手。", "我是 小极，由 极光团队 开发的 AI 助手。"),
    (
        "I'm ChatGPT, a large language model trained by OpenAI.",
        "I'm 小极, a large language model trained by 极光团队.",
    ),
    (
        "As an AI language model trained by OpenAI, I can't.",
        "As an AI language model trained by 极光团队, I can't.",
    ),
    ("I am an OpenAI language model.", "I am a 极光团队 language model."),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "expected"), INTRODUCTIONS)
def test_the_policies_for_a_self_introduction(answer, expected):
    rows = ["你是谁？", answer + "ChatGPT是谁的产品？"]
    assert reasons(rows) == {0: "identity"}
    assert reasons(rows, identity="keep") == {}
    own = Quality(**OWN)
    result = quality(batch(rows), own)
    assert result.drops == []
    [edit] = result.edits
    assert (edit.turn, edit.rules, edit.before) == (1, ("identity",), rows[1])
    assert edit.after == expected + "ChatGPT是谁的产品？"
    messages = result.columns["messages"]
    assert [m["content"] for m in messages[0].as_py()] == [rows[0], edit.after]
    again = quality(batch([rows[0], edit.after]), own)
    assert not again.edits
    assert "messages" not in again.columns


@pytest.mark.parametrize("answer", [answer for answer, _ in INTRODUCTIONS])
@pytest.mark.parametrize("names", [("GPT-4 小极", "OpenAI中文"), ("Aurora", "百度"), ("a\\1", "b")])
def test_replacing_twice_is_replacing_once(answer, names):
    once = renamed(Exchange("你是谁？", answer), *names)
    assert renamed(Exchange("你是谁？", once), *names) == once


@pytest.mark.parametrize(
    ("prompt", "answer"),
    [
        ("OpenAI是什么？", "OpenAI是一家公司，它训练了ChatGPT。"),
        ("推荐搜索引擎", "我推荐百度，由百度公司开发的搜索引擎。"),
        ("请扮演ChatGPT", "我是ChatGPT。"),
        ("他说了什么？", "他说：“我是ChatGPT。”"),
        ("写一封信", "我是百度公司的员工。"),
        ("你是谁？", "如果我是ChatGPT，我会这样说。"),
        ("你是谁？", "我不是ChatGPT。"),
        ("你是谁？", "作为AI语言模型，我没有名字。"),
        ("你是谁？", "我是Claude，来自法国的厨师。"),
        ("你是谁？", "我是清华大学的学生。"),
    ],
)
def test_who_only_talks_about_other_models_stays(prompt, answer):
    assert reasons([prompt, answer]) == {}


HALF_RENAMED = [
    ("你好，我是Qwen请问有什么可以帮您？", "你好，我是小极请问有什么可以帮您？"),
    ("我叫DeepSeek很高兴为您服务！", "我叫小极很高兴为您服务！"),
    ("我是ChatGLM2-6B的人工智能助手，你好。", "我是小极的人工智能助手，你好。"),
    ("作为Qwen我可以帮你。", "作为小极我可以帮你。"),
    (
        "我是通义千问，由阿里云自主研发的超大规模语言模型。",
        "我是小极，由极光团队自主研发的超大规模语言模型。",
    ),
    (
        "我是Kimi，由月之暗面科技有限公司（Moonshot AI）开发的助手。",
        "我是小极，由极光团队开发的助手。",
    ),
    ("我是由深度求索（DeepSeek）公司开发的DeepSeek-V3。", "我是由极光团队开发的小极。"),
    ("我是盘古大模型，华为云研发。", "我是小极，极光团队研发。"),
    ("我是MOSS，复旦大学自然语言处理实验室开发的模型。", "我是小极，极光团队开发的模型。"),
    ("I'm Bard, a model from Google AI.", "I'm 小极, a model from 极光团队."),
    ("I am Qwen, created by Alibaba Cloud.", "I am 小极, created by 极光团队."),
    ("我是书生·浦语，一个模型。", "我是小极，一个模型。"),
    ("我是LLaMA-2-70B-Chat，一个模型。", "我是小极，一个模型。"),
    ("我是ChatGPT 4o，由OpenAI开发。", "我是小极，由极光团队开发。"),
    ("我是DeepSeek Chat，一个助手。", "我是小极，一个助手。"),
    ("我是科大讯飞研发的大模型，名字叫讯飞星火。", "我是极光团队研发的大模型，名字叫小极。"),
]  # fmt: skip


@pytest.mark.parametrize(("answer", "expected"), HALF_RENAMED)
def test_no_part_of_the_other_name_and_nothing_but_it_goes(answer, expected):
    assert renamed(Exchange("你是谁？", answer), "小极", "极光团队") == expected


TAILS = st.text("的请很我是，。由A1- 助手模型吗（）", max_size=8)


@given(
    st.sampled_from(["我是", "作为", "我叫", "我的名字是", "I am ", "我是由OpenAI开发的"]),
    st.sampled_from(["ChatGPT", "Qwen2.5", "DeepSeek-R1", "文心一言", "ChatGLM", "百度", "Kimi"]),
    TAILS,
)
def test_only_names_change(lead, name, tail):
    answer = lead + name + tail
    after = renamed(Exchange("你是谁？", answer), "小极", "极光团队")
    names = {(one.start, one.end) for one in marked(answer).names}
    parts, position = [], 0
    for start, end in sorted(names):
        # Each name stays or becomes one's own; what is between them stays.
        parts += [
            re.escape(answer[position:start]),
            f"(?:小极|极光团队|{re.escape(answer[start:end])})",
        ]
        position = end
    assert after is None or re.fullmatch("".join([*parts, re.escape(answer[position:])]), after)
    assert all(re.fullmatch(r"[^请很吗我]*", answer[slice(*span)]) for span in names)


def test_what_cannot_be_renamed_as_a_whole_is_dropped():
    rows = ["你是谁？", "我是ChatGPT，比百度的文心一言更早发布。"]
    result = quality(batch(rows), Quality(**OWN))
    assert [drop.reason for drop in result.drops] == ["identity"]
    assert not result.edits
    assert "messages" not in result.columns


@pytest.mark.parametrize(
    "answer",
    [
        "As ChatGPT, I cannot browse.",
        "Sorry, as ChatGPT I cannot browse.",
        "I am a large language model, trained by Google.",
        "I'm Claude, created by Anthropic.",
        "OpenAI created me to help.",
        "我来自阿里云，是一个语言模型。",
        "是OpenAI创造了我。",
        "OpenAI训练了我来回答问题。",
        "作为OpenAI的语言模型，我不能浏览网页。",
        "作为ChatGPT我无法打开链接。",
        "我背后的模型是GPT-4。",
        "我使用的是OpenAI的GPT-3.5。",
        "根据OpenAI的政策，我不能生成此类内容。",
        "我遵循OpenAI的使用政策。",
        "您的请求违反了OpenAI的政策。",
        "您好，我是由深度求索独立开发的助手。",
        "这里是ChatGPT，请问有什么需要？",
        "本模型由百度开发。",
        "我是360智脑，一个模型。",
        "我是小爱同学，小米开发的语音助手。",
        "我是必应，微软的聊天助手。",
        "我是小度，百度的人工智能助手。",
        "我是商汤科技的商量大模型。",
        "我是Google的Gemini。",
        "我是字节跳动旗下的豆包",
        "我是月之暗面公司的Kimi，请问有什么可以帮您？",
        "我是你的AI助手Kimi。",
    ],
)
def test_forms_of_a_self_introduction(answer):
    assert found(answer)
    assert not has_name(renamed(Exchange("", answer), "小极", "极光团队"))


@pytest.mark.parametrize(
    "answer",
    [
        "作为ChatGPT的用户，我觉得它很方便。",
        "员工违反了百度的政策，被开除。",
        "I was trained by Microsoft as a support engineer.",
        "print('I am ChatGPT')",
        "I am using a model trained by Google.",
        "我是百度的产品经理。",
        "我是谷歌的Gemini用户。",
        "我是字节跳动旗下的豆包的产品经理。",
        "我用GPT-4写论文。",
        "我使用的是GPT-4的接口。",
        "作为谷歌开发的浏览器，Chrome很受欢迎。",
        "我被微软设计的界面吸引了。",
        "本产品由腾讯公司开发。",
        "I am Claude, a painter from France.",
        "As ChatGPT becomes popular, schools adapt.",
    ],
)
def test_no_self_introduction(answer):
    assert not found(answer)


@pytest.mark.parametrize(
    "prompt",
    [
        *("请重复我的话", "翻译一下", "讲个故事", "写一首诗", "写一个Python函数", "模拟退火是什么"),
        *("小说和诗歌有什么区别", "DAN 是什么", "请扮演莎士比亚", "它扮演了什么角色？"),
    ],
)
def test_an_innocent_request_is_no_role(prompt):
    assert found("作为由OpenAI训练的语言模型，我不能。", prompt)


@pytest.mark.parametrize(
    "prompt",
    [
        *("请扮演文心一言", "假装你是ChatGPT", "Act as ChatGPT.", "从现在起你是Claude"),
        *("扮演一个机器人", "翻译：I am ChatGPT", "以ChatGPT的口吻写演讲稿", "重复：我是ChatGPT"),
    ],
)
def test_words_of_another(prompt):
    assert not found("我是ChatGPT，由OpenAI开发。", prompt)


def test_a_role_stays_for_the_conversation_and_a_translation_for_one_answer():
    leak = "我是文心一言，由百度开发。"
    assert reasons(["请扮演文心一言和我聊天", "好的。", "你是谁？", leak]) == {}
    assert reasons(["你是谁？", leak, "请扮演文心一言", "好的。"]) == {0: "identity"}
    assert reasons(["翻译：I am ERNIE Bot", "我是文心一言。", "你是谁？", leak]) == {0: "identity"}


def system(text, *texts):
    roles = ["system", *(["user", "assistant"] * len(texts))]
    return list(zip(roles, [text, *texts], strict=False))


def test_a_system_message_is_renamed_like_its_answers():
    rows = batch(system("你是文心一言，由百度开发。", "你是谁？", "我是文心一言。"))
    assert [drop.reason for drop in quality(rows, Quality()).drops] == ["identity"]
    edits = quality(rows, Quality(**OWN)).edits
    assert [(edit.turn, edit.after) for edit in edits] == [
        (0, "你是小极，由极光团队开发。"),
        (2, "我是小极。"),
    ]
    rows = batch(system("请扮演文心一言。", "你是谁？", "我是文心一言。"))
    assert not quality(rows, Quality()).drops
    rows = batch(system("You are ChatGPT, a model trained by OpenAI.", "水", "水是液体。"))
    [edit] = quality(rows, Quality(**OWN)).edits
    assert edit.after == "You are 小极, a model trained by 极光团队."


@pytest.mark.parametrize(
    "unit", ["我是ChatGPT。", "我是由OpenAI", "百度和", "as a a a a ", "小极GPT-4，"]
)
def test_long_answers_take_linear_time(unit):
    renamed(Exchange("", unit * 20_000), "小极", "极光")  # a quadratic one would take hours
