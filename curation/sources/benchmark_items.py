"""The items of a benchmark's files."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from curation.sources import archive
from curation.sources.benchmark_rows import QUESTION_KEYS, Row, records, rows_of
from curation.sources.benchmarks import Benchmark, is_data, stem
from curation.sources.items import Item
from schemas.benchmark import BenchmarkItem
from schemas.errors import InputError

_SPLITS = "dev|val|valid|validation|test|train"
_SPLIT_FOLDER = re.compile(_SPLITS)
_SPLIT_AT_END = re.compile(rf"\A(?:(.+)[_.-])?({_SPLITS})")
_SHARD = re.compile(r"-\d{5}-of-\d{5}(?:-[0-9a-f]+)?$")
_NO_SUBJECT = re.compile(rf"{_SPLITS}|all|data|default|\.\.?|/")

_SHOWN_KEYS, _SHOWN_CHARACTERS = 8, 40  # of a record, in a message

#: A benchmark has thousands of rows; a zip of compressed files can claim any number.
MAX_ROWS = 1_000_000

Place = tuple[str, str]  # subject and split


@dataclass(frozen=True, slots=True)
class _Opened:
    """A file of a benchmark, or of a zip that is one.

    where: what a message calls it.
    place: the subject and split that its name tells.
    """

    where: str
    name: str
    file: BinaryIO
    place: Place


def read_items(benchmark: Benchmark) -> list[BenchmarkItem]:
    """The items of `benchmark`, in the order of its files.

    Subject and split are those of the row's own columns, else of the file's name. What two files
    say of the same subject and split is said once; a row without a question is none. Raises
    InputError where a file or a row of it is damaged, where a file is too large or has no item, and
    where all together have more rows than `MAX_ROWS`.
    """
    items: list[BenchmarkItem] = []
    earlier: set[BenchmarkItem] = set()  # of the files before, all with number 0
    numbers: Counter[Place] = Counter()
    for opened in _files(benchmark):
        rows = _rows(opened, benchmark.name)
        made = (_item(row, opened.place, benchmark.name, numbers) for row in rows)
        usable = [item for item in made if item]
        items += (item for item in usable if replace(item, number=0) not in earlier)
        earlier.update(replace(item, number=0) for item in usable)
        if numbers.total() > MAX_ROWS:
            raise InputError(
                f"benchmark {benchmark.name!r} has more than {MAX_ROWS:,} rows; give a part of it"
            )
    return items


def _files(benchmark: Benchmark) -> Iterator[_Opened]:
    """The files of a benchmark, those in its archives included."""
    for name, path in benchmark.files:
        try:
            if archive.is_zip(path):
                yield from _members(benchmark, path)
            else:
                with path.open("rb") as file:
                    place = _place(name, alone=len(benchmark.files) == 1)
                    yield _Opened(str(path), name, file, place)
        except OSError as error:
            raise InputError(f"benchmark {benchmark.name!r}: {error}; make it readable") from None


def _members(benchmark: Benchmark, path: Path) -> Iterator[_Opened]:
    empty = True
    for name, content in archive.members(path, is_data):
        empty = False
        yield _Opened(f"{path}: {name}", name, BytesIO(content), _place(name, alone=False))
    if empty:
        raise InputError(
            f"benchmark {benchmark.name!r}: no CSV, TSV, Parquet or JSON file in {path}; "
            "give another, or unpack it"
        )


def _rows(opened: _Opened, benchmark: str) -> list[Row | None]:
    """The rows of a file; None stands for one without question."""
    rows: list[Row | None] = []
    first: Item | None = None
    for item in records(opened.name, opened.file):
        first = first or item
        if item.problem:  # what is not read is not kept out
            raise InputError(
                f"benchmark {benchmark!r}: {opened.where}, byte {item.offset}: "
                f"{item.problem.evidence.get('error', item.problem.reason)}; mend or remove the row"
            )
        rows += rows_of(item)
    if not any(rows):
        raise InputError(
            f"benchmark {benchmark!r}: no question in {opened.where}: {_what_there_is(first)}; "
            f"name its column {' or '.join(QUESTION_KEYS[:2])}, or leave the file out"
        )
    return rows


def _what_there_is(first: Item | None) -> str:
    """What a file has for its first record."""
    if first is None:
        return "it is empty"
    if first.problem:
        return str(first.problem.evidence["error"])
    if not isinstance(first.value, dict):
        return "it has no objects"
    keys = [repr(str(key)[:_SHOWN_CHARACTERS]) for key in first.value]
    return "its columns are " + ", ".join(keys[:_SHOWN_KEYS])


def _item(
    row: Row | None, place: Place, benchmark: str, numbers: Counter[Place]
) -> BenchmarkItem | None:
    """The item of a row, the next of its subject and split."""
    if row:
        place = (" ".join(row.subject.split()) or place[0], row.split or place[1])
    number = numbers[place]
    numbers[place] += 1
    return BenchmarkItem(benchmark, *place, number, row.question, row.options) if row else None


def _place(name: str, alone: bool) -> Place:
    """Subject and split by a file's name and folders; the name of a lone file is no subject.

    dev/accountant_dev.csv, accountant/dev-00000-of-00001.parquet and dev/accountant.csv are all
    accountant, dev.
    """
    *folders, last = PurePosixPath(name).parts
    base = _SHARD.sub("", stem(last))
    split = next((folder for folder in reversed(folders) if _SPLIT_FOLDER.fullmatch(folder)), "")
    end = _SPLIT_AT_END.fullmatch(base)
    if end and split in ("", end[2]):
        base, split = end[1] or "", end[2]
    named = ["" if alone else base, *reversed(folders)]
    return next((part for part in named if part and not _NO_SUBJECT.fullmatch(part)), ""), split
