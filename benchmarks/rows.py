"""Conversations as the benchmarks pass them on: made, read from real data, or written to a file."""

import json
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Literal

import pyarrow as pa

from curation.sources.files import resolve
from curation.sources.reader import read
from curation.sources.record import Conversation
from curation.stages.batch import INPUT
from schemas.conversation import MESSAGES
from schemas.recipe import Source

#: A conversation: what the user said, what the assistant answered, and so on in turn.
Row = tuple[str, ...]
Key = Literal["prompt", "conversation"]

#: The instruction data in a folder laid out as `../shared/data` is; patterns that are not there
#: are passed over.
PATTERNS = ("alpaca_zh/*.json", "alpaca_gpt4_zh/*.json", "sharegpt/*.json*")


def real(folder: Path) -> Iterator[Row]:
    """Every conversation of the data under `folder`, without system messages."""
    source = Source(name="real", path=[p for p in PATTERNS if any(folder.glob(p))])
    for file in resolve(source, folder):
        for record in read(file, source):
            if isinstance(record, Conversation):
                yield tuple(text for role, text in record.messages if role != "system")


def part(row: Row, key: Key) -> Row:
    """The turns that are compared under `key`."""
    return row[::2] if key == "prompt" else row


def messages(row: Row) -> list[dict[str, str]]:
    roles = ("user", "assistant")
    return [{"role": roles[turn % 2], "content": text} for turn, text in enumerate(row)]


def batch_of(rows: Sequence[Row]) -> pa.RecordBatch:
    """The rows as the stages take them."""
    n = len(rows)
    columns = {
        "id": pa.array([f"a-{i}" for i in range(n)], pa.string()),
        "position": pa.array(range(n), pa.int64()),
        "messages": pa.array([messages(row) for row in rows], MESSAGES),
        "source_id": pa.nulls(n, pa.string()),
        "source_category": pa.nulls(n, pa.string()),
    }
    return pa.record_batch(columns, schema=INPUT)


def write_lines(path: Path, objects: Iterable[object]) -> None:
    """A JSONL file."""
    with path.open("w", encoding="utf-8") as file:
        file.writelines(json.dumps(one, ensure_ascii=False) + "\n" for one in objects)
