r"""Splitting a JSON byte stream into records, so that a damaged record costs itself alone.

Whatever the container (an array, JSON Lines, concatenated or pretty-printed objects, an object that
wraps the list), records are the outermost objects, and what stands between them is punctuation.

A record ends where its brackets close. The scanner that finds the end reads strings, keys and
literals by the grammar (only commas are optional), so it notices damage where it stands: a lost
quote, say, is seen at the next byte that cannot follow. Then the splitter gives up on that record
and goes on where the next one starts: at the next line, if records are one a line; else at a line
that has the damaged record's indentation and a `{`; or at a `{` followed by a key that this file's
records start with, which cannot be text, since inside a string a quote is written `\"`.
"""

import re
from collections.abc import Iterator
from typing import Any

import orjson

from curation.sources import grammar
from curation.sources.formats import RECORD_KEYS, TURN_KEYS, is_record
from curation.sources.items import MAX_RECORD, Item, bad, parsed
from curation.sources.jsonfix import ParseError, loads
from curation.sources.window import LOOKAHEAD, Window

_OBJECT, _ARRAY = b"{["
_CLOSING = b"}]"
_LINE_END = re.compile(rb"[ \t\r,]*+\n")
_NO_TURN = rb'(?=\{(?!\s*+"(?:' + "|".join(sorted(TURN_KEYS)).encode() + rb')"))'
# After these an object is the value of a key, or in the list that is: part of a record.
_NO_VALUE = rb'(?<!":)(?<!": )(?<!":\[)(?<!": \[)(?<!":\[\{)'
_KNOWN_STARTS = 8  # first keys remembered per file; records of one file share one, or a few


class _DamageError(Exception):
    """The record being read goes on in a way that JSON does not."""

    def __init__(self, reason: str, error: str) -> None:
        super().__init__(error)
        self.reason = reason


