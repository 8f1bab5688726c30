"""Looping answers: one unit over and over, or one sentence all the time.

Repeated 10-grams alone flag what is legitimate: at any share from 0.3 to 0.9 nearly all of the
calibration rows they find are HTML and Markdown tables, code, multiplication tables, surveys and
songs with a refrain. A loop repeats prose *in a row*, or the same sentence ever again.
"""

import re
from collections import Counter

from curation.stages.quality.finding import Exchange
from curation.text.spans import prose

#: Fewest characters in which a loop shows; below are chants and beats ("dum dum dum").
MIN_CHARS = 40
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

_GRAM = 10  # a repeat of fewer characters is chance
_LETTERS = re.compile(r"[^\W\d_]")
_SENTENCE = re.compile(r"[^。！？!?；;\n]+")
_NUMBER = re.compile(r"^\s*(?:[-*•]|[\d一二三四五六七八九十]+[.、．)）])\s*")


def repetition(exchange: Exchange) -> float | None:
    """Share of the answer that is a loop, where it is `MIN_SHARE` or more."""
    answer = exchange.answer
    share = _looping(answer)
    if share >= MIN_SHARE:  # code may repeat; looked at last, for it is the dearer question
        share = _looping(prose(answer))
    return round(share, 4) if share >= MIN_SHARE else None


def _looping(text: str) -> float:
    return max(_in_a_row(text), _one_sentence(text)) if len(text) >= MIN_CHARS else 0.0


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
