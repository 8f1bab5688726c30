"""Which characters tell Chinese, Japanese and the two Chinese scripts apart.

What a national character set holds is evidence of what its readers write: GB 2312 (Simplified,
plus a few Traditional forms that Simplified text keeps, such as 著 and 乾), Big5 (Traditional) and
JIS X 0208 (Japanese).
"""

from collections.abc import Iterable
from functools import cache

import numpy as np
import opencc
from numpy.typing import NDArray

from curation.text.codepoints import UNICODE_SIZE, CodePoints

#: CJK unified ideographs and extension A. Rarer planes count as Han, but are evidence of nothing.
_UNIFIED: NDArray[np.int64] = np.r_[0x3400:0x4DC0, 0x4E00:0xA000]
#: All Han, with the extensions and the compatibility forms.
HAN: NDArray[np.int64] = np.r_[_UNIFIED, 0xF900:0xFB00, 0x20000:0x323B0]
_KANA_BLOCKS = (
    *((0x3041, 0x3096), (0x309D, 0x309F), (0x30A1, 0x30FA), (0x30FD, 0x30FF), (0x31F0, 0x31FF)),
    (0xFF66, 0xFF9D),
)
#: Hiragana and katakana, half-width too; not ・ and ー, which Chinese text borrows.
KANA: NDArray[np.int64] = np.concatenate([np.arange(a, b + 1) for a, b in _KANA_BLOCKS])
#: The same as a class of regular expressions.
KANA_CLASS = "[" + "".join(f"{chr(a)}-{chr(b)}" for a, b in _KANA_BLOCKS) + "]"
HANGUL = np.r_[0x1100:0x1200, 0x3131:0x318F, 0xAC00:0xD7A4]
_ASCII = np.r_[0x41:0x5B, 0x61:0x7B]
_FULL_WIDTH = _ASCII + 0xFEE0
#: Latin letters with their European and Vietnamese accents.
LATIN = np.r_[_ASCII, 0xAA, 0xBA, 0xC0:0xD7, 0xD8:0xF7, 0xF8:0x250, 0x1E00:0x1F00, _FULL_WIDTH]


def encodable(encoding: str) -> NDArray[np.bool_]:
    """A flag per code point of `_UNIFIED`: whether `encoding` has it."""
    encoded = "\n".join(map(chr, _UNIFIED)).encode(encoding, "replace").split(b"\n")
    return np.array([character != b"?" for character in encoded])


def _changed(config: str) -> NDArray[np.bool_]:
    """A flag per code point of `_UNIFIED`: whether OpenCC's `config` changes it on its own."""
    characters = [chr(point) for point in _UNIFIED]
    converted = opencc.OpenCC(config).convert("\n".join(characters)).split("\n")
    return np.array([a != b for a, b in zip(characters, converted, strict=True)])


def _where(flags: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The code points of `_UNIFIED` that `flags` marks."""
    return _UNIFIED[np.flatnonzero(flags)]


@cache
def traditional() -> NDArray[np.int64]:
    """Code points only Traditional text has: t2s changes them and GB 2312 has no room for them."""
    return _where(_changed("t2s") & ~encodable("gb2312"))


@cache
def unsettled() -> NDArray[np.int64]:
    """Code points t2s may change that Simplified text also holds: 於 and the like, 瞭, 著."""
    phrase_only = np.array([ord(character) for character in "瞭著藉覆乾徵"])
    return np.union1d(_where(_changed("t2s") & encodable("gb2312")), phrase_only)


@cache
def simplified() -> NDArray[np.int64]:
    """Code points only Simplified text has: s2t changes them and Big5 has no room for them.

    Less the rare forms that either direction changes.
    """
    return _where(_changed("s2t") & ~_changed("t2s") & ~encodable("big5"))


@cache
def not_japanese() -> NDArray[np.int64]:
    """Han code points that JIS X 0208 lacks, among them 你 这 们 吗 嗎 谢."""
    return _where(~encodable("shift_jis"))


@cache
def not_japanese_set() -> frozenset[str]:
    """`not_japanese` as characters."""
    return frozenset(map(chr, not_japanese()))


@cache
def japanese() -> NDArray[np.int64]:
    """Han code points only Japanese text has, such as 図 売 働; 々 with them."""
    chinese = encodable("gb2312") | encodable("big5") | _changed("t2s")
    return np.append(_where(encodable("shift_jis") & ~chinese), ord("々"))


@cache
def japanese_set() -> frozenset[str]:
    """`japanese` as characters."""
    return frozenset(map(chr, japanese()))


def classes(members: Iterable[NDArray[np.int64]]) -> NDArray[np.uint8]:
    """A class per code point: 1 for the first set of `members`, and so on; 0 for no set.

    A code point in several sets belongs to the last.
    """
    table = np.zeros(UNICODE_SIZE, np.uint8)
    for number, points in enumerate(members, start=1):
        table[points] = number
    return table


def tally(texts: CodePoints, kinds: NDArray[np.uint8], size: int) -> NDArray[np.int64]:
    """How many characters of each class each text has.

    texts: n texts of `total` characters together.
    kinds: (total,) the class of each character, below `size`.
    Returns (n, size).
    """
    rows = np.repeat(np.arange(len(texts.lengths)) * size, texts.lengths)
    return np.bincount(rows + kinds, minlength=len(texts.lengths) * size).reshape(-1, size)
