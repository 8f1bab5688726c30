"""Turns that only say "go on"."""

import re

from curation.stages.quality.finding import Exchange

#: Longest request that only says to go on: "请继续完成上面没有写完的内容。" has 15 characters.
MAX_CHARS = 24
#: Longest answer that only asks what to go on with.
MAX_ASKING_CHARS = 120

#: RE2: a prompt that may say so.
CUE = r"(?i)继续|接着|往下|continue|go on|keep going|carry on"
_MORE = re.compile(
    r"\A\W*+(?:好的?\W*+)?(?:请|请你|麻烦|你)?(?:继续|接着|往下)"
    r"(?:写|说|讲|回答|生成|输出|完成|翻译|补充|编)?(?:完|下去|一下)?"
    r"(?:上文|上面的?|刚才的?|前面的?|没有?写完的?|未完的?)?(?:内容|部分|回答)?[吧啊呀]?\W*+"
    r"|\A\W*+(?:please )?(?:continue|go on|keep going|carry on)(?: please| writing)?\W*+",
    re.IGNORECASE,
)
_WHAT = re.compile(
    r"(?:继续|接着)(?:做|写|讨论|讲|说)?什么|(?:请|需要)(?:您|你)?(?:告诉我|提供)[^。\n]{0,30}"
    r"|(?:没有|不清楚|不知道)[^。\n]{0,12}(?:上下文|上文|前文|要继续)|what .{0,30}continue",
    re.IGNORECASE,
)


def asks_for_more(prompt: str) -> bool:
    """Whether `prompt` says nothing but to go on. First in a conversation, it has no context."""
    return len(prompt) <= MAX_CHARS and bool(_MORE.fullmatch(prompt))


def asks_back(exchange: Exchange) -> str | None:
    """The words by which an answer asks what it should go on with: the context is lost."""
    if len(exchange.answer) > MAX_ASKING_CHARS or not asks_for_more(exchange.prompt):
        return None
    match = _WHAT.search(exchange.answer)
    return match.group() if match else None
