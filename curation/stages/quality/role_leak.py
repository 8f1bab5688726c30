"""Answers that go on with the dialogue by themselves, or with the next task of the list.

Language models that were sampled past their stop token write "Human:" or "User:" and the user's
next turn; Alpaca's generator wrote several numbered tasks in one go, and some answers have the
next ones at their end ("6. 说明：… 6. 输入：… 6. 输出：…"), or words of its own prompt.
"""

import re
from collections import defaultdict

from curation.stages.quality.finding import Exchange, without_code

#: RE2: a line that begins with a role or a part of a task.
CUE = (
    r"(?im)^[ \t#*\\]*(?:(?:human|user|assistant|ai|人类|用户|助手|instruction|response|input|指令"
    r"|回答)[ ]?[:：]"
    r"|\d{1,2} ?[.、．] ?(?:输入|输出|input|output) ?[:：]|<\\?\|im_start\||\[\\?INST\])"
    r"|(?i)\A\s*<(?:无输入|noinput)>|你被要求提出一"
)
_TASK_PART = re.compile(
    r"^[ \t]*+(\d{1,2}) ?[.、．] ?(说明|指令|任务|输入|输出|instruction|input|output) ?[:：]",
    re.IGNORECASE | re.MULTILINE,
)
# A line that nobody else writes, and one that only a dialogue makes a turn.
_MARKUP = re.compile(
    r"^#\\?#{1,3} ?(?:instruction|response|input|指令|回答|human|user)s? ?[:：]"
    r"|^<\\?\|im_start\||^\[\\?INST\]",
    re.IGNORECASE | re.MULTILINE,
)
_NEXT_TURN = re.compile(r"^(?:human|user|人类|用户) ?[:：]", re.IGNORECASE | re.MULTILINE)
_OWN_TURN = re.compile(
    r"^(?:assistant|ai|助手|chatgpt|gpt|bot|机器人) ?[:：]", re.IGNORECASE | re.MULTILINE
)
# What the generator of self-instruct was told, and its mark for a task without input.
_GENERATOR = re.compile(
    r"\A\s*+<(?:无输入|noinput)>\s*+(?=\S)|你被要求提出一[组套] ?\d{1,3} ?[个项]", re.IGNORECASE
)
#: A prompt that asks for a dialogue, a template or tasks gets lines with roles.
_DIALOGUE = re.compile(
    r"对话|聊天|会话|剧本|脚本|台词|采访|访谈|问答|角色|扮演|机器人|客服|助[手理]|模板|格式|示例"
    r"|例子|任务|指令|输入"
    r"|提示词|prompt|dialog|conversation|chat|script|role|human|user|assistant|template|json|yaml",
    re.IGNORECASE,
)


def role_leak(exchange: Exchange) -> str | None:
    """The first line with which somebody else takes the word."""
    prompt, answer = exchange.prompt, without_code(exchange.answer)
    task = _next_task(answer)
    if task and task.start() > 0 and not _TASK_PART.search(prompt):
        return task.group().strip()
    if _DIALOGUE.search(prompt):
        return None
    generator = _GENERATOR.search(answer)
    leak = generator or _next_turn(answer)
    return leak.group().strip() if leak else None


def _next_task(answer: str) -> re.Match[str] | None:
    """The first part of a task that has another part of the same number: steps have one each."""
    parts: dict[str, dict[str, re.Match[str]]] = defaultdict(dict)
    for match in _TASK_PART.finditer(answer):
        number, part = match.groups()
        parts[number].setdefault(part.lower(), match)
        if len(parts[number]) > 1:
            return next(iter(parts[number].values()))
    return None


def _next_turn(answer: str) -> re.Match[str] | None:
    """A user's turn, in a dialogue with an assistant's or in a prompt's markup."""
    markup = _MARKUP.search(answer)
    own, turn = _OWN_TURN.search(answer), _NEXT_TURN.search(answer)
    if markup and (markup.start() > 0 or own):
        return markup
    return turn if own else None
