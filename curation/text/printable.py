"""Corpus text on its way to a person: nothing in it steers a terminal or a page."""

import re
import unicodedata

#: Kept as they are: line ends, tabs, and the spaces that `isprintable` refuses but text needs.
_KEPT = "\n\t\u3000\u00a0"
_ALL_KEPT = re.compile(f"[{_KEPT}]+")

#: Blank for all that Python calls them printable: Unicode's Default_Ignorable_Code_Point but for
#: those that it does not, and the empty Braille pattern.
_BLANK = re.compile(
    r"[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2800\u3164\ufe00-\ufe0f\uffa0"
    r"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
#: They say how a symbol before them is drawn: in colour or not, or a digit as a key.
_PRESENTED, _KEYS, _SYMBOLS = "\ufe0e\ufe0f", "#*0123456789", ("So", "Sm", "Po")


def printable(value: object) -> str:
    r"""A value as text whose control, direction and other invisible characters are written out.

    `\u202e` for a right-to-left override, `\u200b` for a zero-width space: seen, and harmless.
    """
    text = str(value)
    plain = text.isprintable() or _ALL_KEPT.sub("", text).isprintable()
    if plain and not _BLANK.search(text):
        return text
    return "".join(map(_shown, text, f" {text}"))


def _shown(character: str, before: str) -> str:
    """A character as it is shown behind another one."""
    if character in _KEPT or (character.isprintable() and not _BLANK.match(character)):
        return character
    drawn = before in _KEYS or unicodedata.category(before) in _SYMBOLS
    return character if drawn and character in _PRESENTED else _escape(character)


def _escape(character: str) -> str:
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
