"""Reading one file into chunks of normalised conversations."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa

from curation.engine import checkpoint
from curation.engine.bins import binned
from curation.engine.tables import EDITED, difference, rejected_table, tally
from curation.sources.files import SourceFile
from curation.sources.reader import read
from curation.sources.record import Conversation, Record, Rejected
from curation.stages.batch import INPUT
from schemas.conversation import count_rounds
from schemas.ledger import Outcome
from schemas.recipe import Source

#: A chunk also ends at this many characters, so that giant conversations do not gather in one.
CHUNK_CHARACTERS = 8_000_000


@dataclass(frozen=True, slots=True)
class ReadTask:
    """Read `file` into `folder`, `chunk_size` records to a chunk."""

    file: SourceFile
    source: Source
    folder: Path
    chunk_size: int


def read_file(task: ReadTask) -> int:
    """Write the chunks of a file and return their number. Done before, it is not done again."""
    summary = summary_path(task.folder)
    if summary.exists():
        chunks: int = checkpoint.load_note(summary)["chunks"]
        if all(chunk_path(task.folder, index).exists() for index in range(chunks)):
            return chunks
    count = 0
    began = time.perf_counter()
    for count, records in enumerate(_chunks(task), start=1):
        seconds = time.perf_counter() - began
        _save(chunk_path(task.folder, count - 1), records, seconds)
        began = time.perf_counter()
    checkpoint.save(summary, [], {"chunks": count})
    return count


def summary_path(folder: Path) -> Path:
    """Where it is noted that a file has been read, and into how many chunks."""
    return folder / "summary.arrow"


def chunk_path(folder: Path, index: int) -> Path:
    """Where chunk `index` of a file is kept."""
    return folder / f"{index:06}.arrow"


def _chunks(task: ReadTask) -> Iterator[list[Record]]:
    chunk: list[Record] = []
    characters = 0
    for record in read(task.file, task.source):
        chunk.append(record)
        if isinstance(record, Conversation):
            characters += sum(len(message.content) for message in record.messages)
        if len(chunk) >= task.chunk_size or characters >= CHUNK_CHARACTERS:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def _save(path: Path, records: list[Record], seconds: float) -> None:
    """Tables: conversations (`INPUT`), rejected records (`DECIDED`), repairs (`EDITED`)."""
    conversations = [record for record in records if isinstance(record, Conversation)]
    rejected = [record for record in records if isinstance(record, Rejected)]
    tables = [_batch(conversations), rejected_table(rejected), _repairs(conversations)]
    checkpoint.save(path, tables, _note(records, conversations, rejected, seconds))


def _batch(conversations: list[Conversation]) -> pa.Table:
    messages = [[m._asdict() for m in c.messages] for c in conversations]
    columns = {
        "id": [c.id for c in conversations],
        "position": [c.position for c in conversations],
        "messages": messages,
        "source_id": [c.source_id for c in conversations],
        "source_category": [c.source_category for c in conversations],
    }
    return pa.table([pa.array(columns[f.name], f.type) for f in INPUT], schema=INPUT)


def _repairs(conversations: list[Conversation]) -> pa.Table:
    return pa.Table.from_pylist(
        [
            {
                "position": c.position,
                "id": c.id,
                "turn": edit.turn,
                "stage": "read",
                "rule": edit.rule,
                "before": edit.before,
                "after": edit.after,
                "diff": difference(edit.before, edit.after),
            }
            for c in conversations
            for edit in c.edits
        ],
        EDITED,
    )


def _note(
    records: list[Record],
    conversations: list[Conversation],
    rejected: list[Rejected],
    seconds: float,
) -> dict[str, Any]:
    multi = sum(count_rounds([m.role for m in c.messages]) > 1 for c in conversations)
    quarantined = sum(r.outcome == Outcome.QUARANTINED for r in rejected)
    characters = [sum(len(m.content) for m in c.messages) for c in conversations]
    return {
        "records": len(records),
        "rejected": tally(r.reason for r in rejected),
        "formats": tally(c.format for c in conversations),
        "repairs": tally(chain.from_iterable(c.repairs for c in conversations)),
        "single": len(records) - quarantined - multi,
        "multi": multi,
        "histograms": {"characters": binned("characters", characters)},
        "seconds": seconds,
    }
