"""The questions of a benchmark, by subject."""

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import PurePosixPath

from finetune.evaluation.files import File, digest, read_files
from finetune.evaluation.questions import UNLABELLED, csv_rows, is_parquet, read_questions
from finetune.evaluation.suites import SUITES, Question, Suite
from schemas.errors import InputError

_SPLIT = re.compile(r"(?:(.+)_)?(dev|val|validation|test)(?:-\d{5}-of-\d{5})?")
_PLAIN = re.compile(r"[\w .-]{1,100}")  # letters of any script, digits


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
        named, split = _place(file.name)
        if split in ("dev", suite.scored):
            where = f"{text}: {file.name}"
            for subject, question in read_questions(file, named, where):
                tables[_plain(subject, where), split].append(question)
    subjects = sorted({subject for subject, split in tables if split == suite.scored})
    if not subjects:
        raise InputError(
            f"{text}: has no {suite.scored} split, which is scored of {suite.title}{UNLABELLED}"
        )
    exams = {
        subject: Exam(
            _shots(text, subject, tables[subject, "dev"], shots),
            tables[subject, suite.scored][:limit],
        )
        for subject in subjects
    }
    return Benchmark(suite, digest(files), exams)


def _plain(subject: str, where: str) -> str:
    """A subject's name, which goes into prompts, results and the card."""
    if not _PLAIN.fullmatch(subject):
        raise InputError(
            f"{where}: {subject[:100]!r} is no name of a subject; use letters, digits, spaces and "
            "_ . - only"
        )
    return subject


def _shots(text: str, subject: str, dev: list[Question], shots: int) -> list[Question]:
    if len(dev) < shots:
        raise InputError(f"{text}: {subject} has {len(dev)} rows in dev; use --shots {len(dev)}")
    return dev[:shots]


def _suite(text: str, files: list[File]) -> Suite:
    """Which benchmark has tables of this kind."""
    first = files[0]
    if is_parquet(first):
        return SUITES["mmlu"]
    header = next(iter(csv_rows(first, f"{text}: {first.name}")), [])
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
