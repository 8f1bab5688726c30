"""Assistants that say which model they are, or who made them.

Only a self-introduction counts ("我是由OpenAI训练的语言模型", "I'm ChatGPT"). Text about OpenAI,
role play, quotations and a nameless "作为AI语言模型" do not.
"""

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from curation.stages.batch import Edit, Turns
from curation.stages.quality.finding import Exchange, Finding, Messages, matching, messages_of
from curation.text.spans import protected

#: Models whose names mean nothing else.
_MODELS = (
    r"Chat ?GPT(?:-?[34](?:\.5)?)?|Instruct ?GPT|GPT[- ]?(?:4o|[34](?:\.5)?)(?:[- ]?turbo)?"
    r"|文心一言|文心大模型|ERNIE[- ]?Bot|通义千问|Qwen[\w.-]{0,12}|(?:讯飞)?星火(?:认知)?大模型"
    r"|讯飞星火"
    r"|ChatGLM[\w.-]{0,12}|智谱清言|Vicuna|LLaMA|LaMDA|New ?Bing|InternLM|百川大模型|盘古大模型"
    r"|混元大模型|DeepSeek[\w.-]{0,12}"
)
#: Models that share their names with people, plants and apps.
_NAMESAKES = (
    "Claude|Bard|Gemini|Copilot|Kimi|Grok|Alpaca|MOSS|Mistral|Mixtral|豆包|天工|通义|书生|混元|小冰"
)
_MAKERS = (
    r"Open ?AI|Anthropic|百度|阿里(?:巴巴|云)?(?:达摩院)?|达摩院|腾讯|字节跳动|科大讯飞|讯飞|华为"
    r"|清华大学|清华|智谱(?:[ ]?AI|华章)?"
    r"|谷歌|Google(?: DeepMind)?|DeepMind|微软|Microsoft|Meta(?: AI)?|Facebook|深度求索|DeepSeek"
    r"|月之暗面|Moonshot(?: AI)?"
    r"|百川智能|商汤(?:科技)?|复旦大学|上海人工智能实验室|昆仑万维|MiniMax|零一万物|Mistral AI|xAI"
)
#: RE2: what an answer needs to say to be looked at.
CUE = (
    rf"(?i)(?:我|作为|\bI\b|my name|\bas an?\b).*(?:{_MODELS}|{_NAMESAKES}|{_MAKERS})"
    r"|违[反背].{0,3}Open ?AI"
)
_SUSPECTS = matching(CUE)

_MADE = "训练|开发|创建|创造|设计|研发|研制|推出|打造|构建|制造|编程|培训"
#: 清华大学 KEG 实验室和智谱 AI 公司
_MAKER = rf"(?:{_MAKERS})(?:[ ]?KEG)?(?:[ ]?(?:公司|集团|团队|人工智能实验室|实验室))?"
_NAME = re.compile(
    rf"(?<![A-Za-z])(?:(?P<by>DeepSeek(?=[ ]?(?:公司|团队)?所?(?:{_MADE})))|(?P<model>{_MODELS})"
    rf"|(?P<namesake>{_NAMESAKES})|(?P<maker>{_MAKER}(?:[ ]?[和与、][ ]?{_MAKER}){{0,3}}))"
    r"(?![A-Za-z])",
    re.IGNORECASE,
)
#: Each name becomes one character before introductions are looked for: short patterns, and fast.
_MARKS = {"by": "\ue003", "model": "\ue001", "namesake": "\ue002", "maker": "\ue003"}
_MODEL, _NAMESAKE, _BY = "\ue001", "\ue002", "\ue003"
_ANY = f"[{_MODEL}{_NAMESAKE}]"

