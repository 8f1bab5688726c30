"""Weaknesses that lower the score of a conversation and never drop it alone."""

import re

import numpy as np
from numpy.typing import NDArray

from curation.stages.quality.finding import Exchange, Messages, matching

#: Fewest letters of an answer that says something. A single one ("是", "4", "B") can be right, so
#: the penalty is small: 66 % of such alpaca_zh rows have the best translation score, of all 79 %.
MIN_LETTERS = 2
#: Longest bare refusal, in characters. Longer ones explain or offer something else.
MAX_REFUSAL_CHARS = 120
#: Shortest answer that is judged for its end by its last word. Shorter ones are often phrases
#: without full stop.
MIN_TRUNCATED_CHARS = 200
#: Shortest last line: below are signatures, list items and table rows.
MIN_LAST_LINE = 25
#: Shortest answer, and shortest last line, that an open end (a comma, a connective) cuts.
MIN_CUT_CHARS = 40
MIN_CUT_LINE = 15
#: Longest answer that only asks for its material.
MAX_ASKING_CHARS = 150
#: Fewest letters of the material that was there all the time.
MIN_INPUT_LETTERS = 10

_LETTERS = re.compile(r"[^\W_]")
_REFUSAL = re.compile(
    r"(?:抱歉|对不起|很遗憾|不好意思)[，,。！!、 ]*+(?:但是?)?(?:我|这|此|该|本|作为|由于|无法"
    r"|不能)"
    r"[^。！？\n]{0,24}(?:无法|不能|没有|没办法|不可能|不适合)"
    r"|作为一?[个种名款]?\s*+(?:AI|人工智能|大型语言模型|语言模型|聊天机器人)"
    r"[^。\n]{0,24}(?:无法|不能|没有|不具)"
    r"|^(?:我|此指令|该指令|此任务)(?:无法|不能)(?:完成|提供|回答|满足|执行|访问|生成|创建|确定"
    r"|打开|查看)"
    r"|I(?:'m| am) sorry,|[Aa]s an AI (?:language )?model",
    re.IGNORECASE,
)
_REFUSAL_CUE = matching("(?i)抱歉|对不起|很遗憾|不好意思|作为|^我|^此|^该|sorry|as an ai")

#: RE2: how an answer begins or ends that may be cut off, or a code fence.
CUT_CUE = r"[\p{L}\p{N}，,、：:]\s*\z|```|\A\s*[、，；]|\A[a-z]! "
# "、蜥蜴和蛇。", "e! Here is…"
_NO_START = re.compile(r"\A(?:\s*+[、，；]|[a-z]! [A-Z])")
# A short answer may end on a comma: a salutation, half a sentence, a verse.
_OPEN_ASKED = re.compile(
    r"尊敬|亲爱|信|邮件|诗|歌|[上下]联|连接词|填|句|短语|重写|改写|删除|[，,、]\W*+\Z"
)
_LIST_OR_CODE = re.compile(r"\A(?:\s*+(?:[-*•|>#]|\d++[.、)）])|[^\n]*[{}|`=\\;#/])")
_CONNECTIVE = re.compile(
    r"(?:因为|但是|所以|如果|并且|而且|以及|或者|例如|比如|包括|虽然|[^总共饱柔温平附缓随祥谐]和"
    r"|[^参赠给]与|[^或]或)\Z"
)
_PROMISE = re.compile(
    r"以下|如下|下面|下列|这几|这些|几[点个种条方]|步骤|方法|建议|分析|分享|看法|包括|例如|比如"
)
_FENCE = re.compile(r"^[ \t]*+```", re.MULTILINE)

_ASKS = re.compile(
    r"请(?:您|你)?(?:先)?(?:提供|输入|给出|粘贴)|(?:您|你)(?:并)?(?:没有|未)(?:提供|给出|给我|输入"
    r"|指定)"
    r"|我(?:没有|未)(?:看到|收到)"
)
_ASKS_CUE = matching("请您?你?先?(?:提供|输入|给出|粘贴)|没有|未提供|未给出|未看到|未收到")
_POINTS_AT = re.compile("以下|下列|下面|给定|这[句段篇个份]|此[句段文]|上述")
_QUOTED = re.compile(r"[“\"「]([^“”\"「」\n]{8,})[”\"」]")

