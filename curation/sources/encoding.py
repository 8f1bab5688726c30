r"""Transcoding to UTF-8, in bounded memory, before anything is split.

GB18030's second bytes include `\ { } [ ]` and UTF-16's include any byte, so that splitting must
come after. Bytes that the encoding does not allow become bytes that UTF-8 does not allow: the
record they are in is quarantined, and its neighbours are not touched.
"""

import codecs
import re
from collections.abc import Iterator

#: Bytes looked at, from the first that is not ASCII, to tell GB18030 from damaged UTF-8.
SAMPLE = 2**18

_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it starts with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# JSON and CSV headers start with ASCII, so zero bytes show the code unit (RFC 4627, section 3).
_ZEROS = (
    (re.compile(rb"\0\0\0[^\0]", re.DOTALL), "utf-32-be"),
    (re.compile(rb"[^\0]\0\0\0", re.DOTALL), "utf-32-le"),
    (re.compile(rb"\0[^\0]\0[^\0]", re.DOTALL), "utf-16-be"),
    (re.compile(rb"[^\0]\0[^\0]\0", re.DOTALL), "utf-16-le"),
)
_NOT_ASCII = re.compile(rb"[\x80-\xff]")
_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_GB18030 = re.compile(rb"[\x81-\xfe](?:[\x40-\x7e\x80-\xfe]|[0-9][\x81-\xfe][0-9])")

_DAMAGED = "aurora.damaged"
codecs.register_error(_DAMAGED, lambda error: ("\udcff", error.end))  # type: ignore[attr-defined]


class Utf8:
    """Chunks of UTF-8 from chunks of any supported encoding.

    encoding: what the input turned out to be; `utf-8` until something else shows.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks = chunks
        self.encoding = "utf-8"

    def __iter__(self) -> Iterator[bytes]:
        head = self._gather(b"", 4)
        self.encoding, skip = _by_mark(head)
        head = head[skip:]
        if self.encoding == "utf-8":
            while head and not (other := _NOT_ASCII.search(head)):
                yield head
                head = next(self._chunks, b"")
            head = self._gather(head, other.start() + SAMPLE) if head and other else head
            self.encoding = _by_content(head)
        yield from self._transcoded(head)

    def _gather(self, data: bytes, size: int) -> bytes:
        """`data` and further chunks, until there are `size` bytes or no more."""
        while len(data) < size and (chunk := next(self._chunks, None)) is not None:
            data += chunk
        return data

    def _transcoded(self, head: bytes) -> Iterator[bytes]:
        if self.encoding.startswith("utf-8"):
            yield head
            yield from self._chunks
            return
        decoder = codecs.getincrementaldecoder(self.encoding)(_DAMAGED)
        yield decoder.decode(head).encode("utf-8", "surrogatepass")
        for chunk in self._chunks:
            yield decoder.decode(chunk).encode("utf-8", "surrogatepass")
        yield decoder.decode(b"", True).encode("utf-8", "surrogatepass")


def _by_mark(head: bytes) -> tuple[str, int]:
    """Encoding by byte order mark or zero bytes, and the length of the mark."""
    for mark, encoding in _MARKS:
        if head.startswith(mark):
            return encoding, len(mark)
    return next((name for zeros, name in _ZEROS if zeros.match(head)), "utf-8"), 0


def _by_content(sample: bytes) -> str:
    """UTF-8 or GB18030, whichever explains more of the bytes that are not ASCII.

    Chinese GB18030 text holds few valid UTF-8 sequences, and damaged UTF-8 holds mostly valid ones.
    """
    total = len(_NOT_ASCII.findall(sample))
    utf8 = sum(len(match) for match in _UTF8.findall(sample))
    if utf8 * 2 >= total:
        return "utf-8"
    # A GB18030 trail byte may be ASCII; counting lead and trail by their high bytes is enough.
    pairs = _GB18030.sub(b"", sample)
    return "gb18030" if len(_NOT_ASCII.findall(pairs)) * 10 <= total else "utf-8"
