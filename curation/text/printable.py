"""Corpus text on its way to a person: nothing in it steers a terminal or a page."""

#: Kept as they are: line ends, tabs, and the spaces that `isprintable` refuses but text needs.
_KEPT = "\n\t\u3000\u00a0"


def printable(value: object) -> str:
    r"""A value as text whose control, direction and other invisible characters are written out.

    `\u202e` for a right-to-left override, `\u200b` for a zero-width space: seen, and harmless.
    """
    text = str(value)
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() or c in _KEPT else _escape(c) for c in text)


def _escape(character: str) -> str:
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