_AI = "AI|人工智能|语言模型|大模型|模型|助手|助理|机器人|计算机程序|电脑程序"
_A = "(?:一[个款名种位台]|一)?"
_I = "(?<!如果)(?<!假如)(?<!假设)(?<!要是)(?<!认为)(?<!以为)(?<!问)我"
_CALLED = "(?:名为|名叫|叫做?|称为|被称为)"
_MADE_BY = (
    rf"{_A}(?:经?由|被|来自|基于)?[ ]?{_BY}[ ]?(?:的?(?:研究人员|工程师|科学家)们?)?"
    rf"(?:于[ ]?[0-9]{{4}}[ ]?年)?[ ]?(?:共同|联合)?所?(?:{_MADE})"
)
_OF_MODEL = rf"(?:和(?:{_MADE})|出来)?的?[^。！？\n，,]{{0,24}}(?:{_AI}|{_ANY})"
_MADE_IN_ENGLISH = rf"(?:trained|developed|created|made|built|designed) by {_BY}"
_INTRODUCTION = re.compile(
    # 我是由OpenAI训练的语言模型; 我由百度开发。
    rf"{_I}(?:也|只|仅|就|其实|实际上)?(?:仅仅)?[是被由][ ]?{_MADE_BY}"
    rf"(?:{_OF_MODEL}(?:[，,]?[ ]?我?{_CALLED}[ ]?{_ANY})?|(?=[的了]?[。，,！\n]|的?\Z))"
    # 作为由OpenAI训练的语言模型，我…
    rf"|作为[ ]?{_MADE_BY}(?:模型)?{_OF_MODEL}[^。！？\n，,]{{0,8}}(?=[，,][^。！？\n]{{0,24}}我)"
    # 我是ChatGPT，一个由OpenAI训练的…
    rf"|{_I}(?:的名字)?(?:只|其实|就)?(?:是|叫做?|名叫)[ ]?{_A}{_CALLED}?[ ]?[“\"「]?"
    rf"(?:{_MODEL}(?![ ]?的(?!AI|一|人工|智能|语言)|用户|粉丝|公司|开发者)"
    rf"|{_NAMESAKE}(?=[^。！？\n]{{0,30}}(?:{_AI}|{_BY})))"
    rf"[”\"」]?(?:[^。！？\n，,]{{0,16}}[，,][ ]?我?是?[ ]?{_MADE_BY})?"
    # 作为ChatGPT，我…; 作为一个名为ChatGPT的模型，我…
    rf"|作为[ ]?{_A}{_CALLED}?[ ]?{_MODEL}[^。！？\n，,]{{0,16}}(?=[，,][ ]?我)"
    # 我是OpenAI的语言模型; 我的开发者是百度; 我基于GPT-4; 这违反了OpenAI的政策
    rf"|{_I}(?:只|仅)?是[ ]?{_BY}(?:旗下)?[ ]?的?[^。！？\n，,]{{0,12}}"
    r"(?:语言模型|大模型|AI助手|智能助手|聊天机器人|AI模型)"
    rf"|我的(?:创造者|开发者|创建者|开发团队|开发公司|母公司)[是为，,][ ]?{_BY}"
    rf"|我[的在][ ]?{_BY}[ ]?的?(?:创造者|开发者|创建者|开发团队|工程师)"
    rf"|{_I}(?:是{_A})?基于[ ]?(?:{_BY}[ ]?的?[ ]?)?{_MODEL}"
    rf"|违[反背]了?[ ]?{_BY}[ ]?的?(?:内容|使用)?(?:政策|准则|指南)"
    # I'm ChatGPT, a large language model trained by OpenAI
    rf"|\bI(?:['’]m| am)(?: just| only| actually| simply)?(?: called| named)?"
    rf"(?: an? AI (?:assistant|model|chatbot) (?:called|named))? (?:{_MODEL}"
    rf"|{_NAMESAKE}(?=, an? [\w -]{{0,30}}(?:AI|model|assistant|chatbot)))"
    rf"(?:, (?:an? |the )?(?:[\w-]{{1,20}} ){{0,6}}{_MADE_IN_ENGLISH})?"
    # As an AI language model trained by OpenAI; I am an OpenAI model; My name is ChatGPT
    r"|\b(?:I(?:['’]m| am)|as)(?: just| only)?(?: an?| the)? (?:[\w-]{1,20} ){0,5}"
    rf"(?:AI|model|assistant|chatbot|program)(?:,? (?:which|that) (?:is|was))? {_MADE_IN_ENGLISH}"
    rf"|\bI was {_MADE_IN_ENGLISH}|\bmy name is {_MODEL}"
    rf"|\bI(?:['’]m| am) (?:an? )?{_BY} (?:\w{{1,12}} ){{0,3}}(?:model|assistant|AI)\b",
    re.IGNORECASE,
)

#: A prompt that makes the assistant speak as somebody else, or write for somebody.
_AS_ANOTHER = re.compile(
    r"扮演(?!了)|保持角色|假装|假设你|假如你|假定你|想象你|模拟|第一人称|小说|故事|剧本|台词|诗|歌词"
    r"|翻译|改写|重写|润色|续写|创作|仿写|重复|[写成建计拟]对话"
    r"|写[一个首篇封段份](?![^。\n]{0,6}介绍(?:你|一下|$))|\bDAN\b|pretend|role-?play|act as"
    r"|translate|repeat",
    re.IGNORECASE,
)
_ARTICLE = re.compile(r"\b(an?) \Z", re.IGNORECASE)


