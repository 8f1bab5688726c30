"""Answers in another language than their question, or with parts that were not translated."""

import re

import numpy as np
from numpy.typing import NDArray

from curation.stages.quality.finding import Exchange, Messages, not_wished
from curation.text.spans import prose

#: Fewest letters of an answer in the wrong language. Shorter ones are names, passwords, anagrams.
MIN_LETTERS = 40
#: Largest share of its letters that may be Han: above, it explains something in Chinese.
MAX_HAN = 0.1
#: Fewest function words of English prose: lists of names and of hashtags have fewer.
MIN_FUNCTION_WORDS = 4
#: Fewest words of an English sentence that counts as left untranslated. Titles are shorter.
MIN_WORDS = 8

#: RE2: at least `MIN_WORDS` English words in a row.
ENGLISH_CUE = rf"(?:[A-Za-z0-9'’-]+[,;]? ){{{MIN_WORDS - 1}}}[A-Za-z]"

# RE2: a language, not 方法文档 or 今日文章.
_LANGUAGE = "(?:^|[^合方办司今每节生道品])[英法德日韩俄泰梵][文语汉]"
#: RE2: a wish for another language, which holds for the rest of the conversation.
WISH = (
    rf"(?i){_LANGUAGE}|[外双][文语]|西班牙|葡萄牙|意大利|阿拉伯|拉丁|翻译|译[成为]|口语"
    r"|\bin (?:english|french|german|japanese|korean|spanish|russian|italian|portuguese|arabic)\b"
)
# A prompt with any of these may well want another language, or code: a language or a part of one,
# an activity that has its words in one, a known text of another country. Letters of it alone do not
# (日常, 道德, 英雄, 合法, 印度, 诗歌), nor do texts that are written in Chinese as well.
_WANTS_FOREIGN = re.compile(
    rf"{_LANGUAGE}|译|翻[成为]|[外双母]语|外[国文]|语[法音种言]|[短词口谚俚用]语"
    r"|单词|字母|词汇|拼写|拼音|音标|元音|反转|倒序|缩写|密码|加密|编码|解码|字符串"
    r"|西班牙|意大利|拉丁|葡萄牙|阿拉伯|印地|代码|编程|脚本|正则|命令"
    r"|(?:写|创建|编|定义|实现|生成)[^，。\n]{0,20}(?:函数|程序|算法|查询)|节拍|节奏"
    r"|名言|国歌|歌词|俳句|独白|台词|开场白|宣言|原文|背诵|默写|莎士比亚|圣经"
    r"|用户名|域名|标签|[A-Za-z]{2}"
)
_FUNCTION_WORD = re.compile(
    r"\b(?:the|is|are|was|were|of|and|to|in|that|it|for|with|this|you|your|can|be|have|has|will|by"
    r"|as|on|an?|which|from|my|we|or|not|but)\b",
    re.IGNORECASE,
)
_LETTER = re.compile(r"[^\W\d_]")
_HAN = re.compile(r"[\u3400-\u9fff]")
_NOT_LATIN = re.compile(r"[\u0370-\u1fff\u3040-\u30ff\uac00-\ud7af]")
_CODE = re.compile(r"[{}=]|```|\bdef |\bSELECT\b|\bprint\(|</")
_SENTENCE = re.compile(
    rf"(?<![A-Za-z0-9'’-])(?:[A-Za-z0-9][A-Za-z0-9'’-]{{0,30}}+[,;]? ){{{MIN_WORDS - 1},30}}+"
    r"[A-Za-z'’-]{1,30}+[.!?]"
)
_OPENED = re.compile(r"[“\"「『《（(][^“”\"「」『』《》（）()]{0,80}\Z")


def suspects(messages: Messages) -> NDArray[np.bool_]:
    """(m,) the answers in another language that nobody wished for."""
    return not_wished(WISH, messages, messages.foreign)


def wrong_language(exchange: Exchange) -> float | None:
    """Share of its letters that are not Han, for an answer all in a language nobody asked for.

    Only for answers whose message has another language than the Chinese request.
    """
    prompt, answer = exchange
    if _WANTS_FOREIGN.search(prompt) or _CODE.search(answer):
        return None
    letters, han = len(_LETTER.findall(answer)), len(_HAN.findall(answer))
    if letters < MIN_LETTERS or (han > MAX_HAN * letters and not _is_japanese(answer)):
        return None
    english = len(_FUNCTION_WORD.findall(answer)) >= MIN_FUNCTION_WORDS
    other = 2 * len(_NOT_LATIN.findall(answer)) > letters
    return round(1 - han / letters, 4) if english or other or _is_japanese(answer) else None


def _is_japanese(text: str) -> bool:
    kana = len(re.findall(r"[\u3040-\u30ff]", text))
    return kana >= MIN_LETTERS and 4 * kana > len(text)


def untranslated(exchange: Exchange) -> str | None:
    """An English sentence of `MIN_WORDS` words in a Chinese answer to a Chinese request."""
    prompt, answer = exchange
    if _WANTS_FOREIGN.search(prompt) or not _HAN.search(prompt) or not _HAN.search(answer):
        return None
    text = prose(answer)
    for match in _SENTENCE.finditer(text):
        quoted = _OPENED.search(text, max(0, match.start() - 100), match.start())
        words = len(_FUNCTION_WORD.findall(match.group()))
        if not quoted and words >= MIN_FUNCTION_WORDS - 1:
            return match.group()[:80]
    return None
