"""Inputs that say "no input": words where an empty field was meant.

The kinds are those found in machine-translated Alpaca data, 480 rows of 73,467: `无输入`,
`&lt;无输入&gt;`, `没有输入。`, `不适用`, `无需输入`, `没有`, `<none>`, empty quotes.
"""

import html
import re

_WRAPPING = "<>《》〈〉()（）[]【】「」{}\"'“”‘’`* \t\r\n\u3000"
_ENDING = ".。,，!！;；"
_JOINTS = re.compile(r"[\s_\-]+")
LONGEST = 40  # characters; the longest kind with entities and quotes has 20

_WORDS = """
    noinput noinputs ninput noinputavailable withoutinput noinputneeded noinputrequired
    noinputgiven noinputprovided none null nil
    n/a notapplicable empty emptyinput 无 没有 没有任何 空 空白 无输入 无需输入 没有输入
    不需要输入 无须输入 不用输入 没有任何输入 无任何输入 空输入 输入为空 无输入内容 没有输入内容
    无内容 不适用 未提供 未提供输入 未输入 暂无输入 无额外输入 无附加输入
    没有额外输入 没有附加输入 nan
    無 沒有 無輸入 無需輸入 沒有輸入 不適用
"""
MARKERS = frozenset(_WORDS.split())
# Behind an instruction only these are sure: a text may end on a line that says 没有.
_SURE = frozenset(word for word in MARKERS if "输入" in word or "輸入" in word or "input" in word)
# The field of a template that was never filled in.
_FIELD = re.compile(r"(?:[<＜]|&lt;)\s?(?:输入|輸入|input)\s?(?:[>＞]|&gt;)", re.IGNORECASE)
_LABEL = re.compile(r"\A\s*+(?:输入|輸入|input)\s*+[:：](?=\s*+\S)", re.IGNORECASE)


def is_placeholder(text: str) -> bool:
    """Whether `text` only says that there is no input. Blank text says nothing."""
    if len(text) > LONGEST or not text or text.isspace():
        return False
    bare = _bare(text)
    return not bare or _word(bare) in MARKERS or bool(_FIELD.fullmatch(text.strip()))


def without_placeholder(text: str) -> str:
    """`text` without a last line that only says that there is no input: `<noinput>`, `输入：无`."""
    instruction, _, last = text.rstrip().rpartition("\n")
    if len(last) <= LONGEST and instruction.strip() and _says_none(last):
        return instruction.rstrip()
    return text


def _says_none(line: str) -> bool:
    label = _LABEL.match(line)
    if label:
        return is_placeholder(line[label.end() :])
    return _word(_bare(line)) in _SURE or bool(_FIELD.fullmatch(line.strip()))


def _bare(text: str) -> str:
    return html.unescape(text).strip(_WRAPPING)


def _word(bare: str) -> str:
    return _JOINTS.sub("", bare.strip(_WRAPPING + _ENDING).casefold())
