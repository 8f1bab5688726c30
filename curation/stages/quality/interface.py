"""What a chat page shows around an answer, copied with it."""

import re

from curation.stages.quality.finding import Exchange, without_code

#: RE2: words of the notices below.
CUE = (
    r"(?i)something went wrong|error generating|network error|网络错误|网络异常|服务器繁忙"
    r"|too many requests|unable to load conversation|regenerate response|重新生成|达到|reached"
    r"|may violate our content policy|违反我们的内容政策|内容已被|free research preview"
)
# A question about such notices gets them as its answer. A longer prompt has such words by the way.
_ASKS_FOR_NOTICES = re.compile("报错|错误|故障|异常|提示|断网|网络连|error|http", re.IGNORECASE)
_MAX_QUESTION_CHARS = 200
# Whole lines only: in a sentence, these words are talked about.
_NOTICE = re.compile(
    r"^[ \t]*+(?:"
    r"something went wrong[^\n]{0,120}|there was an error generating a response[^\n]{0,20}"
    r"|(?:an error occurred\. )?if this issue persists please contact us[^\n]{0,120}"
    r"|network error|网络错误[^\n]{0,20}|网络异常[^\n]{0,12}|服务器繁忙[^\n]{0,20}"
    r"|too many requests in 1 hour[^\n]{0,40}|unable to load conversation[^\n]{0,60}"
    r"|regenerate response|重新生成(?:回复|回答|响应)?|free research preview[^\n]{0,120}"
    r"|this content may violate our content policy[^\n]{0,200}"
    r"|此?内容可能违反我们的内容政策[^\n]{0,80}"
    r"|you've reached (?:our|the|your)[^\n]{0,20}limit[^\n]{0,80}"
    r"|(?:对话|会话|回答|回复)?(?:已|已经)?达到(?:了)?(?:最大)?(?:字数|长度|次数|轮数)(?:限制"
    r"|上限)[^\n]{0,30}"
    r")[ \t]*+$",
    re.IGNORECASE | re.MULTILINE,
)


def notice(exchange: Exchange) -> str | None:
    """A line that the page wrote, not the assistant."""
    prompt = exchange.prompt
    if len(prompt) <= _MAX_QUESTION_CHARS and _ASKS_FOR_NOTICES.search(prompt):
        return None
    match = _NOTICE.search(without_code(exchange.answer))
    return match.group().strip() if match else None
