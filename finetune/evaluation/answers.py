"""What both models answered, question by question: what a paired test needs, and no question text.

ADAPTER/evaluation/BENCHMARK.parquet; its metadata say under which protocol. A file under the same
protocol is gone on with, subject by subject; any other is begun anew.
"""

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from finetune.evaluation.benchmark import Exam
from finetune.evaluation.statistics import Pairs
from finetune.evaluation.suites import LETTERS, Question

FOLDER = "evaluation"
SCHEMA = pa.schema(
    [
        pa.field("subject", pa.string(), False),
        pa.field("number", pa.int32(), False),  # 0-based row of the scored split
        pa.field("question", pa.string(), False),  # SHA-256 of question and options
        pa.field("gold", pa.string(), False),
        pa.field("base", pa.string(), False),
        pa.field("adapter", pa.string(), False),
        pa.field("base_loglikelihoods", pa.list_(pa.float32(), 4), False),  # of A, B, C, D
        pa.field("adapter_loglikelihoods", pa.list_(pa.float32(), 4), False),
    ]
)
_PROTOCOL = b"protocol"


def read_kept(path: Path, protocol: str, schema: pa.Schema) -> pa.Table:
    """The rows kept so far under `protocol`; none where the file is of another, or damaged."""
    try:
        table = pq.read_table(path, memory_map=False)
        if (table.schema.metadata or {}).get(_PROTOCOL) == protocol.encode():
            return table.cast(schema)
    except (OSError, ValueError, pa.ArrowException):
        pass
    return schema.empty_table()


def keep(path: Path, table: pa.Table, protocol: str) -> None:
    """Write `table` whole or not at all."""
    path.parent.mkdir(exist_ok=True)
    partial = path.with_suffix(".partial")
    pq.write_table(table.replace_schema_metadata({_PROTOCOL: protocol.encode()}), partial)
    partial.replace(path)


def answers_of(
    subject: str, exam: Exam, base: list[list[float]], adapter: list[list[float]]
) -> pa.Table:
    """The rows of one subject from each question's four log-likelihoods."""
    columns = {
        "subject": [subject] * len(exam.scored),
        "number": list(range(len(exam.scored))),
        "question": [_hash(question) for question in exam.scored],
        "gold": [question.answer for question in exam.scored],
        "base": _letters(base),
        "adapter": _letters(adapter),
        "base_loglikelihoods": base,
        "adapter_loglikelihoods": adapter,
    }
    return pa.table(columns, SCHEMA)


def pairs_by_subject(table: pa.Table) -> dict[str, Pairs]:
    """Per subject, in their order, what base and adapter got right."""
    subjects, gold, base, adapter = (
        np.array(table[name].to_pylist()) for name in ("subject", "gold", "base", "adapter")
    )
    return {
        str(name): Pairs.count(
            (base == gold)[subjects == name].tolist(), (adapter == gold)[subjects == name].tolist()
        )
        for name in dict.fromkeys(subjects.tolist())
    }


def _letters(loglikelihoods: Sequence[Sequence[float]]) -> list[str]:
    """The likeliest letter of each; the first of equal ones."""
    return [LETTERS[int(np.argmax(four))] for four in loglikelihoods]


def _hash(question: Question) -> str:
    text = json.dumps([question.question, *question.options], ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()
