"""CSV and TSV with a header row."""

import csv
from collections.abc import Iterator
from typing import Any

from curation.sources.formats import LIST_KEYS, is_record
from curation.sources.items import MAX_RECORD, Item, bad, parsed
from curation.sources.jsonfix import ParseError, loads


def delimiter_of(header: str) -> str:
    """Comma or tab, whichever the header has more of."""
    return "\t" if header.count("\t") > header.count(",") else ","


def is_header(line: bytes) -> bool:
    """Whether `line` names columns of a known format."""
    text = line.decode("utf-8", "replace")
    try:
        cells = next(csv.reader([text], delimiter=delimiter_of(text), strict=True), [])
    except csv.Error:
        return False
    return is_record(dict.fromkeys(cells))


def rows(chunks: Iterator[bytes]) -> Iterator[Item]:
    """One item per row after the header; its value has the header's names for keys."""
    # Process-wide. The standard library's 128 Ki characters are less than a long conversation.
    csv.field_size_limit(MAX_RECORD)
    lines = _Lines(chunks)
    delimiter = delimiter_of(next(lines, ""))
    lines.give_back(0)
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    header, error = _next_row(reader)
    if error:
        yield bad(0, b"".join(lines.taken), "invalid_csv", f"in the header: {error}")
        return
    while True:
        lines.start_row()
        row, error = _next_row(reader)
        if row is None and not error:
            return
        if row or error:
            yield _item(lines, header or [], row or [], error)


def _next_row(reader: Any) -> tuple[list[str] | None, str]:
    """The cells of the next row, None at the end; or the error that it raises."""
    try:
        return next(reader, None), ""
    except csv.Error as error:
        return None, str(error)


def _item(lines: "_Lines", header: list[str], row: list[str], error: str) -> Item:
    if not error and len(row) != len(header):
        error = f"{len(row)} cells where the header has {len(header)}"
    if error:
        # A lost quote runs on into later rows: give back those that stand on their own.
        width, taken = len(header), lines.taken
        sound = (i for i, line in enumerate(taken) if i and _stands_alone(line, width))
        lines.give_back(next(sound, len(taken)))
        reason = "record_too_large" if lines.too_large else "invalid_csv"
        return bad(lines.offset, b"".join(lines.taken), reason, error)
    content = b"".join(lines.taken)
    try:
        content.decode()
    except UnicodeDecodeError as error_at:
        return bad(lines.offset, content, "invalid_encoding", f"byte {error_at.start} of the row")
    record = {key: cell_value(key, cell) for key, cell in zip(header, row, strict=True)}
    return parsed(lines.offset, record, (), content)


def _stands_alone(line: bytes, width: int) -> bool:
    """Whether `line` is a whole row of `width` cells."""
    text = line.decode("utf-8", "replace")
    row, _ = _next_row(csv.reader([text], delimiter=delimiter_of(text), strict=True))
    return row is not None and len(row) == width


def cell_value(key: str, cell: Any) -> Any:
    """What a cell holds: a list, where the column wants one and the cell writes one as JSON."""
    if key not in LIST_KEYS or not isinstance(cell, str):
        return cell
    try:
        return loads(cell.encode())[0] if cell.strip() else None
    except ParseError:
        return cell


class _Lines:
    """Lines of a stream of chunks, as text; those of the row being read can be given back.

    taken:     lines of the row being read.
    offset:    where that row starts in the stream.
    too_large: whether that row is larger than a record may be.
    """

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._lines = _split(chunks)
        self._returned: list[bytes] = []  # the next one last
        self._size = 0
        self.taken: list[bytes] = []
        self.offset = 0
        self.too_large = False

    def start_row(self) -> None:
        """Forget the lines of the row before."""
        self.offset += sum(map(len, self.taken))
        self.taken, self._size, self.too_large = [], 0, False

    def give_back(self, keep: int) -> None:
        """Put back all but the first `keep` lines of the row."""
        self._returned += reversed(self.taken[keep:])
        self.taken = self.taken[:keep]

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = self._returned.pop() if self._returned else next(self._lines)
        self.taken.append(line)
        self._size += len(line)
        if self._size > MAX_RECORD:
            self.too_large = True
            raise csv.Error(f"longer than {MAX_RECORD} bytes")
        return line.decode("utf-8", "surrogateescape")


def _split(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """Lines with their ends; one longer than a record may be comes in parts."""
    rest = b""
    for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line + b"\n"
        if len(rest) > MAX_RECORD:
            yield rest
            rest = b""
    if rest:
        yield rest
