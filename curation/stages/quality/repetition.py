"""Looping answers: one unit over and over, one sentence all the time, the same parts again.

Repeated 10-grams alone flag what is legitimate: at any share from 0.3 to 0.5 nearly all of the
calibration rows they find are HTML and Markdown tables, code, multiplication tables, surveys and
songs with a refrain. A loop repeats a character or prose *in a row*, or the same sentence ever
again, or says in prose all it says three times.
"""

import re
from collections import Counter

from curation.stages.quality.finding import Exchange
from curation.text.spans import prose

#: Fewest characters in which a loop shows; below are chants, beats ("dum dum dum") and laughter.
MIN_CHARS = 40
#: Fewest characters, fewest times and smallest share of an answer that is nothing but one unit of
#: up to `MAX_SHORT_UNIT` characters, different Han among them ("水果水果水果…", not "哈哈哈…").
#: A few times are a cheer ("加油！加油！…"); the corpora have no answer of six.
MIN_SHORT_CHARS = 16
MIN_SHORT_HAN = 2
MIN_SHORT_TIMES = 6
MIN_SHORT_SHARE = 0.9
MAX_SHORT_UNIT = 12
#: Share of the answer that loops. Highest legitimate: 0.40 (nested spreadsheet formula) for units
#: in a row, 0.37 (chords of a song) for one sentence.
MIN_SHARE = 0.45
#: Fewest times a unit stands in a row, and fewest times one sentence occurs.
MIN_TIMES = 4
MIN_SENTENCES = 6
#: Longest unit, in characters: a paragraph.
MAX_UNIT = 200
#: Share of letters in a unit.
#: Chinese prose has 0.92 (median), code and beats that were found 0.67.
MIN_LETTERS = 0.7
#: Share of the 10-grams of a longer prose text that were there before: it says everything three
#: times. Highest legitimate: 0.51 (a table of search phrases), 0.43 (letters to four customers).
MIN_GRAM_SHARE = 0.6
MIN_GRAM_CHARS = 200

_GRAM = 10  # a repeat of fewer characters is chance
#: Probes of `_PROBE` characters, spread evenly, of which two must occur elsewhere in the text: a
#: loop over 45 % of it catches three of eight.
_PROBES, _PROBE, _MIN_FOUND = 8, 6, 2
_LETTERS = re.compile(r"[^\W\d_]")
_SENTENCE = re.compile(r"[^。！？!?；;\n]++")
_NUMBER = re.compile(r"^\s*+(?:[-*•]|[\d一二三四五六七八九十]++[.、．)）])\s*+")
# Who asks for a loop gets one. 第二次 counts, it does not repeat.
_ASKED_FOR = re.compile(
    r"重复|反复|越多越好|抄写|复读|循环|(?:[\d多几百千万]|(?<!第)[二两三四五六七八九十]) ?[遍次]"
)
# A sound, a beat or a cheer is said again and again.
_SOUND = re.compile("声|音|节[拍奏]|鼓|口号|加油|打气|唱|念|咒|笑|叫")
_HAN = re.compile(r"[\u3400-\u9fff]")
_SHORT_LOOP = re.compile(rf"\A\s*+(.{{2,{MAX_SHORT_UNIT}}}?)\1{{{MIN_SHORT_TIMES - 1}}}")
# Rules, boxes, blanks to fill in and leaders are drawn with one character; so are numbers.
_RUN = re.compile(r"([^\s\d_=*#~|+./\\<>─━═│█▓▒░·…—-])\1{39,}+")


def repetition(exchange: Exchange) -> float | None:
    """Share of the answer that is a loop, where it is `MIN_SHARE` or more."""
    answer = exchange.answer
    if share := _short_unit(answer):
        asked = _ASKED_FOR.search(exchange.prompt) or _SOUND.search(exchange.prompt)
        return None if asked else round(share, 4)
    if not _may_loop(answer) or _ASKED_FOR.search(exchange.prompt):
        return None
    share = _looping(answer)
    if share >= MIN_SHARE:  # code may repeat; looked at last, for it is the dearer question
        share = _looping(prose(answer))
    return round(share, 4) if share >= MIN_SHARE else None


def _may_loop(text: str) -> bool:
    """Whether parts of `text` occur elsewhere in it; a quick look."""
    found, step = 0, max((len(text) - _PROBE) // _PROBES, 1)
    for start in range(0, len(text) - _PROBE, step):
        probe = text[start : start + _PROBE]
        found += text.find(probe) != start or text.find(probe, start + 1) > 0
        if found == _MIN_FOUND:
            return True
    return False


def _short_unit(answer: str) -> float:
    """Share of `answer` that is a short unit with which it begins, where that is nearly all."""
    match = _SHORT_LOOP.match(answer)
    if not match or len(set(_HAN.findall(match[1]))) < MIN_SHORT_HAN:
        return 0.0
    text = answer.strip()
    share = text.count(match[1]) * len(match[1]) / len(text)
    return share if share >= MIN_SHORT_SHARE and len(text) >= MIN_SHORT_CHARS else 0.0


def _looping(text: str) -> float:
    if len(text) < MIN_CHARS:
        return 0.0
    return max(_one_character(text), _in_a_row(text), _one_sentence(text), _same_parts(text))


def _one_character(text: str) -> float:
    """Share of `text` in the longest run of one character, `MIN_CHARS` or longer."""
    longest = max((len(match.group()) for match in _RUN.finditer(text)), default=0)
    return longest / len(text)


def _in_a_row(text: str) -> float:
    """Share of `text` in the longest run of one unit `MIN_TIMES` or more times in a row."""
    longest, start = 0, 0
    while start + _GRAM < len(text):
        gram = text[start : start + _GRAM]
        again = text.find(gram, start + 1, start + MAX_UNIT + _GRAM)
        length = _run(text, start, again - start) if again > 0 else 0
        if length > longest:
            longest = length
        start += length or _GRAM
    return longest / len(text)


def _run(text: str, start: int, period: int) -> int:
    """Characters from `start` on that repeat with `period`; 0 for few times or not prose."""
    unit, end = text[start : start + period], start
    if len(_LETTERS.findall(unit)) < MIN_LETTERS * period:
        return 0
    while text.startswith(unit, end):
        end += period
    return end - start if end - start >= MIN_TIMES * period else 0


def _one_sentence(text: str) -> float:
    """Share of `text` that is one sentence or line, `MIN_SENTENCES` or more times."""
    parts = _SENTENCE.findall(text)
    if len(parts) < MIN_SENTENCES:
        return 0.0
    sentences = [_NUMBER.sub("", part).strip() for part in parts]
    sentence, times = Counter(sentences).most_common(1)[0]
    lettered = len(_LETTERS.findall(sentence)) >= MIN_LETTERS * len(sentence)
    return times * len(sentence) / len(text) if lettered and times >= MIN_SENTENCES else 0.0


def _same_parts(text: str) -> float:
    """Share of the 10-grams of a long prose `text` that were there before, from 0.6 on."""
    if len(text) < MIN_GRAM_CHARS or len(_LETTERS.findall(text)) < MIN_LETTERS * len(text):
        return 0.0
    grams = len(text) - _GRAM + 1
    share = 1 - len({text[i : i + _GRAM] for i in range(grams)}) / grams
    return share if share >= MIN_GRAM_SHARE else 0.0
