"""The text two conversations are compared by, and what is folded away before comparing.

Folded: width and compatibility forms (NFKC, one character to one), case, Traditional to Simplified
(character by character), white space, and the sentence punctuation in `PUNCTUATION`. Kept: digits,
signs, superscripts, brackets of code, and punctuation (or one space) between two ASCII letters or
digits, so that 3.5 and 3, 5 are not 35, 10² is not 102, and 3乘以6 is not 3乘以8.
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
    """(total,) which characters stay: all but space and punctuation, and those inside a word.

    Of a gap between two ASCII letters or digits of one text its punctuation stays, or one space
    where it has none.
    """
    keep: NDArray[np.bool_] = kinds <= _ALNUM
    gaps = np.flatnonzero(kinds > _ALNUM)
    if len(gaps) == 0:
        return keep
    starts = np.flatnonzero(np.diff(gaps, prepend=-2) > 1)  # of each gap, in `gaps`
    lengths = np.diff(starts, append=len(gaps))
    first, last = gaps[starts], gaps[starts + lengths - 1]
    inside = _inside_word(kinds, offsets, first, last)
    mark = kinds[gaps] == _PUNCTUATION
    keep[gaps[mark & np.repeat(inside, lengths)]] = True
    keep[last[inside & ~np.logical_or.reduceat(mark, starts)]] = True
    return keep


def _inside_word(
    kinds: NDArray[np.uint8],
    offsets: NDArray[np.int64],
    first: NDArray[np.int64],
    last: NDArray[np.int64],
) -> NDArray[np.bool_]:
    """(r,) whether the gap `first..last` stands between ASCII letters or digits of its text."""
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
        # 10² is not 102, nor ③ the digit 3; full-width digits are digits.
        if len(folded) == 1 and not (folded.isdecimal() and not chr(code).isdecimal()):
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