#: RE2, and Python: an assistant that says what it is before it answers.
BOILERPLATE_CUE = "(?i)作为|as an? (?:ai|artificial|large|language)"
_BOILERPLATE = re.compile(
    r"(?:作为|身为)(?:一[个款种名位台])?\s*+(?:大型)?(?:由[^，。\n]{1,20}的)?(?:AI|人工智能|大型"
    r"|大语言|语言模型|聊天机器人|计算机程序)"
    r"[^，,。\n]{0,16}[，,]"
    r"|\bas an? (?:AI|artificial intelligence|large language|language) [^,.\n]{0,40},",
    re.IGNORECASE,
)


def too_short(exchange: Exchange) -> int | None:
    """Letters of the answer, where there are fewer than `MIN_LETTERS`."""
    letters = len(_LETTERS.findall(exchange.answer))
    return letters if letters < MIN_LETTERS else None


def may_refuse(messages: Messages) -> NDArray[np.bool_]:
    """(m,) the short answers with a word of refusal."""
    return (messages.lengths <= MAX_REFUSAL_CHARS) & _REFUSAL_CUE(messages)


def refusal(exchange: Exchange) -> str | None:
    """The words of a bare refusal."""
    match = _REFUSAL.search(exchange.answer)
    return match.group() if match else None


def truncated(exchange: Exchange) -> str | None:
    """Where an answer stops inside a sentence, a list or a block of code, or begins in one."""
    answer = exchange.answer.rstrip()
    if start := _NO_START.match(answer):
        return start.group()
    if len(answer) < MIN_CUT_CHARS:
        open_end = answer.endswith(("，", "、")) and not _OPEN_ASKED.search(
            "\n".join(exchange[::-1])
        )
        return answer[-20:] if open_end else None
    last = answer[answer.rfind("\n") + 1 :]
    cut = len(_FENCE.findall(answer)) % 2 or _open_end(answer, last) or _no_end(answer, last)
    return last[-20:] if cut else None


def _open_end(answer: str, last: str) -> bool:
    """Whether the last line leads on to something that is not there."""
    if len(last) < MIN_CUT_LINE or _LIST_OR_CODE.match(last):
        return False
    if last[-1] in "：:":  # a form has many lines that end so
        lines = [line.rstrip()[-1:] for line in answer.splitlines()]
        return sum(end in ("：", ":") for end in lines) < 3 and bool(_PROMISE.search(last[-40:]))
    return last[-1] in "，,、" or bool(_CONNECTIVE.search(last[-4:]))


def _no_end(answer: str, last: str) -> bool:
    """Whether a long answer of whole sentences has none at its end."""
    if len(answer) < MIN_TRUNCATED_CHARS or len(last) < MIN_LAST_LINE or "。" not in answer:
        return False
    return answer[-1].isalnum() and not _LIST_OR_CODE.match(last)


def may_ask(messages: Messages) -> NDArray[np.bool_]:
    """(m,) the short answers that may ask for material."""
    return (messages.lengths <= MAX_ASKING_CHARS) & _ASKS_CUE(messages)


def ignored_input(exchange: Exchange) -> str | None:
    """The words by which an answer asks for a text that its prompt has."""
    asks = _ASKS.search(exchange.answer)
    first, _, rest = exchange.prompt.partition("\n")
    if not asks or not _POINTS_AT.search(first):
        return None
    quoted = _QUOTED.search(first)
    material = quoted.group(1) if quoted else rest
    return asks.group() if len(_LETTERS.findall(material)) >= MIN_INPUT_LETTERS else None


def boilerplate(exchange: Exchange) -> str | None:
    """The words by which an assistant says that it is one before it answers.

    "希望对您有帮助" and other courtesies do not count: of the scored alpaca_zh rows with one, as
    many have the best score as of all rows, and 14,500 counselling answers of smile have one.
    """
    match = _BOILERPLATE.search(exchange.answer)
    return match.group() if match else None
