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
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from curation.stages.clean import gbk
from curation.stages.clean.ordinary import COMMON, COMMON_HAN, COMMON_TRADITIONAL, SYMBOLS, is_text
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
_GB2312 = re.compile(r"[\xa1-\xf7][\xa1-\xfe](?:[\xa1-\xf7][\xa1-\xfe])*+")
_BOTH = COMMON | COMMON_TRADITIONAL
_SHARE = 0.9  # of Simplified text that is common; shifted by a byte it is 40 %
_TRADITIONAL = 0.1  # of Traditional text that GB 2312 has not; 35 % on average
_WORD = re.compile("[0-9A-Za-z]")
_HALF = re.compile(r"[@-~](?![\w\s])|\?[@-~]", re.ASCII)  # a lone letter, or behind a lost byte
# What stands between whole stretches must hold no bytes, or one was lost: no accented letter, no
# two signs in a row, no sign behind a letter or beside the ? that replaces a byte.
_LEFT_OVER = re.compile(
    r"[\x80-\x9f\xad\xc0-\xffƒ†‡ˆ‰˜ŠšŒœŽžŸ]|[A-Za-z][\xa1-\xbf]|[0-9][\xa1-\xaf\xb4-\xb8]|\?[\xa0-\xbf]|[\xa1-\xbf]\?"
    r"|[\xa1-\xbf€™‚„‹›•‘’“”…–—][\xa1-\xbf€™‚„‹›•]|[\xa1-\xbf€™‚„‹›•][‘’“”…–—]"
)

# Clean text puts these behind an accented letter: «café»… The first ones behind a capital too.
_QUOTES = frozenset("\xa0 \xab\xbb‘’“”„‚…–—‹›")
_FOLLOWS = _QUOTES | frozenset("\xa1\xa9\xaa\xae\xb0\xb2\xb3\xb7\xb9\xba\xbf™")
_SIGNS = frozenset("£©®°±·§²³¹½¼¾")
# Case and signs inside a word as no language writes them.
_CHAOS = re.compile("[\xdf-\xf6\xf8-\xfe][\xc0-\xd6\xd8-\xde]|[\xc0-\xfe][\xa1-\xbf]++[\xc0-\xfe]")
# Controls, signs and capitals among accented letters, Ã© and â€ and áº¿, four bytes in a row.
_WRECK = re.compile(
    f"[\x80-\x9f\xad][\xa1-\xff]|[\xa1-\xff][\x80-\x9f]|{_CHAOS.pattern}|[\xa1-\xbf]\xad"
    "|[\xc2\xc3][\xa0-\xbf]|á[º»][^\\s.,;:!?]"
    "|[\xc0-\xff][€ƒ†‡ˆ‰•˜]|[€ƒ†‡ˆ‰•˜™][\xa1-\xff]|[\xa1-\xff]{4}"
)


class Stretch(NamedTuple):
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


Certainty = Callable[[Sequence[Stretch]], bool]


def mojibake(text: str) -> str:
    """`text` with what was decoded wrongly put right, outside code and URLs: all of it, or nothing.

    It may have happened several times. Each repair shortens the text, so it ends.
    """
    before, after = "", text
    while after != before and _SIGN.search(after):
        before, after = after, map_prose(after, _prose)
    return text if after != text and is_wreck(after) else after


def is_wreck(text: str) -> bool:
    """Whether `text` holds bytes of another encoding, as no language writes them."""
    return bool(_WRECK.search(text))


def _prose(text: str) -> str:
    text = _undo(text, _UTF8, "utf-8", _are_utf8)
    if _CHAOS.search(text.translate(_TO_BYTE)):
        text = _undo(text, _GBK, "gbk", _are_gbk)
    return gbk.utf8_as_gbk(text)


def _undo(text: str, bytes_: re.Pattern[str], encoding: str, are_certain: Certainty) -> str:
    """`text` with all stretches of `bytes_` decoded, if one is certain and no damage is left."""
    stretches, parts, done = [], [], 0
    for stretch in _stretches(text, bytes_, encoding):
        if not stretch.is_whole():
            return text
        stretches.append(stretch)
        parts += [text[done : stretch.start], stretch.decoded]
        done = stretch.end
    between, outside = parts[2::2], [*parts[::2], text[done:]]
    # A quotation mark between two stretches and nothing else is a byte of the character there.
    torn = any(len(piece) == 1 and piece in _SPECIAL for piece in between)
    if not stretches or torn or any(map(_LEFT_OVER.search, outside)):
        return text
    result = "".join([*parts, text[done:]])
    if are_certain(stretches) and all(is_text(c) for s in parts[1::2] for c in s):
        return result
    # It may have happened twice: then what comes out is certain damage.
    again = _undo(result, _UTF8, "utf-8", _are_utf8)
    return text if again == result else again


def _stretches(text: str, bytes_: re.Pattern[str], encoding: str) -> Iterator[Stretch]:
    for match in bytes_.finditer(text.translate(_TO_BYTE)):
        raw = match[0].replace(" ", "\xa0").encode("latin-1")
        yield Stretch(text, *match.span(), match[0], raw.decode(encoding, "replace"))


def _are_utf8(stretches: Sequence[Stretch]) -> bool:
    return any(map(_is_utf8, stretches))


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


def _are_gbk(stretches: Sequence[Stretch]) -> bool:
    """One is certain, and no byte was lost: that shifts all behind it, into other Han.

    Simplified text has two high bytes for each character, so a loss leaves an odd one. In
    Traditional text the second may be ASCII; a loss gives a rare character or a lone letter.
    """
    if not any(map(_is_gbk, stretches)):
        return False
    decoded = "".join(stretch.decoded for stretch in stretches)
    if all(_GB2312.fullmatch(stretch.shown) for stretch in stretches):
        return sum(map(_BOTH.__contains__, decoded)) >= _SHARE * len(decoded)
    traditional = sum(char not in COMMON for char in decoded)
    return (
        _BOTH.issuperset(decoded)
        and traditional >= _TRADITIONAL * len(decoded)
        and not any(map(_is_torn, stretches))
    )


def _is_gbk(stretch: Stretch) -> bool:
    """Two common Han characters or more, from what is no word and no UTF-8."""
    if len(set(stretch.shown)) < 3 or not _CHAOS.search(stretch.shown):
        return False
    if _UTF8.fullmatch(stretch.shown):
        return False
    return _BOTH.issuperset(stretch.decoded) and not COMMON_HAN.isdisjoint(stretch.decoded)


def _is_torn(stretch: Stretch) -> bool:
    """Whether the ASCII around it may be half a character, or what it ends on half a word."""
    ahead = stretch.text[max(stretch.start - 2, 0) : stretch.start]
    behind = stretch.text[stretch.end : stretch.end + 2]
    if _WORD.match(behind) and stretch.shown[-1] < "\x80":
        return True
    return ahead[-1:] == "?" or any(map(_HALF.match, (ahead, behind)))
