"""Labels of a prompt template that were left in front of a message: `输出：`, `### Response:`.

Rare in real data (20 of 350,000 answers), and most messages that begin with a label need it: a
joke told as 问：… 答：…, a script, an example that was asked for. So a label goes only where
nothing in the conversation is laid out by labels or asks for it.
"""

import re
from collections.abc import Sequence

from schemas.conversation import Message

_ANSWER = "输出结果|输出|回答|答案|答|輸出|答覆|output|response|answer"
_ASK = "输入|指令|輸入|input|instruction"
_MARK = r"[ \t\u3000]*+(?:#{1,6}[ \t]*+|\*\*)?"
#: A message that does not begin so has no such label. In RE2 and Python.
SIGN = (
    rf"\A\s*(?:(?i:<noinput>|<no input>|<无输入>|&lt;(?:noinput|无输入)&gt;)\s*\n|"
    rf"(?:#{{1,6}}[ \t]*|\*\*)?(?i:{_ANSWER}|{_ASK})\s*(?:\*\*)?\s*[:：])"
)


def _label(names: str) -> re.Pattern[str]:
    return re.compile(rf"\A\s*+{_MARK}(?i:{names})[ \t]*+(?:\*\*)?[ \t]*+[:：](?:\*\*)?\s*+")


_LABELS = {"assistant": _label(_ANSWER), "user": _label(_ASK)}
_NO_INPUT = re.compile(r"\A\s*+<(?i:no ?input|无输入)>[ \t]*+\n\s*+(?=\S)")
# A line that begins with a label: the text is laid out by them.
_LAYOUT = re.compile(
    r"^[ \t\u3000\-*#\d.、)）]{0,8}"
    r"(?:输入|输出|示例|样例|问|答|甲|乙|用户|助手|机器人|指令|指示|说明|任务|要求"
    r"|input|output|explanation|example|instruction|response|user|assistant|q|a|b)"
    r"(?:\d{0,2}|\*\*)[ \t]*[:：]",
    re.IGNORECASE | re.MULTILINE,
)
# The prompt asks for labels, or for something that is made of them.
_ASKED = re.compile(
    "格式|模板|模版|开头|开始|前缀|标签|示例|例子|举例|样例|对话|对白|台词|脚本|剧本|笑话|谜语|问答|测验"
    f"|试题|多项选择|(?:{_ANSWER})[ \\t]*[:：]"
    "|format|template|prefix|begin|start|example|dialog|joke|quiz",
    re.IGNORECASE,
)
_ASKED_IN = re.compile("输入|指令|input|instruction", re.IGNORECASE)


def stray_prefix(messages: Sequence[Message]) -> list[str]:
    """The messages without a stray label in front. Never leaves a message empty.

    A label that several messages of a role begin with is the form of the conversation.
    """
    contents = [content for _, content in messages]
    found = {i: match for i, m in enumerate(messages) if (match := _match(m))}
    for i, match in found.items():
        role = messages[i].role
        alone = sum(messages[other].role == role for other in found) == 1
        rest = contents[i][match.end() :]
        others = [content for place, content in enumerate(contents) if place != i]
        if alone and rest.strip() and not _is_wanted(role, rest, others, contents[:i]):
            contents[i] = rest
    return contents


def _match(message: Message) -> re.Match[str] | None:
    label = _LABELS.get(message.role)
    if label is None:
        return None
    if message.role == "assistant" and (match := _NO_INPUT.match(message.content)):
        return match
    return label.match(message.content)


def _is_wanted(role: str, rest: str, others: Sequence[str], earlier: Sequence[str]) -> bool:
    """Whether the conversation is laid out by labels, or asked for them."""
    if role == "user":
        return bool(_LAYOUT.search(rest)) or any(map(_ASKED_IN.search, others))
    return bool(_LAYOUT.search(rest)) or any(map(_ASKED.search, earlier))
