"""A file as records, whatever holds them: JSON in any layout, CSV, Parquet; packed or not."""

import re
import stat
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import BinaryIO

from curation.sources import csv_rows, parquet_rows
from curation.sources.encoding import Utf8
from curation.sources.items import Item, bad
from curation.sources.splitter import Splitter
from curation.sources.stream import Stream

HEAD = 2**16  # bytes looked at to tell CSV from JSON
_TABLE_SUFFIXES = {".csv", ".tsv"}
_JSON_START = re.compile(rb"\A\s*+[\[{]")


class Container:
    """The items of one file, and what was learnt about the file while they were read.

    kind:        json array, json lines, csv, parquet; none where nothing could be read.
    compression: none, gzip, zstd.
    encoding:    of the unpacked text; utf-8-sig has a byte order mark.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.kind = "none"
        self.compression = "none"
        self.encoding = "utf-8"
        self._size = 0  # transcoded bytes so far

    def __iter__(self) -> Iterator[Item]:
        try:
            mode = self.path.stat().st_mode
            if stat.S_ISDIR(mode):
                yield bad(0, b"", "is_directory", "a directory; name files, or a glob")
            elif not stat.S_ISREG(mode):
                yield bad(0, b"", "unreadable_file", "not a regular file")
            else:
                with self.path.open("rb") as file:
                    yield from self._items(file)
        except PermissionError as error:
            yield bad(0, b"", "permission_denied", error.strerror or "permission denied")
        except OSError as error:
            yield bad(0, b"", "unreadable_file", error.strerror or "cannot be opened")

    def _items(self, file: BinaryIO) -> Iterator[Item]:
        """All items; if there are none, one that says so."""
        magic = file.read(len(parquet_rows.MAGIC))
        file.seek(0)
        if magic == parquet_rows.MAGIC:
            self.kind, items = "parquet", parquet_rows.rows(file)
        else:
            items = self._streamed(Stream(file))
        first = next(items, None)
        if first is None:
            yield bad(0, b"", "empty_file", "no record in it")
            return
        yield first
        yield from items

    def _streamed(self, stream: Stream) -> Iterator[Item]:
        """Items of a text stream. If it is damaged, its last record and the damage are one item."""
        self.compression = stream.compression
        last: Item | None = None
        for item in self._split(Utf8(iter(stream))):
            if last:
                yield last
            last = item
        if last and not (stream.damage and _is_cut(last)):
            yield last
            last = None
        if stream.damage:
            offset, content = (last.offset, last.content) if last else (self._size, b"")
            yield bad(offset, content, stream.damage.reason, stream.damage.evidence["error"])

    def _split(self, text: Utf8) -> Iterator[Item]:
        chunks = self._counted(text)
        head = b""
        while len(head) < HEAD and (chunk := next(chunks, None)) is not None:
            head += chunk
        if not head:
            return
        chunks = chain([head], chunks)
        if self._is_table(head):
            self.kind = "csv"
            yield from csv_rows.rows(chunks)
            return
        splitter = Splitter(chunks)
        for item in splitter:
            self.kind = splitter.kind
            yield item

    def _is_table(self, head: bytes) -> bool:
        if _JSON_START.match(head):
            return False
        named = not _TABLE_SUFFIXES.isdisjoint(s.lower() for s in self.path.suffixes)
        return named or csv_rows.is_header(head.partition(b"\n")[0])

    def _counted(self, text: Utf8) -> Iterator[bytes]:
        for chunk in text:
            self._size += len(chunk)
            self.encoding = text.encoding
            yield chunk


def _is_cut(item: Item) -> bool:
    return item.problem is not None and item.problem.reason == "truncated_record"
