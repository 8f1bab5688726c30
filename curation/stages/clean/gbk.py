"""UTF-8 that was read as GBK: 浣犲ソ for 你好.

Three bytes of UTF-8 are one and a half of GBK, so two characters become three, of which at least
one is rare. The stretch is found by a pair of characters that hold the first four bytes of it.
"""

import re
from itertools import accumulate

from curation.stages.clean.ordinary import COMMON, COMMON_TRADITIONAL, is_text

_SEQUENCE = rb"(?:[\xe2-\xe9][\x80-\xbf]{2}|\xef[\xbc-\xbf][\x80-\xbf]|\xf0\x9f[\x80-\xbf]{2})"
# Two bytes, as of · and é, are a common character in GBK: 路, 茅. They count only
# between longer ones.
_TWO = re.compile(rb"[\xc2\xc3][\x80-\xbf]")
_STRETCH = re.compile(
    rb"%b(?:(?:[\x09\x0a\x20-\x7e]|%b)*+%b)++" % (_SEQUENCE, _TWO.pattern, _SEQUENCE)
)
_LONG = 6  # characters from which strict decoding is proof enough for rare ones
_SHARE = 0.8  # of them that must be common nevertheless


def _characters(first: range, second: range) -> str:
    """The GBK characters of a first byte and a second one."""
    pairs = (bytes([a, b]).decode("gb18030", "ignore") for a in first for b in second)
    return "".join(pairs) + ("€" if 0x80 in first else "")


_LEAD = [range(0xE2, 0xEA), range(0xEF, 0xF1)]
_CONTINUATION = range(0x80, 0xC0)
_FIRST = "".join(_characters(lead, _CONTINUATION) for lead in _LEAD)
# The third byte with the next first one, or with the ASCII character behind.
_SECOND = "".join(_characters(_CONTINUATION, second) for second in (*_LEAD, range(0x40, 0x7F)))
_BEGINS = frozenset(_FIRST)
#: A text without this has no such stretch.
SIGN = f"[{_FIRST}][{_SECOND}]"
_SIGN = re.compile(SIGN)


def utf8_as_gbk(text: str) -> str:
    """`text` with all stretches of UTF-8 that was read as GBK put right, if that is certain."""
    signs = [match.start() for match in _SIGN.finditer(text)]
    if not signs:
        return text
    table = {char: _encode(char) for char in set(text)}
    encoded = [table[char] for char in text]
    data, places = b"".join(encoded), [0, *accumulate(map(len, encoded))]
    parts, done = [], 0
    for start in signs:
        if start >= done and (match := _STRETCH.match(data, places[start])):
            end = _place(places, start, match.end())
            good = _repaired(text, start, end, data[places[start] : places[end]])
            if good is None:
                return text
            parts += [text[done:start], good]
            done = end
    rest = {*"".join([*parts[::2], text[done:]])}
    return text if any(map(_is_doubtful, rest)) else "".join([*parts, text[done:]])


def _is_doubtful(char: str) -> bool:
    """Whether `char` may be damage too: 路 may be ·, 锛 has lost its end, 楋 its beginning."""
    if char == "\ufffd" or _TWO.match(_encode(char)):
        return True
    if char in COMMON:
        return False
    return char in _BEGINS or ("\u3400" <= char <= "\u9fff" and char not in COMMON_TRADITIONAL)


def _encode(char: str) -> bytes:
    """One or two bytes, or FF where GBK has none. Browsers show the byte 80 as €."""
    if char == "€":
        return b"\x80"
    encoded = char.encode("gb18030", "replace")
    return encoded if len(encoded) < 3 else b"\xff"


def _place(places: list[int], start: int, byte: int) -> int:
    """The first character from `start` on that begins at `byte` or behind it."""
    while places[start] < byte:
        start += 1
    return start


def _repaired(text: str, start: int, end: int, raw: bytes) -> str | None:
    """What `text[start:end]` was, or None where that is not certain."""
    try:
        decoded = raw.decode("utf-8")
    except UnicodeDecodeError:
        return None
    stands = [char for char in text[start:end] if char >= "\x80"]
    odd = sum(char not in COMMON for char in stands)
    if 2 * odd < len(stands) or not _is_bounded(text, start, end):
        return None
    return decoded if _is_ordinary(decoded) else None


def _is_bounded(text: str, start: int, end: int) -> bool:
    """Whether what stands around it is sound: else a byte was lost, and more is damaged."""
    around = text[max(start - 1, 0) : start] + text[end : end + 1]
    return COMMON.issuperset(around)


def _is_ordinary(decoded: str) -> bool:
    wide = [char for char in decoded if char >= "\x80"]
    common = sum(char in COMMON for char in wide)
    if common == len(wide):
        return len(wide) > 1
    return len(wide) >= _LONG and common >= _SHARE * len(wide) and all(map(is_text, decoded))
