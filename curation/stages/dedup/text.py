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

PUNCTUATION = "。．，、；：？！…—～·“”‘’\"'「」『』《》〈〉（）【】,.;:?!()"
TURN_SEPARATOR = "\x1e"  # keeps "a b | c" and "a | b c" apart

_OTHER, _ALNUM, _SPACE, _PUNCTUATION = range(4)
_HAN = range(0x3400, 0xA000)


def compared_text(batch: pa.RecordBatch, key: str) -> pa.StringArray:
    """(n,) the text of each conversation under `key`: prompt, response or conversation."""
    flat = turns(batch)
    kept = np.ones(len(flat.contents), bool)
    if key != "conversation":
        role = "user" if key == "prompt" else "assistant"
        kept = np.asarray(pc.equal(flat.roles, role))
    before = np.concatenate([[0], np.cumsum(kept)]).astype(np.int32)
    lists = pa.ListArray.from_arrays(
        pa.array(before[flat.offsets]), flat.contents.filter(pa.array(kept))
    )
    return pc.binary_join(lists, TURN_SEPARATOR)


def fold(texts: CodePoints) -> CodePoints:
    """The normal form of each text. A text of nothing but punctuation stays as it is."""
    folding, kind = _tables()
    points = folding[texts.points]
    kinds = kind[points]
    keep = _kept(kinds, texts.offsets)
    keep |= _all_punctuation(keep, texts.offsets)
    before = np.concatenate([[0], np.cumsum(keep)])
    folded = np.where(kinds == _SPACE, np.uint32(ord(" ")), points)
    return CodePoints(folded[keep], before[texts.offsets])


def _kept(kinds: NDArray[np.uint8], offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(total,) which characters stay: all but space and punctuation, and those inside a word."""
    solid = np.flatnonzero(kinds != _SPACE)
    keep: NDArray[np.bool_] = kinds == _OTHER
    keep |= kinds == _ALNUM
    text = np.searchsorted(offsets, solid, side="right")
    word = kinds[solid] == _ALNUM
    # One space stays of a run between two word characters of the same text.
    joined = word[1:] & word[:-1] & (text[1:] == text[:-1]) & (np.diff(solid) > 1)
    keep[solid[1:][joined] - 1] = True
    marks = np.flatnonzero(kinds == _PUNCTUATION)
    inner = marks[(marks > 0) & (marks < len(kinds) - 1)]
    inside = (kinds[inner - 1] == _ALNUM) & (kinds[inner + 1] == _ALNUM)
    edge = np.zeros(len(kinds) + 1, bool)
    edge[offsets] = True
    keep[inner[inside & ~edge[inner] & ~edge[inner + 1]]] = True
    return keep


def _all_punctuation(keep: NDArray[np.bool_], offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(total,) true on the texts of which nothing would stay."""
    lengths = np.diff(offsets)
    before = np.concatenate([[0], np.cumsum(keep)])
    nothing: NDArray[np.bool_] = np.diff(before[offsets]) == 0
    return np.repeat(nothing, lengths)


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
            kind[code] = _SPACE
    kind[[ord(c) for c in PUNCTUATION]] = _PUNCTUATION
    kind[[c for c in range(128) if chr(c).isalnum()]] = _ALNUM
    return folding, kind