def find_identities(flat: Turns) -> Iterator[Finding]:
    """The answers in which the assistant says it is another model, in (row, turn) order."""
    answers = messages_of(flat, "assistant")
    for i, exchange in _suspects(answers):
        spans = introductions(exchange)
        if spans:
            words = exchange.answer[slice(*spans[0])]
            row, turn = int(answers.rows[i]), int(answers.turns[i])
            yield Finding(row, turn, "identity", words, "no other model's name")


def rename_identities(flat: Turns, name: str, developer: str) -> Iterator[Edit]:
    """The answers that change where the assistant is `name`, made by `developer`, in order."""
    answers = messages_of(flat, "assistant")
    for i, exchange in _suspects(answers):
        after = renamed(exchange, name, developer)
        if after != exchange.answer:
            row, turn = int(answers.rows[i]), int(answers.turns[i])
            yield Edit(row, turn, ("identity",), exchange.answer, after)


def _suspects(answers: Messages) -> Iterator[tuple[int, Exchange]]:
    places = np.flatnonzero(_SUSPECTS(answers))
    index = pa.array(places)
    texts, prompts = answers.contents.take(index).to_pylist(), answers.prompts.take(index)
    exchanges = map(Exchange, prompts.to_pylist(), texts)
    yield from zip(places.tolist(), exchanges, strict=True)


def introductions(exchange: Exchange) -> list[tuple[int, int]]:
    """Start and end of each self-introduction as another model in the answer, in order."""
    prompt, answer = exchange
    if _AS_ANOTHER.search(prompt):
        return []
    code = protected(answer)
    return [
        (start, end)
        for start, end in _said(answer)
        if not _quoted(answer, start) and not _inside(start, code)
    ]


def _said(text: str) -> Iterator[tuple[int, int]]:
    """What the patterns find in `text` with its names marked, as places of `text` itself."""
    parts: list[str] = []
    places: list[int] = []
    position = 0
    for match in _NAME.finditer(text):
        parts += [text[position : match.start()], _MARKS[str(match.lastgroup)]]
        places += range(position, match.start() + 1)
        position = match.end()
    places += range(position, len(text) + 1)
    for match in _INTRODUCTION.finditer("".join([*parts, text[position:]])):
        yield places[match.start()], places[match.end()]


def renamed(exchange: Exchange, name: str, developer: str) -> str:
    """The answer with `name` and `developer` in its self-introductions; nothing else changes."""
    return "".join(_renamed_parts(exchange, name, developer))


def _renamed_parts(exchange: Exchange, name: str, developer: str) -> Iterator[str]:
    answer, position = exchange.answer, 0
    own = [m.span() for m in re.finditer(f"{re.escape(name)}|{re.escape(developer)}", answer)]
    names = list(_NAME.finditer(answer))
    for start, end in introductions(exchange):
        first = bisect_left(names, start, key=lambda match: match.start())
        for match in names[first : bisect_left(names, end, key=lambda match: match.start())]:
            # One's own name may hold another's; a second pass changes nothing.
            if not _inside(match.start(), own):
                word = name if match["model"] or match["namesake"] else developer
                yield _with_article(answer[position : match.start()], word)
                position = match.end()
    yield answer[position:]


def _with_article(before: str, word: str) -> str:
    """`before` and `word`, with the English article that goes with it."""
    article = _ARTICLE.search(before[-4:])
    if article:
        kept = before[: len(before) - len(article[0])] + article[1][0]
        before = f"{kept}{'n' if word[:1].lower() in 'aeiou' else ''} "
    return before + word


def _inside(place: int, spans: Sequence[tuple[int, int]]) -> bool:
    """Whether `place` lies in one of `spans`, which are in order and disjoint."""
    before = bisect_right(spans, place, key=lambda span: span[0])
    return before > 0 and place < spans[before - 1][1]


def _quoted(text: str, place: int) -> bool:
    """Whether a quotation mark is open at `place`."""
    window = text[max(0, place - 400) : place]
    return any(window.rfind(opening) > window.rfind(closing) for opening, closing in ("“”", "「」"))
