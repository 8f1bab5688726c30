"""The text two conversations are compared by, and what is folded away before comparing.

Folded: width and compatibility forms (NFKC, one character to one), case, Traditional to Simplified
(character by character), white space, and the sentence punctuation in `PUNCTUATION`. Kept: digits,
signs, brackets of code, and white space or punctuation between two ASCII letters or digits, so that
3.5 is not 35, and 3乘以6 is not 3乘以8.
"""

import unicodedata
from functools import cache

import numpy as np
import opencc
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.stages.batch import turns
from curation.text.codepoints import UNICODE_SIZE, CodePoints

PUNCTUATION = "。．，、；：？！…—·“”‘’\"'「」『』《》〈〉（）【】,.;:?!()"
TURN_SEPARATOR = "\x1e"  # keeps "a b | c" and "a | b c" apart

_OTHER, _ALNUM, _SPACE, _PUNCTUATION = range(4)  # the first two always stay
_HAN = range(0x3400, 0xA000)
_ROLES = {
    "prompt": ["user"],
    "response": ["assistant"],
    # Not the system prompt: boilerplate that a whole source shares would make all of it alike.
    "conversation": ["user", "assistant"],
}


def compared_text(batch: pa.RecordBatch, key: str) -> pa.StringArray:
    """(n,) the text of each conversation under `key`: prompt, response or conversation."""
    flat = turns(batch)
    kept = np.asarray(pc.is_in(flat.roles, pa.array(_ROLES[key])))
    before = np.concatenate([[0], np.cumsum(kept)]).astype(np.int32)
    lists = pa.ListArray.from_arrays(
        pa.array(before[flat.offsets]), flat.contents.filter(pa.array(kept))
    )
    return pc.binary_join(lists, TURN_SEPARATOR)


def fold(texts: CodePoints) -> CodePoints:
    """The normal form of each text. A text of nothing but punctuation stays as it is."""
    folding, kind = _tables()
    points = folding[texts.points]
    keep = _kept(kind[points], texts.offsets)
    before = np.concatenate([[0], np.cumsum(keep)])
    nothing = np.flatnonzero(np.diff(before[texts.offsets]) == 0)
    if np.any(texts.lengths[nothing]):
        for text in nothing:
            keep[texts.offsets[text] : texts.offsets[text + 1]] = True
        before = np.concatenate([[0], np.cumsum(keep)])
    return CodePoints(points[keep], before[texts.offsets])


def _kept(kinds: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(total,) which characters stay: all but space and punctuation, and those inside a word."""
    keep: NDArray[np.bool_] = kinds <= _ALNUM
    spaces = np.flatnonzero(kinds == _SPACE)
    first = spaces[np.diff(spaces, prepend=-2) > 1]  # of each run of white space
    last = spaces[np.diff(spaces, append=len(kinds) + 1) > 1]
    keep[last[_inside_word(kinds, offsets, first, last)]] = True  # one space of the run
    marks = np.flatnonzero(kinds == _PUNCTUATION)
    keep[marks[_inside_word(kinds, offsets, marks, marks)]] = True
    return keep


def _inside_word(
    kinds: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """(r,) whether the run `first..last` stands between ASCII letters or digits of its text."""
    text = np.searchsorted(offsets, first, side="right")
    inner = (first > offsets[text - 1]) & (last < offsets[text] - 1)
    inside = inner.copy()
    inside[inner] = kinds[first[inner] - 1] == _ALNUM
    inside[inner] &= kinds[last[inner] + 1] == _ALNUM
    return inside


@cache
def _tables() -> tuple[NDArray[np.uint32], NDArray[np.uint8]]:
    """Per code point: what it folds to, and the kind of the folded character."""
    folding = np.arange(UNICODE_SIZE, dtype=np.uint32)
    for code in (*range(0xD800), *range(0xE000, 0x10000)):
        folded = unicodedata.normalize("NFKC", chr(code)).lower()
        if len(folded) == 1:
            folding[code] = ord(folded)
    simplified = opencc.OpenCC("t2s").convert("\n".join(map(chr, _HAN))).split("\n")
    folding[_HAN.start : _HAN.stop] = [ord(one) for one in simplified]
    kind = np.full(UNICODE_SIZE, _OTHER, np.uint8)
    for code in range(0x10000):
        if chr(code).isspace() and chr(code) != TURN_SEPARATOR:
            folding[code] = ord(" ")
    kind[ord(" ")] = _SPACE
    kind[[ord(c) for c in PUNCTUATION]] = _PUNCTUATION
    kind[[c for c in range(128) if chr(c).isalnum()]] = _ALNUM
    return folding, kind
