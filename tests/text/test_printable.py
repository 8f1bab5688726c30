"""What is shown is seen: nothing in a text steers, and nothing hides."""

import unicodedata

import pytest

from curation.text.printable import printable


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("左\u202e右\u200b", "左\\u202e右\\u200b"),
        ("\x1b[31m\x9b", "\\x1b[31m\\x9b"),
        (
            "看\u3164不\u2800见\u034f的\ufe0f字\U000e0101",
            "看\\u3164不\\u2800见\\u034f的\\ufe0f字\\U000e0101",
        ),
        ("\u115f\u17b4\u180b\uffa0", "\\u115f\\u17b4\\u180b\\uffa0"),
        ("\ufe0f", "\\ufe0f"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text, shown):
    assert printable(text) == shown


@pytest.mark.parametrize(
    "text", ["行\n列\t\u3000\u00a0完", "❤\ufe0f☺\ufe0e1\ufe0f⃣‼\ufe0f", "é한ไทย", ""]
)
def test_what_can_be_seen_stays(text):
    assert printable(text) == text


def test_no_control_or_format_character_is_left():
    for number in range(0x110000):
        character = chr(number)
        if (
            unicodedata.category(character) in ("Cc", "Cf", "Cs", "Zl", "Zp")
            and character not in "\n\t"
        ):
            assert printable(character).startswith("\\"), hex(number)
