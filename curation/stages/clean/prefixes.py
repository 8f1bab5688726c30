"""Labels of a prompt template that were left in front of a message: `输出：`, `### Response:`.

Rare in real data (20 of 350,000 answers), and most messages that begin with a label need it: a
joke told as 问：… 答：…, a script, an example that was asked for. So a label goes only where
nothing in the conversation is laid out by labels or asks for it.
"""

import re
from collections.abc import Sequence

from schemas.conversation import Message

_OUTPUT = "输出结果|输出|輸出|output"
_REPLY = "参考答案|回答|答案|答复|答覆|答|response|answer"
_SPEAKER = "assistant|助手|AI"
_ANSWER = f"{_OUTPUT}|{_REPLY}|{_SPEAKER}"
_ASK = "输入|指令|輸入|input|instruction"
_HASHES = r"[#＃]{1,6}[ \t]*"
#: A message that does not begin so has no such label. In RE2 and Python.
SIGN = (
    rf"\A\s*(?:(?i:<noinput>|<no input>|<无输入>|&lt;(?:noinput|无输入)&gt;)\s*\n|"
    rf"(?:{_HASHES}|\*\*)?(?i:{_ANSWER}|{_ASK})\s*(?:\*\*)?\s*[:：]|【(?i:{_ANSWER})】)"
)


def _label(names: str) -> re.Pattern[str]:
    colon = r"[ \t]*+(?:\*\*)?[ \t]*+[:：](?:\*\*)?\s*+"
    return re.compile(
        rf"\A\s*+(?:(?:{_HASHES}|\*\*)?+(?P<name>(?i:{names})){colon}(?:(?P=name){colon})*+"
        rf"|【(?i:{names})】[ \t]*+[:：]?\s*+)"
    )


_LABELS = {"assistant": _label(_ANSWER), "user": _label(_ASK)}
_NO_INPUT = re.compile(r"\A\s*+<(?i:no ?input|无输入)>[ \t]*+\n\s*+(?=\S)")
# A line that begins with a label: the text is laid out by them.
_LAYOUT = re.compile(
    r"^[ \t\u3000\-*#\d.、)）]{0,8}"
    r"(?:输入|输出|示例|样例|问|答|甲|乙|用户|助手|机器人|指令|指示|说明|任务|要求"
    r"|input|output|explanation|example|instruction|response|user|assistant|q|a|b)"
    r"(?:\d{0,2}|\*\*)[ \t]*[:：]|【[^【】\n]{1,8}】",
    re.IGNORECASE | re.MULTILINE,
)
# In a question any further label, wherever it stands, gives the first one its meaning.
_FURTHER = re.compile(
    rf"(?:{_ASK}|{_OUTPUT}|参考答案|回答|答案|任务|要求|示例|例子|选项|背景|上下文|文章|材料|题目|段落|文本"
    r"|response|answer|question|context|task|options)[ \t]*[:：]|(?:意思|含义|区别|语法|概念)",
    re.IGNORECASE,
)
_DATA = re.compile("输入|輸入|input", re.IGNORECASE)
# The prompt asks for labels, or for something that is made of them.
_ASKED = re.compile(
    r"格式|模板|模版|以[^\n]{0,20}(?:开头|开始)|(?:开头|开始)(?:是|为|写|用|加)|前缀|标签"
    "|(?<![下面列述些])(?<![下面列述些]的)(?:示例|例子|举例|样例)"
    "|对话|对白|台词|脚本|剧本|笑话|谜语|问答|测验|采访|访谈|面试|藏头|词条|造句"
    rf"|试题|选择题|(?:{_ANSWER})[ \t]*[:：]|^[ \t]*A[ \t]*[:：]"
    "|format|template|prefix|begin with|start with|example|dialog|joke|quiz",
    re.IGNORECASE | re.MULTILINE,
)
# What the label names is the subject: the headword that was asked for, or what a program prints.
_SUBJECT = {
    _OUTPUT: re.compile("输出|輸出|打印|运行|执行|output|print", re.IGNORECASE),
    _REPLY: re.compile(
        "答案|答复|答覆|回复|回答(?!以下|下列|下面|给定|所有|这|该|此|问题|我|一下|如下)"
        r"|response|reply|answer(?!\s+(?:the|this|these|my|it))",
        re.IGNORECASE,
    ),
    _SPEAKER: re.compile("assistant|助手|助理|AI|人工智能|缩写", re.IGNORECASE),
}
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
        wanted = (
            _is_named(match, rest, others)
            if role == "user"
            else _is_asked_for(match, rest, contents[:i])
        )
        if alone and rest.strip() and not wanted:
            contents[i] = rest
    return contents


def _match(message: Message) -> re.Match[str] | None:
    label = _LABELS.get(message.role)
    if label is None:
        return None
    if message.role == "assistant" and (match := _NO_INPUT.match(message.content)):
        return match
    return label.match(message.content)


def _is_named(label: re.Match[str], rest: str, others: Sequence[str]) -> bool:
    """Whether a question, or what stands around it, refers to its label."""
    if _LAYOUT.search(rest) or _FURTHER.search(rest) or any(map(_ASKED_IN.search, others)):
        return True
    return bool(_DATA.search(label[0])) and "\n" in rest.strip()


def _is_asked_for(label: re.Match[str], rest: str, earlier: Sequence[str]) -> bool:
    """Whether an answer is laid out by labels, or the conversation asked for this one."""
    if _LAYOUT.search(rest) or any(map(_ASKED.search, earlier)):
        return True
    return any(
        subject.search(text)
        for names, subject in _SUBJECT.items()
        if re.search(names, label[0], re.IGNORECASE)
        for text in earlier
    )
