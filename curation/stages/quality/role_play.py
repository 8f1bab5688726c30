"""Requests that make the assistant speak as somebody else, or write what somebody else says."""

import math
import re
from bisect import bisect_left
from typing import NamedTuple

from curation.stages.quality.model_names import has_name

#: A role for the assistant.
_ROLE = re.compile(
    r"扮演(?!了|着|者|过|什么|怎样|何种|哪|重要|关键|的?角色)|保持角色|角色扮演|进入角色"
    r"|假装(?:你|自己|是|成|为)|(?:假设|假如|假定|假使|设想|想象|如果)你(?:现在)?(?:就?是|叫|自己|变成)"
    r"|模拟(?:一[个名位次场段]|成|你)|充当"
    r"|(?:现在|开始|[此今]后|从此)[起，,]?[ ]?你(?:就?是|叫|将|要|会)|你现在(?:就?是|叫)"
    r"|你将(?:会?是|作为|成为|扮演)|\bDAN mode\b"
    r"|\bpretend|role-?play|\bact(?:ing)? as|\bimagine (?:that )?you|\byou are now\b"
    r"|from now on,? you|play(?:ing)? the (?:role|part) of|\bsuppose you",
    re.IGNORECASE,
)
_MACHINE = re.compile(
    r"(?<![A-Za-z])AI(?![A-Za-z])|人工智能|机器人|语言模型|assistant|chatbot", re.IGNORECASE
)
#: Work on words: with a name in the request, the words of the answer are not the assistant's own.
_WORDS = re.compile(
    r"翻译|译[成为]|改写|重写|润色|改成|修改|纠正|校对|续写|仿写|重复|复述|朗读|抄写|提取|概括|摘要|总结"
    r"|写|创作|编[写一个]|撰|拟|生成|设计|台词|剧本|对话|口吻|口气|语气|身份|视角|角度|为主角|第一人称"
    r"|translate|rewrite|rephrase|paraphrase|repeat|summari[sz]e|\bwrite|compose|correct",
    re.IGNORECASE,
)


def gives_role(text: str) -> bool:
    """Whether a request, or a system message, has the assistant play a model: that role stays.

    Who plays Shakespeare and says "作为OpenAI训练的模型，我不能" has left the role.
    """
    if _ROLE.search(text) is None:
        return False
    return _MACHINE.search(text) is not None or has_name(text)


def asks_for_words(text: str) -> bool:
    """Whether a request is for a translation, a story, an echo: words that are not one's own."""
    return _WORDS.search(text) is not None


class Requests(NamedTuple):
    """What a conversation asks, for the question who speaks in its answers.

    places: the system and user messages, in order.
    texts:  what they say.
    role:   the place from which on the assistant plays another model; infinity without one.
    named:  the place from which on a model or a maker is in the talk; infinity without one.
    """

    places: list[int]
    texts: list[str]
    role: float
    named: float

    def another_speaks(self, place: int) -> bool:
        """Whether the words of message `place` are, by request, not the assistant's own."""
        if self.role <= place:
            return True
        last = bisect_left(self.places, place) - 1
        return last >= 0 and self.named < place and asks_for_words(self.texts[last])


def requests(places: list[int], texts: list[str]) -> Requests:
    """The `Requests` of the system and user messages `texts` at `places`."""
    pairs = list(zip(places, texts, strict=True))
    role = next((place for place, text in pairs if gives_role(text)), math.inf)
    named = next((place for place, text in pairs if has_name(text)), math.inf)
    return Requests(places, texts, role, named)
