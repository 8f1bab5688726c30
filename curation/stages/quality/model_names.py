"""The names of language models and assistants of 2022–2026, and of who makes them."""

import re
from collections.abc import Sequence
from typing import NamedTuple

#: Models whose names mean nothing else.
_MODELS = (
    r"Chat ?GPT|Instruct ?GPT|GPT(?=[。，,！]|[- ]?\d)|Baichuan|百川大模型|Qwen|QwQ|通义千问"
    r"|文心一言|文心大模型|文小言|ERNIE[- ]?Bot|(?:讯飞)?星火(?:认知)?大模型|讯飞星火|ChatGLM"
    r"|GLM-\d|智谱清言|Vicuna|LLaMA|LaMDA|New ?Bing|Bing ?Chat|InternLM|书生[·• ]?浦语|书生大模型"
    r"|盘古大模型|混元大模型|DeepSeek|360 ?智脑|小爱同学|SenseChat|SenseNova|商量大模型"
    r"|商量语言模型|日日新大模型|天工大模型|天工AI|紫东太初|海螺AI|豆包大模型|云雀大模型|腾讯元宝|MiniCPM"
    r"|Mixtral|TigerBot|Yi-\d\w{0,4}|Yi大?模型|Kimi ?(?:Chat|K\d)"
    r"|Claude[ -](?:\d|Instant|Sonnet|Opus|Haiku)"
    r"|(?:Google|谷歌)[ ]?(?:Bard|Gemini)|(?:Microsoft|微软|GitHub)[ ]?(?:Copilot|小冰|必应|小娜)"
    r"|微软Bing|腾讯混元|华为盘古|字节豆包|百度文心|商汤日日新"
)
#: Models that share their names with people, plants, devices and apps.
_NAMESAKES = (
    "Claude|Bard|Gemini|Copilot|Kimi|Grok|Alpaca|MOSS|Mistral|PaLM|Gemma|Falcon|Aquila|ERNIE|BELLE"
    "|Bing|Siri|Alexa|Cortana|Doubao|豆包|天工|通义|书生|混元|小冰|小度|必应|元宝|商量|日日新|盘古"
    "|星火|跃问|小艺|小布|小爱|悟道"
)
#: Companies that make nothing but models.
_LABS = (
    r"Open ?AI|Anthropic|深度求索|DeepSeek(?=[ ]?(?:公司|团队|Inc|AI\b))|月之暗面|Moonshot(?: AI)?"
    r"|智谱(?!清言)(?:华章)?|Zhipu|百川智能|零一万物|MiniMax|稀宇科技|阶跃星辰|StepFun|面壁智能"
    r"|Mistral AI|xAI|DeepMind|LMSYS|上海人工智能实验室|上海AI实验室|通义实验室"
)
_MAKERS = (
    r"百度|阿里(?:巴巴|云)|达摩院|腾讯|字节跳动|科大讯飞|讯飞|华为|奇虎[ ]?360|360(?=公司|集团)"
    r"|清华大学|清华|复旦大学|商汤|昆仑万维|小米|京东|网易|智源|中科院|中国科学院|谷歌|Google|微软"
    r"|Microsoft|Meta|Facebook|Alibaba|Baidu|Tencent|ByteDance|iFlytek|Huawei|Tsinghua|Fudan"
)
#: RE2: what every name has in it, for a first look.
STEMS = (
    r"GPT|Baichuan|百川|Qwen|QwQ|通义|文心|文小言|ERNIE|星火|GLM|智谱|Zhipu|Vicuna|LLaMA|LaMDA|Bing"
    r"|InternLM|书生|盘古|混元|DeepSeek|智脑|小爱|Sense|商量|日日新|天工|太初|海螺|豆包|Doubao|云雀|元宝"
    r"|MiniCPM|M[io]xtral|Mistral|TigerBot|\bYi-|\bYi大?模型|Kimi|Claude|Bard|Gemini|Copilot|小[冰娜度艺布]"
    r"|必应|Grok|Alpaca|MOSS|PaLM|Gemma|Falcon|Aquila|BELLE|Siri|Alexa|Cortana|跃问|悟道|Open ?AI"
    r"|Anthropic|深度求索|月之暗面|Moonshot|零一万物|MiniMax|稀宇|阶跃|StepFun|面壁|\bxAI|DeepMind|LMSYS"
    r"|上海人工|上海AI|百度|阿里|达摩院|腾讯|字节|讯飞|华为|360|清华|复旦|商汤|昆仑万维|小米|京东|网易|智源"
    r"|中科院|中国科学院|谷歌|Google|微软|Microsoft|\bMeta\b|Facebook|Alibaba|Baidu|Tencent|ByteDance"
    r"|iFlytek|Huawei|Tsinghua|Fudan"
)
_TAIL = (
    r"(?:[ ]?(?:(?:旗下的?)?(?:通义|自然语言处理|人工智能|语言智能|KEG)?(?:实验室|研究院|达摩院)"
    r"|智能云|云|Cloud|AI|KEG|DeepMind|DeepSeek|Research|Inc\.?|University|Group|科技|集团|股份"
    r"|自动化(?:研究)?所|有限(?:责任)?公司|公司|团队|[（(][A-Za-z][A-Za-z0-9 .]{0,23}[）)])){0,5}"
)
_MAKER = rf"(?:中国的?|美国的?|北京|上海|杭州)?(?:{_LABS}|{_MAKERS}){_TAIL}"
_LAB = rf"(?:中国的?|美国的?|北京|上海|杭州)?(?:{_LABS}){_TAIL}"
_VERSION = (
    r"(?:[- ]?(?:[VRKo]?\d{1,3}(?:\.\d{1,2}){0,2}[BKo]?(?![0-9年月日个岁])|Chat|Plus|Turbo|Pro|Max"
    r"|Ultra|Flash|Instruct|Mini|Lite|Bot|Omni|Coder|Instant|Sonnet|Opus|Haiku|Advanced|Preview)"
    r"(?![A-Za-z])|-(?!based|like|powered|style|generated)[A-Za-z0-9.]{0,11}[A-Za-z0-9]){0,6}"
)
_MADE = "训练|开发|创建|创造|设计|研发|研制|推出|打造|构建|制造|编程|培训|发布|提供"
_MODEL = rf"(?:{_MODELS}){_VERSION}"
_BRACKETS = rf"(?:[ ]?[（(](?:{_MODELS}|{_NAMESAKES}){_VERSION}[）)])?"
_JOINED = rf"(?:[ ]?[和与、][ ]?{_MAKER}){{0,3}}"
_NAME = re.compile(
    r"(?=[A-Z360中美北上杭通文讯星智书盘混小商日天紫海豆云腾谷微百华字必元跃悟深月零稀阶面阿达科奇清复昆"
    r"京网])(?<![A-Za-z0-9])(?:"
    rf"(?P<lab>DeepSeek(?=[ ]?(?:自主|独立)?所?(?:{_MADE}))|(?:(?<=by )|(?<=from ))DeepSeek(?!-)"
    rf"|{_LAB}{_JOINED})"
    rf"|(?P<model>{_MODEL}{_BRACKETS})|(?P<namesake>(?:{_NAMESAKES}){_VERSION}{_BRACKETS})"
    rf"|(?P<maker>{_MAKER}{_JOINED}))(?![A-Za-z])",
    re.IGNORECASE,
)

MODEL, NAMESAKE, MAKER, LAB = "\ue001", "\ue002", "\ue003", "\ue004"
_MARKS = {"model": MODEL, "namesake": NAMESAKE, "maker": MAKER, "lab": LAB}


class Name(NamedTuple):
    """Where a text names a model or a maker, and as which of `MODEL` … `LAB`."""

    start: int
    end: int
    mark: str


class Marked(NamedTuple):
    """A text in which each name is one character, so that patterns over it are short and fast.

    text:   the text with marks.
    names:  the names, in order.
    places: where each character of `text` was, and at last the length of the original.
    """

    text: str
    names: list[Name]
    places: Sequence[int]


def has_name(text: str) -> bool:
    """Whether `text` names a model or a maker."""
    return _NAME.search(text) is not None


def marked(text: str) -> Marked:
    """`text` with its names marked."""
    names = [Name(*match.span(), _MARKS[str(match.lastgroup)]) for match in _NAME.finditer(text)]
    parts: list[str] = []
    places: list[int] = []
    position = 0
    for name in names:
        parts += [text[position : name.start], name.mark]
        places += range(position, name.start + 1)
        position = name.end
    places += range(position, len(text) + 1)
    return Marked("".join([*parts, text[position:]]), names, places)
