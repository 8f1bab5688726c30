"""Text that was decoded with the wrong encoding, decoded again with the right one.

Three accidents are undone, and repetitions of them:

    UTF-8 read as Latin-1 or Windows-1252    ä½\u00a0å¥½  â€™  cafÃ©
    UTF-8 read as GBK                        浣犲ソ
    GBK read as Latin-1 or Windows-1252      ÄãºÃ

Only where it is certain. One stretch must be sure damage: what stands there is no text, and what
comes out is. And all of them must decode strictly, with no accented letter left over: so text that
lost a byte stays as it is, for the quality rules to see, and so do U+FFFD and 锟斤拷, behind which
nothing is left.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from curation.stages.clean import gbk
from curation.stages.clean.ordinary import COMMON, COMMON_HAN, SYMBOLS, is_text
from curation.text.spans import map_prose

# What Windows-1252 shows for the bytes 80 to 9F; five of them it leaves undefined.
_UNDEFINED = b"\x81\x8d\x8f\x90\x9d"
_TO_BYTE = {
    ord(bytes([byte]).decode("cp1252")): byte
    for byte in range(0x80, 0xA0)
    if byte not in _UNDEFINED
}
_SPECIAL = "".join(map(chr, _TO_BYTE))

#: A text without this has no damage: a first byte of UTF-8 and a further one, four bytes of GBK,
#: or the beginning of UTF-8 as GBK shows it.
SIGN = f"[\xc2-\xf4][\x80-\xbf{_SPECIAL}]|[\x81-\xfe{_SPECIAL}]{{4}}|{gbk.SIGN}"
_SIGN = re.compile(SIGN)

# A no-break space is byte A0, and editors make it a plain one.
_UTF8 = re.compile(
    r"(?:[\xc2-\xdf][\x80-\xbf]|[\xe4-\xe9][\x80-\xbf] |[\xe0-\xef][\x80-\xbf]{2}"
    r"|\xf0[\x90-\xbf][\x80-\xbf]{2})++"
)
_GBK = re.compile(r"(?:[\x81-\xfe][\x40-\x7e\x80-\xfe])++")
_LEFT_OVER = re.compile(r"[\x80-\x9f\xc0-\xf4]")

# Clean text puts these behind an accented letter: «café»… The first ones behind a capital too.
_QUOTES = frozenset("\xa0 \xab\xbb‘’“”„‚…–—‹›")
_FOLLOWS = _QUOTES | frozenset("\xa1\xa9\xaa\xae\xb0\xb2\xb3\xb7\xb9\xba\xbf™")
_SIGNS = frozenset("£©®°±·§²³¹½¼¾")
# Case and signs inside a word as no language writes them.
_CHAOS = re.compile("[\xdf-\xf6\xf8-\xfe][\xc0-\xd6\xd8-\xde]|[\xc0-\xfe][\xa1-\xbf]++[\xc0-\xfe]")


@dataclass(frozen=True, slots=True)
class Stretch:
    """`text[start:end]`, whose characters are bytes of another encoding.

    shown:   the same, every byte as the character of its number.
    decoded: what they mean; U+FFFD where they mean nothing.
    """

    text: str
    start: int
    end: int
    shown: str
    decoded: str

    @property
    def seen(self) -> str:
        """As it stands in the text."""
        return self.text[self.start : self.end]

    @property
    def before(self) -> str:
        """The character in front, or nothing."""
        return self.text[max(self.start - 1, 0) : self.start]

    @property
    def after(self) -> str:
        """The character behind, or nothing."""
        return self.text[self.end : self.end + 1]

    def is_whole(self) -> bool:
        """Whether it decodes, and ends where it should. Typographic signs may stand around it."""
        around = self.before + self.after
        return "\ufffd" not in self.decoded and not any("\x80" <= c <= "\xff" for c in around)


Certainty = Callable[[Stretch], bool]


def mojibake(text: str) -> str:
    """`text` with what was decoded wrongly put right, outside code and URLs."""
    return map_prose(text, _prose) if _SIGN.search(text) else text


def _prose(text: str) -> str:
    text = _undo(text, _UTF8, "utf-8", _is_utf8)
    return gbk.utf8_as_gbk(_undo(text, _GBK, "gbk", _is_gbk))


def _undo(text: str, bytes_: re.Pattern[str], encoding: str, is_certain: Certainty) -> str:
    """`text` with all stretches of `bytes_` decoded, if one is certain and no damage is left."""
    stretches = list(_stretches(text, bytes_, encoding))
    if not all(stretch.is_whole() for stretch in stretches):
        return text
    parts, done = [], 0
    for stretch in stretches:
        parts += [text[done : stretch.start], stretch.decoded]
        done = stretch.end
    if not stretches or _LEFT_OVER.search("".join([*parts[::2], text[done:]])):
        return text
    result = "".join([*parts, text[done:]])
    if any(map(is_certain, stretches)) and all(is_text(c) for s in parts[1::2] for c in s):
        return result
    # It may have happened twice: then what comes out is certain damage.
    again = _undo(result, _UTF8, "utf-8", _is_utf8)
    return text if again == result else again


def _stretches(text: str, bytes_: re.Pattern[str], encoding: str) -> Iterator[Stretch]:
    for match in bytes_.finditer(text.translate(_TO_BYTE)):
        raw = match[0].replace(" ", "\xa0").encode("latin-1")
        yield Stretch(text, *match.span(), match[0], raw.decode(encoding, "replace"))


def _is_utf8(stretch: Stretch) -> bool:
    if len(stretch.decoded) < 3 and all("\xa0" <= char < "\u0180" for char in stretch.decoded):
        return _is_accented(stretch)
    return _is_foreign(stretch)


def _is_accented(stretch: Stretch) -> bool:
    """One or two accented letters or signs. A capital inside a word, with a sign behind it."""
    quoted = stretch.seen[-1] in _QUOTES
    before_lower = stretch.after.islower() and stretch.after.isascii()
    if stretch.before.islower() and stretch.before.isascii():
        return before_lower or not quoted
    if stretch.before.isalpha():
        return False
    return (before_lower and not quoted) or stretch.decoded[0] in _SIGNS


def _is_foreign(stretch: Stretch) -> bool:
    """Common Chinese and its punctuation, or three characters of any script."""
    decoded = stretch.decoded
    short = len(decoded) < 3 or (len(stretch.shown) == 2 * len(decoded) and not decoded.isalpha())
    if short and not COMMON.issuperset(decoded):
        return False
    if len(decoded) == 1 and (" " in stretch.shown or stretch.before.isalpha()):
        return decoded in SYMBOLS and " " not in stretch.shown
    return not all(char in _FOLLOWS or "\xc0" <= char <= "\xff" for char in stretch.seen)


def _is_gbk(stretch: Stretch) -> bool:
    """Two common Han characters or more, from what is no word and no UTF-8."""
    if len(set(stretch.shown)) < 3 or not _CHAOS.search(stretch.shown):
        return False
    if _UTF8.fullmatch(stretch.shown):
        return False
    return COMMON.issuperset(stretch.decoded) and bool(COMMON_HAN & {*stretch.decoded})
