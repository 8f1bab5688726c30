"""Weaknesses that lower the score of a conversation and never drop it alone."""

import re

from curation.stages.quality.finding import Exchange

#: Fewest letters of an answer that says something. A single one ("是", "4", "B") can be right, so
#: the penalty is small: 66 % of such alpaca_zh rows have the best translation score, of all 79 %.
MIN_LETTERS = 2
#: Longest bare refusal, in characters. Longer ones explain or offer something else.
MAX_REFUSAL_CHARS = 120
#: Shortest answer that is judged for its end. Shorter ones are often phrases without full stop.
MIN_TRUNCATED_CHARS = 200
#: Shortest last line: below are signatures, list items and table rows.
MIN_LAST_LINE = 25

_LETTERS = re.compile(r"[^\W_]")
_REFUSAL = re.compile(
    r"(?:抱歉|对不起|很遗憾|不好意思)[，,。！!、 ]*(?:但是?)?(?:我|这|此|该|本|作为|由于|无法|不能)"
    r"[^。！？\n]{0,24}(?:无法|不能|没有|没办法|不可能|不适合)"
    r"|作为一?[个种名款]?\s*(?:AI|人工智能|大型语言模型|语言模型|聊天机器人)"
    r"[^。\n]{0,24}(?:无法|不能|没有|不具)"
    r"|^(?:我|此指令|该指令|此任务)(?:无法|不能)(?:完成|提供|回答|满足|执行|访问|生成|创建|确定|打开|查看)"
    r"|I(?:'m| am) sorry,|[Aa]s an AI (?:language )?model",
    re.IGNORECASE,
)
_LIST_OR_CODE = re.compile(r"\s*(?:[-*•|>#]|\d+[.、)）])|.*[{}|`=\\;#/]")


def too_short(exchange: Exchange) -> int | None:
    """Letters of the answer, where there are fewer than `MIN_LETTERS`."""
    if len(exchange.answer) > 2 * MIN_LETTERS:
        return None
    letters = len(_LETTERS.findall(exchange.answer))
    return letters if letters < MIN_LETTERS else None


def refusal(exchange: Exchange) -> str | None:
    """The words of a bare refusal."""
    if len(exchange.answer) > MAX_REFUSAL_CHARS:
        return None
    match = _REFUSAL.search(exchange.answer)
    return match.group() if match else None


def truncated(exchange: Exchange) -> str | None:
    """The end of a long answer that stops inside a sentence."""
    answer = exchange.answer.rstrip()
    if len(answer) < MIN_TRUNCATED_CHARS or not answer[-1].isalnum() or "。" not in answer:
        return None
    last = answer[answer.rfind("\n") + 1 :]
    whole = len(last) < MIN_LAST_LINE or _LIST_OR_CODE.match(last)
    return None if whole else last[-20:]
