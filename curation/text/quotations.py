"""Quotations: what a text cites, and which of it is Japanese, whatever the text itself is."""

import re
from collections.abc import Callable

from curation.text import hanzi

#: A pair of quotation marks, title marks included, and what is between them. Linear: what follows
#: an opening mark is read up to the next mark of its own kind.
QUOTED = re.compile(
    r'“[^“”]*+”|「[^「」]*+」|『[^『』]*+』|"[^"\n]*+"|‘[^‘’]*+’|《[^《》]*+》|〈[^〈〉]*+〉'
)

# 日文「…」, 日語名稱《…》, 韓文作“…”; and the gloss （日語：…） of encyclopaedias.
_CUE = "(?:日[文語语]|日本[語语]|[韓韩][文語语])"
_CUED = re.compile(rf"{_CUE}[^，。！？；、\s「」『』《》〈〉“”‘’\"]{{0,3}}\Z")
_GLOSS = re.compile(rf"(?<=[（(]){_CUE}[:：][^（）()，。；\n]{{1,60}}+")
_KANA = re.compile(hanzi.KANA_CLASS)
_HANGUL = re.compile(r"[\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3]")
_HAN = re.compile(r"[\u3400-\u9fff]")

# Chinese words in characters that Japanese has too, but does not use so (是非, 存在, 終了, 那覇).
_CHINESE_WORD = re.compile(  # and not before hiragana: 他の, 我が, 在る
    "什[么麼]|怎[么麼]|[這这們们還还沒]|是(?![ぁ-ん非正認])|那(?![ぁ-ん覇須珂])|翻[译譯]成|[请請][把用将將]|中文意思|用中文"
    "|(?:^|[^申要招懇起普勧下元])[请請](?![ぁ-ん求負願来書け])"
    "|[\\s」』”’》〉\ue000]的(?![ぁ-ん中確場屋])|(?:^|[^ぁ-ん])很(?![ぁ-ん戻])"
    "|(?:^|[^存現滞駐不健自])在(?![ぁ-ん庫日宅住籍学學位任留])"
    "|(?:^|[^完終修読校満])了(?![ぁ-ん解承])"
    "|有[几幾]|[几幾][个個画畫]|我(?![ぁ-ん々慢家流孫])|(?:^|[^其])他(?![ぁ-ん人社国國方界殺力校])"
)

# Old forms that Japanese gave up, in names too; where there is no kana, as around a quotation.
_OLD_FORM = re.compile("[譯釋讀發寫歡變對當點體號聲]")

# Stands for a quotation while the rest is converted. Should a text hold it, it stands for itself.
_MARK = "\ue000"
# An element of program text. An open one runs to the end.
_ELEMENT = r"<(?:code|pre|kbd|samp)\b[^<>]*+>(?:[^<]|<(?!/(?:code|pre|kbd|samp)>))*+"
_MASKED = re.compile(f"{_ELEMENT}|{QUOTED.pattern}|{_GLOSS.pattern}|{_MARK}")


def looks_japanese(text: str) -> bool:
    """Whether `text` has kana, or Han that only Japanese has."""
    return not hanzi.japanese_set().isdisjoint(text) or bool(_KANA.search(text))


def looks_chinese(text: str) -> bool:
    """Whether `text` has a character or a word that Japanese does not write."""
    if not hanzi.not_japanese_set().isdisjoint(text) or _CHINESE_WORD.search(text):
        return True
    return bool(_OLD_FORM.search(text)) and not _KANA.search(text)


def mask_foreign(text: str) -> tuple[str, Callable[[str], str]]:
    """`text` with a mark for each quotation in Japanese or Korean, and what puts them back.

    So for a `<code>` element. A quotation in Han alone is Japanese by characters that only
    Japanese has, or by a cue before it: 日文「東京都」.
    """
    kept: list[str] = []

    def mask(match: re.Match[str]) -> str:
        if not _is_foreign(match):
            return match[0]
        kept.append(match[0])
        return _MARK

    def restore(converted: str) -> str:
        parts = iter(kept)
        return re.sub(_MARK, lambda _: next(parts), converted)

    return _MASKED.sub(mask, text), restore


def _is_japanese_name(text: str) -> bool:
    """Whether one character of `text` in five is Han that only Japanese has, and none Chinese."""
    own = sum(map(hanzi.japanese_set().__contains__, text))
    return own * 5 >= len(text) and not looks_chinese(text)


def _is_foreign(match: re.Match[str]) -> bool:
    if _MARK in match[0] or match[0].startswith(("日", "韓", "韩")):  # the mark, or a gloss
        return True
    if match[0].startswith("<") or _KANA.search(match[0]) or _is_japanese_name(match[0]):
        return True
    if len(_HANGUL.findall(match[0])) * 2 > len(_HAN.findall(match[0])):
        return True
    before = match.string[max(0, match.start() - 6) : match.start()]
    return _CUED.search(before) is not None
