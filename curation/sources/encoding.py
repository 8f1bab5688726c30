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
_GB2312 = re.compile(rb"[\xa1-\xa3\xb0-\xd7][\xa1-\xfe]")  # punctuation and the first level
_ASCII = re.compile(rb"[\x00-\x7f]++")

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


def _by_content(text: bytes) -> str:
    """UTF-8, unless GB18030 explains the bytes that are not ASCII and UTF-8 does not.

    Damaged UTF-8 holds mostly valid sequences and Chinese in GB18030 few. One damaged character
    in ASCII may be valid GB18030; Chinese text has more, mostly of GB 2312's first level.
    """
    start = _NOT_ASCII.search(text)
    sample = text[start.start() :][:SAMPLE] if start else b""
    if _explains(_UTF8, sample):
        return "utf-8"
    enough = len(_GB2312.findall(sample)) >= 2
    return "gb18030" if enough and _explains(_GB2312, sample) else "utf-8"


def _explains(pattern: re.Pattern[bytes], sample: bytes) -> bool:
    """Whether `pattern` covers at least half of the bytes that are not ASCII."""
    total = len(_ASCII.sub(b"", sample))
    return len(_ASCII.sub(b"", pattern.sub(b"", sample))) * 2 <= total
