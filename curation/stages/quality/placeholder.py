"""Placeholders where an answer or a question should be.

Of the 73k Alpaca-style rows it was set on, 134 answers are empty, a `<nooutput>` marker or one
punctuation mark. "无", "null" and the like are often right ("正相关、负相关还是无？"), so they
count only where the prompt orders something to be made.
"""

import re

from curation.stages.quality.finding import Exchange

_VISIBLE = re.compile(r"[^\s\u200b-\u200f\u2060\ufeff\u00ad]")

#: Longest answer that is still nothing but a marker: "<nooutput> - …不能由语言模型创建。" has 30.
MAX_MARKER_CHARS = 60
_MARKER = re.compile(
    r"\A\W*(?:&lt;|[<＜(（\[【])\s*(?:no[ _-]?(?:in|out)put|[无没]有?输[入出]|placeholder|占位符"
    r"|(?:请?在?(?:此处|这里))?请?(?:插入|填写|填入)[^\]】]{0,20}|insert)"
    r"\s*(?:&gt;|[>＞)）\]】]|-)(?:\W*|.*(?:无法|不能|不是|视觉|模型).*)",
    re.IGNORECASE | re.DOTALL,
)
# "无输出，因为该任务需要图像。", in brackets or not.
_EXCUSED = re.compile(
    r"\A\W*+(?:预期)?(?:no[ _-]?output|[无没]有?输出)\W++[^\n]{0,40}?(?:无法|不能|而不是|需要"
    r"|视觉|模型|任务)[^\n]*+\s*+",
    re.IGNORECASE,
)
_BARE_MARKER = re.compile(
    r"\A\W*+(?:no[ _-]?(?:in|out)put|[无没]有?输[入出]|待补充|此处省略)\W*+", re.IGNORECASE
)
_ASKS_FOR_OUTPUT = re.compile("输[入出]|运行|执行|编译|结果|返回")

# "[图表]", "<附加裁剪图像>", "[结构图片]": a thing that was not made.
_BRACKETED = re.compile(
    r"\A\s*+[<＜\[【][^<>＜＞\[\]【】\n]{0,24}(?:图片|图像|图表|图形?|照片|视频|音频|附件|草图|标志"
    r"|徽标|海报)[>＞\]】]\s*+"
)

_NOTHING = re.compile(r"\A\W*+(?:暂?无|没有|空|不适用|none|null|nil|nan|n/?a)\W*+", re.IGNORECASE)
_ORDER = re.compile(
    r"(?:请|请你|帮我)?(?:设计|生成|创建|创作|制作|编写|撰写|描述|解释|介绍|开发|构建|构造"
    r"|写[一个首篇段封]|如何|怎么|怎样|为什么|谈谈|说说)"
)

_ASKS_FOR_NOTHING = re.compile("空|null|none|nil|nan|无", re.IGNORECASE)

# A lone dash or sign may be what was asked for; these never are, but where marks are asked for.
_STOPS = re.compile(r"\A[\s.。…—]++\Z")
_ONE_MARK = re.compile(r"\A\s*+([.。…·\-—_,，、;；:：?？!！*#/\\~～=+|])(?:\s*+\1)*+\s*+")
_ASKS_FOR_MARKS = re.compile(
    "符|标点|运算|摩尔斯|莫尔斯|摩斯|电码|空格|ASCII|句号|逗号|问号|叹号|冒号|分号|省略|比较|大于"
    "|小于|分隔|分割线|横线",
    re.IGNORECASE,
)


def placeholder_answer(exchange: Exchange) -> str | None:
    """The answer, if it only holds the place of one."""
    prompt, answer = exchange
    if len(answer) > MAX_MARKER_CHARS:
        return None
    marker = (
        not _VISIBLE.search(answer)
        or _MARKER.fullmatch(answer)
        or _BRACKETED.fullmatch(answer)
        or _stands_for_output(prompt, answer)
        or _stands_for_words(prompt, answer)
    )
    return answer if marker else None


def _stands_for_output(prompt: str, answer: str) -> bool:
    marker = _BARE_MARKER.fullmatch(answer) or _EXCUSED.fullmatch(answer)
    return bool(marker) and not _ASKS_FOR_OUTPUT.search(prompt)


def _stands_for_words(prompt: str, answer: str) -> bool:
    """Whether an answer is "无" or a mark where words were asked for."""
    if _NOTHING.fullmatch(answer):
        return bool(_ORDER.match(prompt)) and not _ASKS_FOR_NOTHING.search(prompt)
    if not _ONE_MARK.fullmatch(answer) or _ASKS_FOR_MARKS.search(prompt):
        return False
    return bool(_STOPS.match(answer) or _ORDER.match(prompt))


def placeholder_prompt(prompt: str, first: bool) -> str | None:
    """The prompt, if it asks nothing. A lone "？" is a question, but not as the `first` one."""
    if len(prompt) > MAX_MARKER_CHARS:
        return None
    if not _VISIBLE.search(prompt):
        return prompt
    marker = _MARKER.fullmatch(prompt) or _BARE_MARKER.fullmatch(prompt)
    if first and (marker or _NOTHING.fullmatch(prompt) or _ONE_MARK.fullmatch(prompt)):
        return prompt
    return None