class Splitter:
    """The records of a stream of UTF-8 chunks, in order.

    kind: `json array` or `json lines`, known once the first record is.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self.kind = "json lines"
        self._window = Window(chunks)
        self._lines: bool | None = None  # records are one a line; None: not known yet
        self._indent: bytes | None = b""  # of the record's line, if the record starts it
        self._wrapped = False
        self._wary = False  # a record has swallowed others for want of a bracket
        self._learnt: set[str] = set(RECORD_KEYS)
        self._starts = _starts(self._learnt)

    def __iter__(self) -> Iterator[Item]:
        self._open()
        while self._skip_glue():
            yield self._next()

    # Between records

    def _open(self) -> None:
        """Step into the list, if the stream is one or wraps one."""
        window = self._window
        window.look_ahead()
        first = re.match(rb"\s*", window.data)
        window.at = first.end() if first else 0
        if window.data.startswith(b"[", window.at):
            self.kind = "json array"
            window.at += 1
        elif window.data.startswith(b"{", window.at):
            self._unwrap()

    def _unwrap(self) -> None:
        """Step into the list of records that the first object has for a member, if it has one."""
        try:
            inner = self._wrapped_list()
        except _DamageError:
            return
        if inner is not None:
            self.kind, self._wrapped = "json array", True
            self._window.at = inner - self._window.base

    def _wrapped_list(self) -> int | None:
        """Offset of the first record of that list; None if the first object is itself a record."""
        window = self._window
        at = window.at + 1
        while member := grammar.MEMBER.match(window.data, at):
            if member[1][1:-1].decode("utf-8", "replace") in RECORD_KEYS:
                return None
            at = member.end()
            if scalar := grammar.SCALAR.match(window.data, at):
                at = scalar.end()
            elif opening := grammar.LIST_OF_OBJECTS.match(window.data, at):
                return self._if_record(opening.end())
            elif window.data[at : at + 1] in (b"{", b"["):
                at = self._close(at)
        return None

    def _if_record(self, at: int) -> int | None:
        """Offset of the object at index `at`, if it is a record."""
        offset = self._window.base + at
        end = self._close(at)
        raw = self._window.data[offset - self._window.base : end]
        try:
            return offset if is_record(loads(raw)[0]) else None
        except ParseError:
            return None

    def _skip_glue(self) -> bool:
        """Go to where the next record starts; False if there is none."""
        window = self._window
        while True:
            window.look_ahead()
            start, offset = window.at, window.offset
            window.at = grammar.GLUE.match(window.data, start).end()  # type: ignore[union-attr]
            if self._wrapped and (key := grammar.WRAPPED_KEY.match(window.data, window.at)):
                window.at = key.end()
            elif window.at < len(window.data):
                self._indent = _indent(window.data[start : window.at], offset == 0)
                return True
            elif window.final:
                return False

    # Records

    def _next(self) -> Item:
        window = self._window
        first = window.data[window.at]
        if first == _OBJECT:
            return (self._lines is not False and self._line()) or self._value()
        if scalar := grammar.ALONE.match(window.data, window.at):
            return self._parsed(scalar.end())
        if first == _ARRAY:
            return self._value()
        return self._skip_damaged("invalid_json", f"unexpected {_show(window.data, window.at)}")

    def _line(self) -> Item | None:
        """The record, if it takes up its line; much the fastest way to read JSON Lines."""
        window = self._window
        end = window.data.find(b"\n", window.at)
        if not 0 <= end - window.at <= MAX_RECORD:
            self._lines = self._lines or False  # not to look through the rest for every record
            return None
        raw = window.data[window.at : end].rstrip(b", \t\r")
        try:
            value = orjson.loads(raw)
        except ValueError:
            return None
        item = parsed(window.offset, value, (), raw)
        window.at = end
        self._lines = True
        self._learn(value)
        return item

    def _value(self) -> Item:
        """The record, wherever it ends."""
        try:
            return self._parsed(self._close(self._window.at))
        except _DamageError as damage:
            return self._skip_damaged(damage.reason, str(damage))

    def _parsed(self, end: int) -> Item:
        """The record that ends at index `end`."""
        window = self._window
        offset, raw = window.offset, window.data[window.at : end]
        window.at = end
        self._lines = b"\n" not in raw and bool(_LINE_END.match(window.data, end))
        if len(raw) > MAX_RECORD:
            return bad(offset, raw, "record_too_large", f"longer than {MAX_RECORD} bytes")
        try:
            value, repairs = loads(raw)
        except ParseError as error:
            return bad(offset, raw, error.reason, str(error))
        self._learn(value)
        return parsed(offset, value, repairs, raw)

    def _learn(self, value: Any) -> None:
        """Remember the key that records start with."""
        key = next(iter(value), None) if isinstance(value, dict) else None
        if key is None or key in self._learnt or not is_record(value):
            return
        if len(self._learnt) < len(RECORD_KEYS) + _KNOWN_STARTS:
            self._learnt.add(key)
            self._starts = _starts(self._learnt)

    # Brackets

    def _close(self, at: int) -> int:
        """Index after the value that opens at index `at`; raises _DamageError."""
        window = self._window
        stack = bytearray(window.data[at : at + 1])
        at += 1
        while stack:
            pattern = grammar.IN_OBJECT if stack[-1] == _OBJECT else grammar.IN_ARRAY
            match = pattern.match(window.data, at)
            if match is None:
                at -= self._go_on(at, stack[-1])
                continue
            at = match.end()
            bracket = window.data[at - 1]
            if bracket in _CLOSING:
                stack.pop()
            elif bracket == _OBJECT and self._is_next_record(at - 1, stack[-1] == _ARRAY):
                raise _DamageError("invalid_json", "the next record starts before this one ends")
            else:
                stack.append(bracket)
        return at

    def _go_on(self, at: int, inside: int) -> int:
        """Read on, if that can help; returns how far indices moved down, or raises _DamageError."""
        window = self._window
        so_far = grammar.OBJECT_SO_FAR if inside == _OBJECT else grammar.ARRAY_SO_FAR
        stuck = so_far.match(window.data, at).end()  # type: ignore[union-attr]
        if not grammar.UNFINISHED.match(window.data, stuck):
            where = window.base + stuck
            raise _DamageError(
                "invalid_json", f"unexpected {_show(window.data, stuck)} at byte {where}"
            )
        if len(window.data) - window.at > MAX_RECORD:
            raise _DamageError("record_too_large", f"no end within {MAX_RECORD} bytes")
        moved = window.more()
        if window.final:
            raise _DamageError("truncated_record", "the file ends inside the record")
        return moved

    def _is_next_record(self, at: int, in_list: bool) -> bool:
        """Whether the `{` at index `at`, inside this record, looks like the next one's.

        It starts with the same key, and in a list it starts a line as this record does. In a file
        where a record has swallowed others already, the key alone will do: without that, each
        such record would be read up to the end of the file.
        """
        data, start = self._window.data, self._window.at
        line = in_list and self._indent is not None
        if not self._wary and not (
            line and data.endswith(b"\n" + (self._indent or b""), start, at)
        ):
            return False
        own, other = grammar.FIRST_KEY.match(data, start), grammar.FIRST_KEY.match(data, at)
        return own is not None and other is not None and own[1] == other[1]

    # Damage

    def _skip_damaged(self, reason: str, error: str) -> Item:
        """Give up on the record and go to the next place where one starts."""
        window = self._window
        offset = window.offset
        boundary = self._boundary()
        self._wary |= reason in ("truncated_record", "record_too_large")
        head = b""
        while not (match := boundary.search(window.data, max(window.at, offset + 1 - window.base))):
            cut = len(window.data) if window.final else len(window.data) - LOOKAHEAD
            cut = max(cut, window.at)
            head += window.data[window.at : min(cut, window.at + MAX_RECORD - len(head))]
            window.at = cut
            if window.final:
                return bad(offset, head, reason, error)
            window.more()
        head += window.data[window.at : min(match.start(), window.at + MAX_RECORD - len(head))]
        window.at = match.start()
        if reason == "truncated_record":  # by a bracket that it lost, not by the end of the file
            reason, error = "invalid_json", "the record does not end before others start"
        return bad(offset, head, reason, error)

    def _boundary(self) -> re.Pattern[bytes]:
        """Where a record may start after the damaged one."""
        own = grammar.FIRST_KEY.match(self._window.data, self._window.at)
        patterns = [_NO_VALUE + self._starts.pattern]
        if own and own[1][1:-1].decode("utf-8", "replace") not in TURN_KEYS:
            patterns.append(_NO_VALUE + rb"\{\s*+" + re.escape(own[1]) + rb"\s*+:")
        if self._lines:
            patterns.append(rb"\n")
        elif self._indent is not None:
            patterns.append(rb"\n" + re.escape(self._indent) + _NO_TURN)
        return re.compile(rb"|".join(patterns))


def _starts(keys: set[str]) -> re.Pattern[bytes]:
    """A `{` and one of `keys`."""
    names = b"|".join(re.escape(key.encode("utf-8", "replace")) for key in sorted(keys))
    return re.compile(rb'\{\s*+"(?:' + names + rb')"\s*+:')


def _indent(glue: bytes, first: bool) -> bytes | None:
    """The blanks from the line's start to the record, or None if something else stands there."""
    line = glue.rfind(b"\n") + 1
    if not line and not first:
        return None
    blanks = glue[line:]
    return None if blanks.strip(b" \t") else blanks


def _show(data: bytes, at: int) -> str:
    """One character, for an error message."""
    return repr(data[at : at + 4].decode("utf-8", "replace")[:1])
