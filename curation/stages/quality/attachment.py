"""Pictures, sounds and files that a text cannot hold.

Alpaca has a hundred prompts like "描述这张照片。 [插入照片]" whose answers describe what nobody
saw, and answers that hand over "[插入流程图]" or a picture by an invented address.
"""

import re

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.stages.quality import unseen
from curation.stages.quality.finding import Exchange, Messages, without_code
from curation.stages.quality.unseen import MEDIA

#: Longest answer that is nothing but a hint at an attachment: "请参阅随附的图像（词云.jpg）".
MAX_HINT_CHARS = 60

_HANDED_OVER = re.compile(
    rf"^[ \t]*+(?:[<\[【＜](?:插入|附件|附加|在此|此处)[^\]>】＞\n]{{0,30}}[>\]】＞]"
    rf"|[<\[【＜](?:{MEDIA}|图表)[^\]>】＞\n]{{0,40}}[>\]】＞]"
    r"|!\[[^\]\n]{0,40}\][(（]https?://[^\n]{1,300}[)）])[ \t]*+$",
    re.MULTILINE,
)
_SEE_ATTACHED = re.compile(
    r"(?:参[阅见考]|[见看]|查看)(?:随附|附件|附上|所附|附图|[上下]图(?![^\n]{0,20}\n\s*+\S))|^\W*附件[:：]"
)
_SAYS_SO = re.compile(
    "无法|不能|抱歉|对不起|没有(?:提供|看到|附|图|收到)|未(?:提供|附|收到)|请提供|不支持|看不到"
    "|语言模型|模板"
)
_ASKS_FOR_PLACES = re.compile(
    "模板|占位|markdown|html|格式|邮件|信|简历|文章|帖|推文|博客|代码|报告|readme|怎么|如何",
    re.IGNORECASE,
)


def suspects(messages: Messages) -> NDArray[np.bool_]:
    """(m,) whether prompt or answer names what a text cannot hold."""
    either = pc.or_(
        pc.match_substring_regex(messages.prompts, unseen.CUE),
        pc.match_substring_regex(
            messages.contents, r"(?m)^[ \t]*[<\[【＜!]|附件|附图|[随所]附|附上|[上下]图"
        ),
    )
    return np.asarray(either)


def attachment(exchange: Exchange) -> str | None:
    """The place that an attachment took, in the prompt or in the answer."""
    prompt, answer = exchange.prompt, without_code(exchange.answer)
    if _SAYS_SO.search(answer, 0, 400):
        return None
    code = answer != exchange.answer  # which nobody writes about a picture
    found = (None if code else unseen.place(prompt)) or _handed_over(prompt, answer)
    return found.group().strip()[:80] if found else None


def _handed_over(prompt: str, answer: str) -> re.Match[str] | None:
    if _ASKS_FOR_PLACES.search(prompt):
        return None
    short = len(answer) <= MAX_HINT_CHARS
    return _HANDED_OVER.search(answer) or (_SEE_ATTACHED.search(answer) if short else None)
