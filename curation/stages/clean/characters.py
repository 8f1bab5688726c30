"""Rules over single characters. They hold everywhere, in code too: all of this is invisible."""

import re
import unicodedata

from curation.text.spans import map_prose

# VT and FF are page layout; NEL, LS and PS are what word processors write for a new line.
_LINE_END = re.compile("\r\n?|[\u000b\u000c\u0085\u2028\u2029]")

# NFC replaces these by the unified ideographs, and what was two characters becomes one.
_COMPATIBILITY = re.compile("([\uf900-\ufaff\U0002f800-\U0002fa1f]+)")

_CONTROL = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f-\u009f"  # C0 and C1, less tab and line ends
    "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"  # direction of writing
    "\ufff9-\ufffb]"  # interlinear annotation
)

# Joiners have work to do in emoji sequences and in Arabic, Indic and South-East Asian scripts.
_EMOJI = "\u2190-\u2bff\u3030\u303d\u3297\u3299\ufe0f\U0001f000-\U0001faff"
_COMPLEX = "\u0600-\u0dff\u0f00-\u109f\u1780-\u18af"
_ZERO_WIDTH = re.compile(
    "[\u200b\ufeff\u2060-\u2064\u00ad\u180e]"
    f"|(?<![{_COMPLEX}])\u200c|\u200c(?![{_COMPLEX}])"
    f"|(?<![{_COMPLEX}{_EMOJI}])\u200d|\u200d(?![{_COMPLEX}{_EMOJI}])"
)

# The ideographic space is not here: it indents Chinese paragraphs and separates lines of verse.
_NO_BREAK_SPACE = re.compile("[\u00a0\u2007\u202f]")


def line_endings(text: str) -> str:
    """Every kind of line end as a line feed."""
    return _LINE_END.sub("\n", text)


def unicode_nfc(text: str) -> str:
    """Unicode NFC of the prose, but CJK compatibility ideographs stay as they are.

    Never NFKC, which would turn full-width punctuation into ASCII and ① into 1.
    """
    return text if unicodedata.is_normalized("NFC", text) else map_prose(text, _compose)


def _compose(prose: str) -> str:
    parts = _COMPATIBILITY.split(prose)
    parts[::2] = [unicodedata.normalize("NFC", part) for part in parts[::2]]
    return "".join(parts)


def control_characters(text: str) -> str:
    """Without C0, C1, bidirectional and annotation controls; tab and line feed stay."""
    return _CONTROL.sub("", text)


def zero_width(text: str) -> str:
    """Without zero-width spaces, BOMs, word joiners, soft hyphens and idle joiners."""
    return _ZERO_WIDTH.sub("", text)


def no_break_space(text: str) -> str:
    """No-break spaces as plain ones."""
    return _NO_BREAK_SPACE.sub(" ", text)
