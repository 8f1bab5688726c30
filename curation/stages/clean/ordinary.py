"""Which characters ordinary text is made of: what repaired mojibake must give."""

import unicodedata

#: The 3,755 Han characters of GB 2312's first level; 99.8 % of Simplified running text.
COMMON_HAN = frozenset(
    bytes([row, cell]).decode("gb2312")
    for row in range(0xB0, 0xD8)
    for cell in range(0xA1, 0xFF)
    if (row, cell) < (0xD7, 0xFA)
)

# General punctuation, currency, arrows, mathematics, enclosed, shapes; CJK punctuation, full width.
_RANGES = (
    (0x2010, 0x205E), (0x20A0, 0x20BF), (0x2100, 0x2BFF), (0x3000, 0x303F), (0xFE0E, 0xFE0F),
    (0xFF01, 0xFFEF), (0x1F300, 0x1FAFF),
)  # fmt: skip
#: Punctuation and signs beyond ASCII and Latin-1.
SYMBOLS = frozenset(chr(point) for first, last in _RANGES for point in range(first, last + 1))

#: The 5,401 Han characters of Big5's first level: common Traditional ones.
COMMON_TRADITIONAL = frozenset(
    bytes([row, cell]).decode("big5")
    for row in range(0xA4, 0xC7)
    for cell in (*range(0x40, 0x7F), *range(0xA1, 0xFF))
    if (row, cell) < (0xC6, 0x7F)
)

#: ASCII, common Han characters, signs, and the dot in foreign names.
COMMON = COMMON_HAN | SYMBOLS | {"·"} | frozenset(map(chr, range(0x80)))


def is_text(char: str) -> bool:
    """Whether `char` is assigned, and neither a control nor for private use."""
    return char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cn", "Co", "Cs", "Cf")
