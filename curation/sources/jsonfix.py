"""Parsing one JSON record, with the repairs that real files need. Each repair is named."""

import re
from typing import Any

import orjson

from curation.sources.grammar import STRING

_TOKEN = re.compile(rb"(" + STRING + rb")|,(?=\s*+[}\]])|-?\bInfinity\b|\bNaN\b", re.DOTALL)
_CHARACTER = re.compile(
    rb"(?P<control>[\x00-\x1f])"
    rb"|(?P<pair>\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2})"
    rb"|(?P<lone>\\u[dD][89a-fA-F][0-9a-fA-F]{2})"
    rb'|(?P<valid>\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))'
    rb"|(?P<invalid>\\.)",
    re.DOTALL,
)


class ParseError(ValueError):
    """A record that no repair helps: `reason` for the ledger, the message for its evidence."""

    def __init__(self, reason: str, error: str) -> None:
        super().__init__(error)
        self.reason = reason


def loads(raw: bytes) -> tuple[Any, tuple[str, ...]]:
    """The value of `raw` and the names of the repairs it took; raises ParseError."""
    try:
        return orjson.loads(raw), ()
    except ValueError:
        return _repaired(raw)


def _repaired(raw: bytes) -> tuple[Any, tuple[str, ...]]:
    try:
        raw.decode()
    except UnicodeDecodeError as error:
        raise ParseError("invalid_encoding", f"byte {error.start} of the record") from None
    repairs: set[str] = set()
    fixed = _TOKEN.sub(lambda match: _token(match, repairs), raw)
    try:
        return orjson.loads(fixed), tuple(sorted(repairs))
    except ValueError as error:
        reason = "too_deep" if "depth limit" in str(error) else "invalid_json"
        raise ParseError(reason, str(error).split(": line")[0]) from None


def _token(match: re.Match[bytes], repairs: set[str]) -> bytes:
    token = match[0]
    if match[1] is not None:
        return _CHARACTER.sub(lambda character: _character(character, repairs), token)
    if token == b",":
        repairs.add("trailing_comma")
        return b""
    repairs.add("nan_literal")
    return b"null"


def _character(match: re.Match[bytes], repairs: set[str]) -> bytes:
    """One escape or control character of a string, as JSON wants it."""
    text = match[0]
    if match.lastgroup == "control":
        repairs.add("control_character")
        return _escaped(text)
    if match.lastgroup == "lone":
        repairs.add("lone_surrogate")
        return rb"\ufffd"
    if match.lastgroup == "invalid":
        repairs.add("invalid_escape")
        # \' means ' in the languages that write it; in LaTeX and paths the backslash is text.
        return b"'" if text == rb"\'" else rb"\\" + _escaped(text[1:])
    return text


def _escaped(character: bytes) -> bytes:
    return b"\\u%04x" % character[0] if character < b" " else character
