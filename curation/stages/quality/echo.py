"""Answers that hand the prompt's text back unchanged though the task is to change it.

Machine-translated Alpaca rows are full of them: "用被动语态重写：他写了一封信" → "他写了一封信".
Among the rows of alpaca_zh that repeat the end of their prompt, a human score of 5 goes to those
that correct grammar where nothing is wrong, sort what is sorted or pick from a list; those stay.
"""

import re

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.stages.quality.finding import Exchange, Messages, asked_for, not_wished

#: Fewest letters of an echo: shorter ones are words picked from the prompt ("狗", "恐怖、喜剧").
MIN_LETTERS = 6
#: Most punctuation by which a prompt that comes back whole may differ from its echo.
MAX_EDGES = 4

_CHANGE = (
    r"改写|重写|重述|改述|转述|释义|同义|近义|反义|意思相[同近]|含义相[同近]|不同的|替换|翻译"
    r"|译[成为]"
    r"|改[为成]|(?:转换|更改)以下句子|被动|时态|过去时|将来时|现在时|完成时|进行时|疑问句|否定|祈使"
    r"|虚拟|间接引语|押韵|缩短|扩展"
)
_MUST_CHANGE = re.compile(_CHANGE)
_MAY_STAY = re.compile(
    r"重复|复述|复制|原样|语法|拼写|标点|错误|错别字|[更纠修]正|[大小]写|正确|逗号|句号|空格|引号"
    r"|格式|校对|润色|一致|歧义|匹配|消除|避免|不使用"
    r"|选择|识别|查找|找[到出]|确定|判断|提取|删除|引用|排序|排列|哪|如果|必要|清晰|填空|空白"
    r"|(?:改[写成为]{0,2}|[转变][换变成为]{0,2}|[成为用以])主动|译[成为](?:简体|现代)?(?:中文|汉语)|简体|繁体"
    r"|[升降]序|驼峰|链接|网址|https?|repeat|copy|echo",
    re.IGNORECASE,
)
#: RE2: a game, which holds for the rest of the conversation.
_PARROT = r"(?i)我说什么|跟[着我].{0,4}[念读说学]|复读|学舌|重复我|模仿我|parrot|repeat after|echo"
# Who wishes well gets the same wish back.
_COURTESY = re.compile(
    "[你您大]家?好|[早午晚]安|早上|晚上好|再见|拜拜|[明回待]天?[头会]?见|谢|恭喜|祝|快乐|认识[你您]|幸会|久仰"
    "|加油|辛苦|新年|节日|生日|保重|一路|欢迎|好梦|爱你|想你|干杯|福|hello|hi\\b",
    re.IGNORECASE,
)
_LETTERS = re.compile(r"[^\W_]")
_HAN = re.compile(r"[\u4e00-\u9fff]")
_EDGES = " \t\r\n\"'“”‘’「」《》。.！!？?，,；;：:"
_BOUNDARY = re.compile(r"[\s—\"'“”‘’「」。.！!？?：:]\Z")
_PIECES = re.compile(r"[\n“”\"「」]++")


def suspects(messages: Messages) -> NDArray[np.bool_]:
    """(m,) the answers no longer than a prompt that asks for a change, or as long as theirs."""
    longer = pc.utf8_length(messages.prompts).to_numpy(zero_copy_only=False) - messages.lengths
    suspects: NDArray[np.bool_] = (longer >= 0) & asked_for(_CHANGE)(messages) | (
        np.abs(longer) <= MAX_EDGES
    )
    return not_wished(_PARROT, messages, suspects)


def echo(exchange: Exchange) -> str | None:
    """The text that came back unchanged, or None."""
    text = exchange.answer.strip(_EDGES)
    source = exchange.prompt.rstrip(_EDGES)
    echoes = _at_the_end(text, source) if source.endswith(text) else _in_it(text, source)
    return text if echoes and len(_LETTERS.findall(text)) >= MIN_LETTERS else None


def _at_the_end(text: str, source: str) -> bool:
    task = source[: len(source) - len(text)]
    if not task.strip(_EDGES):
        return bool(_HAN.search(text)) and not (_MAY_STAY.search(text) or _COURTESY.search(text))
    return bool(_BOUNDARY.search(task)) and _unchanged(task)


def _in_it(text: str, source: str) -> bool:
    """Whether `text` is a line or a quotation of `source`, by its letters."""
    if not _unchanged(source):
        return False
    letters = _letters(text)
    return any(letters == _letters(piece) for piece in _PIECES.split(source))


def _unchanged(task: str) -> bool:
    """Whether `task` asks for a change, and not for one that a text may have already."""
    return bool(_MUST_CHANGE.search(task)) and not _MAY_STAY.search(task)


def _letters(text: str) -> str:
    return "".join(_LETTERS.findall(text))
