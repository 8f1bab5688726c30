"""The rows of a benchmark file, whatever holds them and whatever its columns are called.

C-Eval   CSV       id, question, A, B, C, D, answer, [explanation]
CMMLU    CSV       (row), Question, A, B, C, D, Answer
MMLU     CSV       no header: question, four options, letter of the answer
         Parquet   question, subject, choices (list), answer
others   any       a column of `QUESTION_KEYS`; options in one column (a list, an object from
                   letter to text, lines) or in columns A, B, C …; or a text file, one a line
"""

import csv
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from string import ascii_uppercase
from typing import Any, BinaryIO

from curation.sources import csv_rows, parquet_rows
from curation.sources.archive import MAX_FILE
from curation.sources.encoding import Utf8
from curation.sources.items import Item, bad, parsed
from curation.sources.jsonfix import ParseError, loads
from curation.sources.splitter import Splitter
from curation.sources.stream import Stream

#: Columns that hold the question, the first that is there. Compared without case.
QUESTION_KEYS = ("question", "query", "prompt", "instruction", "problem", "题目", "问题")
OPTION_KEYS = ("options", "choices", "选项")
SUBJECT_KEYS = ("subject", "category")
_OPTION_COLUMN = re.compile(r"(?:option[ _]?)?[a-j]")

_JSON_SUFFIXES = {".json", ".jsonl", ".ndjson"}
_JSON_START = re.compile(rb"\A\s*+[\[{]")
_HEAD = 2**16  # bytes that a CSV's first row is looked for in


@dataclass(frozen=True, slots=True)
class Row:
    """What a row says; subject and split are empty where no column names them."""

    question: str
    options: tuple[str, ...]
    subject: str
    split: str


def records(name: str, file: BinaryIO) -> Iterator[Item]:
    """The records of a file in order, those that cannot be read included.

    Its kind is told by its content, or by `name` where that could be several. A file that is
    damaged, or unpacks to more than `MAX_FILE` bytes, is one record that says so.
    """
    magic = file.read(len(parquet_rows.MAGIC))
    file.seek(0)
    if magic == parquet_rows.MAGIC:
        yield from parquet_rows.rows(file)
        return
    stream = Stream(file)
    text = _unpacked(stream)
    if text is None:
        yield bad(0, b"", "unreadable_file", f"larger than {MAX_FILE} bytes; split it")
    elif stream.damage:
        yield bad(0, b"", stream.damage.reason, stream.damage.evidence["error"])
    elif text.strip():
        yield from _text_records(name, text)


def rows_of(item: Item) -> list[Row | None]:
    """The rows of a record: itself, or the records that it wraps; None is one without question."""
    record = item.value
    if item.problem or not isinstance(record, dict):
        return [None]
    if row := _row(record):
        return [row]
    inner = [_row(one) for one in _wrapped(record) if isinstance(one, dict)]
    return inner if any(inner) else [None]


def _wrapped(record: Mapping[Any, Any]) -> Iterator[Any]:
    """What {data: [...]} and {"1": {...}, "2": {...}} hold."""
    for value in record.values():
        yield from value if isinstance(value, list) else [value]


def _unpacked(stream: Stream) -> bytes | None:
    """The file as UTF-8; None where it is too large."""
    text = bytearray()
    for chunk in Utf8(iter(stream)):
        text += chunk
        if len(text) > MAX_FILE:
            return None
    return bytes(text)


def _text_records(name: str, text: bytes) -> Iterator[Item]:
    suffixes = set(PurePosixPath(name.lower()).suffixes)
    if ".txt" in suffixes:
        return _lines(text)
    table = suffixes & {".csv", ".tsv"}
    if suffixes & _JSON_SUFFIXES or (not table and _JSON_START.match(text)):
        return iter(Splitter(iter([text])))
    return csv_rows.rows(iter([_header(text.lstrip(b"\r\n")), text.lstrip(b"\r\n")]))


def _lines(text: bytes) -> Iterator[Item]:
    """One record per line that is not blank."""
    for line in text.decode("utf-8", "replace").splitlines():
        if line.strip():
            yield parsed(0, {"question": line})


def _header(text: bytes) -> bytes:
    """The header that a table lacks, as a line; nothing where its first row is one."""
    head = text[:_HEAD].decode("utf-8", "replace")
    delimiter = csv_rows.delimiter_of(head.partition("\n")[0])
    try:
        cells = next(csv.reader(io.StringIO(head, newline=""), delimiter=delimiter), [])
    except csv.Error:
        return b""
    letters = list(ascii_uppercase[: max(len(cells) - 2, 0)])
    named = any(cell.strip().lower() in QUESTION_KEYS for cell in cells)
    if named or len(letters) < 2 or cells[-1].strip() not in letters:
        return b""
    return delimiter.join(["question", *letters, "answer"]).encode() + b"\n"


def _row(record: Mapping[Any, Any]) -> Row | None:
    columns = {str(key).strip().lower(): value for key, value in record.items()}
    question = _question(columns)
    if not question:
        return None
    subject = next((text for key in SUBJECT_KEYS if (text := _text(columns.get(key)))), "")
    return Row(question, _options(columns), subject, _text(columns.get("split")))


def _question(columns: Mapping[str, Any]) -> str:
    for key in QUESTION_KEYS:
        if text := _text(columns.get(key)):
            # An Alpaca instruction is a question only with its input: many share "Translate this".
            more = _text(columns.get("input")) if key == "instruction" else ""
            return f"{text}\n{more}" if more else text
    return ""


def _options(columns: Mapping[str, Any]) -> tuple[str, ...]:
    """The options that have a text, in their order."""
    given = next((value for key in OPTION_KEYS if (value := columns.get(key))), None)
    if given is None:
        letters = sorted(key for key in columns if _OPTION_COLUMN.fullmatch(key))
        given = [columns[key] for key in letters] if len(letters) > 1 else []
    if isinstance(given, str):
        given = _written_out(given)
    if isinstance(given, dict):  # ARC has {text: [...], label: [...]}, others {A: ..., B: ...}
        texts = given.get("text")
        given = texts if isinstance(texts, list) else list(given.values())
    values = given if isinstance(given, list) else []
    plain = (value.get("text") if isinstance(value, dict) else value for value in values)
    return tuple(text for value in plain if (text := _text(value)))


def _written_out(cell: str) -> Any:
    """What a cell of options holds: JSON, or one a line."""
    try:
        return loads(cell.encode("utf-8", "replace"))[0]
    except ParseError:
        return cell.splitlines()


def _text(value: Any) -> str:
    """A cell as text without white space around it; empty where it is no text and no number."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, int | float) and value == value else ""
