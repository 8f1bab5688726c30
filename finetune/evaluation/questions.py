"""The questions in a table, checked: what is in a file is data, whoever made it.

C-Eval   CSV      id, question, A, B, C, D, answer, [explanation]
CMMLU    CSV      (row), Question, A, B, C, D, Answer
MMLU     CSV      no header: question, four options, letter
         Parquet  question, subject, choices (list), answer (number)
"""

import csv
import io
from collections.abc import Iterator
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from finetune.evaluation.files import File
from finetune.evaluation.suites import LETTERS, Question
from schemas.errors import InputError

UNLABELLED = (
    "; a split without answers cannot be scored (C-Eval's test split has none: its val is scored)"
)
_CSV = ["question", "a", "b", "c", "d", "answer"]
_PARQUET = ["question", "subject", "choices", "answer"]


def is_parquet(file: File) -> bool:
    """Whether a table is Parquet; otherwise it is CSV."""
    return file.name.lower().endswith(".parquet")


def read_questions(file: File, subject: str, where: str) -> Iterator[tuple[str, Question]]:
    """Subject and question of each row; a CSV is all of `subject`. `where` is for messages.

    Raises InputError, which names the row, where one has no answer or is no question.
    """
    rows = _parquet(file, where) if is_parquet(file) else _csv(file, subject, where)
    for number, (named, question) in enumerate(rows):
        if question.answer not in LETTERS:
            raise InputError(
                f"{where}, question {number + 1}: its answer is {question.answer!r:.40}, not one "
                f"of A to D{UNLABELLED}"
            )
        yield named, question


def csv_rows(file: File, where: str) -> list[list[str]]:
    """The rows of a CSV that are not empty. Raises InputError where it is none."""
    try:
        text = io.StringIO(file.content.decode("utf-8-sig"), newline="")
        return [row for row in csv.reader(text) if row]
    except UnicodeDecodeError:
        raise InputError(f"{where}: is not UTF-8; convert it") from None
    except csv.Error as error:
        raise InputError(f"{where}: is no CSV ({error}); fetch it again") from None


def _csv(file: File, subject: str, where: str) -> Iterator[tuple[str, Question]]:
    table = csv_rows(file, where)
    header = [cell.strip().lower() for cell in table[0]] if table else []
    if "question" in header:
        table = table[1:]
    else:
        header = _CSV
    missing = {*_CSV} - {*header}
    if missing:
        raise InputError(f"{where}: has no column {', '.join(sorted(missing))}{UNLABELLED}")
    for number, row in enumerate(table):
        if len(row) != len(header):
            raise InputError(
                f"{where}, question {number + 1}: has {len(row)} cells, not {len(header)}; mend it"
            )
        question, *options, answer = (row[header.index(name)] for name in _CSV)
        yield subject, Question(question, tuple(options), answer.strip())


def _parquet(file: File, where: str) -> Iterator[tuple[str, Question]]:
    try:
        table = pq.read_table(io.BytesIO(file.content), columns=_PARQUET).select(_PARQUET)
        rows = table.to_pylist()
    except (pa.ArrowException, OSError, LookupError, ValueError, TypeError):
        raise InputError(
            f"{where}: is no Parquet table with columns {', '.join(_PARQUET)}; fetch it again"
        ) from None
    for number, row in enumerate(rows):
        question, subject, choices, answer = row.values()
        texts = [question, subject, *(choices if isinstance(choices, list) else [])]
        if len(texts) != 2 + len(LETTERS) or not all(isinstance(text, str) for text in texts):
            raise InputError(
                f"{where}, question {number + 1}: needs a question, a subject and four choices, "
                "all of them text; mend it"
            )
        yield subject, Question(question, tuple(choices), _letter(answer))


def _letter(answer: Any) -> str:
    """A number's letter; anything else as it is."""
    known = isinstance(answer, int) and 0 <= answer < len(LETTERS)
    return LETTERS[answer] if known else str(answer)
