"""The question once more at the beginning of the answer."""

import re
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from schemas.conversation import Message

#: Letters and digits a repeated instruction has at least. Of 53 answers read that begin with the
#: whole prompt, the ten with a shorter one all go on with it as their subject.
SHORTEST = 10
COMPARED = 4  # letters that decide whether to look closer
LONGEST = 2000  # characters of a prompt that are compared

_NO_WORD = re.compile(r"[\W_]+")
_WORD = re.compile(r"[^\W_]")
_END = re.compile(
    r"(?<=[^\W_])(?:[ \t]*+[。．！？!?…]++|[.](?=\s|\Z)|[ \t]*+#(?=[^#])"
    r"|[ \t]*+(?:\*\*)?+[ \t]*+\n)"
)
_OPENING = re.compile(r"\A\s*+(?:#|\*\*)?+(?:(?i:指令|instruction)[:：]\s*+)?+")
_BETWEEN = re.compile(r"[\s#*。．！？!?，,;；]*+")

# The answer goes on about the question: it would lack its subject.
_REFERS = re.compile(
    r"(?:这是|这个|这真是|[该此])[^。！？\n]{0,20}问题|(?:this|that)[^.!?\n]{0,30}question",
    re.IGNORECASE,
)

# Tasks whose answer is the text itself, or begins with it.
_ECHO = re.compile(
    "重复|复述|遍|仿照|提问|跟读|朗读|背诵|抄写|翻译|译成|译为|改写|重写|续写|扩写|缩写|仿写|接着|继续|接龙|下一句|下句"
    "|润色|纠正|改正|更正|修正|校对|修改|编辑|修订|补全|补充|完成|填空|填入|替换|转换|改成|改为|变成|格式"
    "|排列|重组|造句|标点|语法|句子|开头|开始|标题|诗|歌词|故事|对话|引用|说出|输出|打印|回显"
    "|repeat|echo|translat|rewrite|continue|complete|proofread|edit|correct|paraphrase|convert|format"
    "|replac|begin|start|title|sentence|print",
    re.IGNORECASE,
)
# An instruction: it asks, or begins as one asks.
_ASKS = re.compile(
    "[？?]|\\A\\W*(?:请|帮|给|让|告诉|介绍|解释|说明|描述|列|写|编写|撰写|设计|创建|创造|生成|制定|构建|构造|提供|提出"
    "|推荐|建议|分析|比较|对比|总结|概括|讨论|阐述|论述|谈|计算|求|找|查找|识别|分类|评估|评价|命名|定义|想"
    "|如何|怎么|怎样|为什么|为何|什么|哪|谁|是否|what|how|why|who|when|where|which|can|please|write|explain"
    "|describe|list|give|tell|name|create|design|generate)",
    re.IGNORECASE,
)


def may_repeat(roles: pa.StringArray, contents: pa.StringArray) -> NDArray[np.bool_]:
    """(m,) which messages are answers that begin with the first letters of the one before."""
    begins = pc.utf8_lower(pc.utf8_slice_codeunits(contents, 0, 4 * COMPARED))
    letters = pc.replace_substring_regex(begins, r"[\pP\pS\pZ\s]+", "")
    letters = pc.utf8_slice_codeunits(letters, 0, COMPARED)
    same = np.zeros(len(contents), bool)
    if len(contents) > 1:
        equal = pc.and_(pc.equal(letters[1:], letters[:-1]), pc.equal(roles[1:], "assistant"))
        same[1:] = equal.to_numpy(zero_copy_only=False)
    return same


def repeated_instruction(messages: Sequence[Message]) -> list[str]:
    """The answers without the question they begin with, where that is certain.

    The prompt, or its first line where an input follows, must stand there letter for letter, with
    the end of a sentence behind it and an answer after that; it must ask, and not for its own text.
    """
    contents = [content for _, content in messages]
    for i in range(1, len(messages)):
        if (messages[i - 1].role, messages[i].role) == ("user", "assistant"):
            contents[i] = _without(contents[i], messages[i - 1].content)
    return contents


def _without(answer: str, prompt: str) -> str:
    first, _, rest = prompt.strip().partition("\n")
    for instruction in (prompt, first) if rest else (prompt,):
        end = _repeated(answer, instruction)
        if end and _ASKS.search(instruction) and not _ECHO.search(prompt):
            return answer[end:]
    return answer


def _repeated(answer: str, instruction: str) -> int:
    """Where the answer goes on behind `instruction`, or 0."""
    letters = _NO_WORD.sub("", instruction[: LONGEST + 1]).casefold()
    if not SHORTEST <= len(letters) <= LONGEST or len(instruction) > LONGEST:
        return 0
    position, seen = _OPENING.match(answer).end(), 0  # type: ignore[union-attr]
    first = answer[position : position + 1]
    # A quotation or a docstring belongs to the answer, but for marks that the prompt begins with.
    if not (first.isalnum() or first == instruction.strip()[:1]):
        return 0
    for letter in _WORD.finditer(answer, position, position + 2 * LONGEST):
        if not letters.startswith(folded := letter[0].casefold(), seen):
            return 0
        seen += len(folded)
        if seen == len(letters):
            return _next(answer, letter.end())
    return 0


def _next(answer: str, end: int) -> int:
    """Where the next sentence begins, if one ends at `end` and one follows; else 0."""
    if not _END.match(answer, end):
        return 0
    begin = _BETWEEN.match(answer, end).end()  # type: ignore[union-attr]
    return begin if _WORD.search(answer, begin) and not _REFERS.match(answer, begin) else 0
