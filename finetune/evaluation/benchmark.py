"""The questions of a benchmark, by subject.

C-Eval   CSV      id, question, A, B, C, D, answer, [explanation]
CMMLU    CSV      (row), Question, A, B, C, D, Answer
MMLU     CSV      no header: question, four options, letter
         Parquet  question, subject, choices (list), answer (number)
"""

import csv
import io
import re
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath

import pyarrow as pa
import pyarrow.parquet as pq

from finetune.evaluation.files import File, digest, read_files
from finetune.evaluation.suites import LETTERS, SUITES, Question, Suite
from schemas.errors import InputError

_SPLIT = re.compile(r"(?:(.+)_)?(dev|val|validation|test)(?:-\d{5}-of-\d{5})?")
_UNLABELLED = (
    "; a split without answers cannot be scored (C-Eval's test split has none: its val is scored)"
)


@dataclass(frozen=True, slots=True)
class Exam:
    """The questions of one subject: those that are scored, and those that are shown before."""

    shots: list[Question]
    scored: list[Question]


@dataclass(frozen=True, slots=True)
class Benchmark:
    """A benchmark that was read; `sha256` is of the names and bytes of its files."""

    suite: Suite
    sha256: str
    exams: dict[str, Exam]


def read_benchmark(text: str, shots: int, limit: int | None = None) -> Benchmark:
    """Read the benchmark that `text` means, subjects by name.

    shots: rows of `dev` that each subject must have. limit: scored questions of each subject.
    Raises InputError, which names file and row, where questions lack answers or files are missing.
    """
    files = read_files(text)
    suite = SUITES.get(text) or _suite(text, files)
    tables: dict[tuple[str, str], list[Question]] = defaultdict(list)
    for file in files:
        split = _place(file.name)[1]
        if split in ("dev", suite.scored):
            for subject, question in _questions(file, f"{text}: {file.name}"):
                tables[subject, split].append(question)
    subjects = sorted({subject for subject, split in tables if split == suite.scored})
    if not subjects:
        raise InputError(
            f"{text}: has no {suite.scored} split, which is scored of {suite.title}{_UNLABELLED}"
        )
    exams = {
        subject: Exam(
            _shots(text, subject, tables[subject, "dev"], shots),
            tables[subject, suite.scored][:limit],
        )
        for subject in subjects
    }
    return Benchmark(suite, digest(files), exams)


def _shots(text: str, subject: str, dev: list[Question], shots: int) -> list[Question]:
    if len(dev) < shots:
        raise InputError(f"{text}: {subject} has {len(dev)} rows in dev; use --shots {len(dev)}")
    return dev[:shots]


def _suite(text: str, files: list[File]) -> Suite:
    """Which benchmark has tables of this kind."""
    first = files[0]
    if first.name.endswith(".parquet"):
        return SUITES["mmlu"]
    header = next(csv.reader(io.StringIO(_text(first, text))), [])
    if "Question" in header:
        return SUITES["cmmlu"]
    return SUITES["ceval" if "question" in header else "mmlu"]


def _place(name: str) -> tuple[str, str]:
    """Subject and split by a file's name: dev/law_dev.csv and dev/law.csv are both law, dev."""
    *folders, last = PurePosixPath(name).parts
    stem = PurePosixPath(last).stem
    split = next((part for part in reversed(folders) if _SPLIT.fullmatch(part)), "")
    ending = _SPLIT.fullmatch(stem)
    if ending and split in ("", ending[2]):
        stem, split = ending[1] or "", ending[2]
    return stem, split


def _questions(file: File, where: str) -> Iterator[tuple[str, Question]]:
    subject = _place(file.name)[0]
    rows = _parquet(file, where) if file.name.endswith(".parquet") else _csv(file, where)
    for number, row in enumerate(rows):
        answer = row["answer"].strip()
        if answer not in LETTERS:
            raise InputError(
                f"{where}, question {number + 1}: its answer is {answer!r}, not one of A to D"
                f"{_UNLABELLED}"
            )
        options = tuple(row[letter.lower()] for letter in LETTERS)
        yield row.get("subject", subject), Question(row["question"], options, answer)


def _csv(file: File, where: str) -> Iterator[dict[str, str]]:
    table = [row for row in csv.reader(io.StringIO(_text(file, where), newline="")) if row]
    header = [cell.strip().lower() for cell in table[0]] if table else []
    if "question" in header:
        table = table[1:]
    else:
        header = ["question", "a", "b", "c", "d", "answer"]
    missing = {"question", "a", "b", "c", "d", "answer"} - {*header}
    if missing:
        raise InputError(f"{where}: has no column {', '.join(sorted(missing))}{_UNLABELLED}")
    for number, row in enumerate(table):
        if len(row) != len(header):
            raise InputError(
                f"{where}, question {number + 1}: has {len(row)} cells, not {len(header)}; mend it"
            )
        yield dict(zip(header, row, strict=True))


def _parquet(file: File, where: str) -> list[dict[str, str]]:
    columns = ["question", "subject", "choices", "answer"]
    try:
        rows = pq.read_table(io.BytesIO(file.content), columns=columns).to_pylist()
        return [
            {letter.lower(): row["choices"][i] for i, letter in enumerate(LETTERS)}
            | {"question": row["question"], "subject": row["subject"]}
            | {"answer": LETTERS[row["answer"]]}
            for row in rows
        ]
    except (pa.ArrowException, OSError, LookupError, TypeError) as error:
        raise InputError(f"{where}: is no table of questions ({error}); fetch it again") from None


def _text(file: File, where: str) -> str:
    try:
        return file.content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise InputError(f"{where}: is not UTF-8; convert it") from None
