"""Answers that go on with the dialogue by themselves, or with the next task of the list.

Language models that were sampled past their stop token write "Human:" or "User:" and the user's
next turn; Alpaca's generator wrote several numbered tasks in one go, and some answers have the
next ones at their end ("6. 说明：… 6. 输入：… 6. 输出：…").
"""

import re

from curation.stages.quality.finding import Exchange

#: RE2: a line that begins with a role or a part of a task.
CUE = (
    r"(?im)^[ \t#*\\]*(?:(?:human|user|assistant|ai|人类|用户|助手|instruction|response|input|指令"
    r"|回答)[ ]?[:：]"
    r"|\d{1,2} ?[.、．] ?(?:输入|输出|input|output) ?[:：]|<\\?\|im_start\||\[\\?INST\])"
)
_NEXT_TASK = re.compile(
    r"^[ \t]*+\d{1,2} ?[.、．] ?(?:输入|输出|input|output) ?[:：]", re.IGNORECASE | re.MULTILINE
)
_NEXT_TURN = re.compile(
    r"^(?:human|user|人类|用户) ?[:：]|^#\\?#{1,3} ?(?:instruction|response|input|指令|回答|human"
    r"|user)s? ?[:：]"
    r"|^<\\?\|im_start\||^\[\\?INST\]",
    re.IGNORECASE | re.MULTILINE,
)
_OWN_TURN = re.compile(r"^(?:assistant|ai|助手) ?[:：]", re.IGNORECASE | re.MULTILINE)
#: A prompt that asks for a dialogue, a template or tasks gets lines with roles.
_DIALOGUE = re.compile(
    r"对话|聊天|会话|剧本|脚本|台词|采访|访谈|问答|角色|扮演|机器人|客服|助[手理]|模板|格式|示例"
    r"|例子|任务|指令|输入"
    r"|提示词|prompt|dialog|conversation|chat|script|role|human|user|assistant|template|json|yaml",
    re.IGNORECASE,
)


def role_leak(exchange: Exchange) -> str | None:
    """The first line with which somebody else takes the word."""
    prompt, answer = exchange
    task = _NEXT_TASK.search(answer)
    if task and task.start() > 0 and not _NEXT_TASK.search(prompt):
        return task.group().strip()
    turn = _NEXT_TURN.search(answer)
    if not turn or _DIALOGUE.search(prompt):
        return None
    begun = turn.start() > 0 or _OWN_TURN.search(answer)
    return turn.group() if begun else None
