"""A full pass over one file, to see what it holds before it goes into a recipe."""

from collections import Counter
from dataclasses import dataclass, field

from curation.sources.container import Container
from curation.sources.files import SourceFile
from curation.sources.reader import normalise
from curation.sources.record import Conversation, Rejected
from schemas.ledger import Outcome
from schemas.recipe import Source

BAD_ROWS = 5  # bad records shown


@dataclass(slots=True)
class Inspection:
    """What a file holds. records = conversations + the sum of quarantined + the sum of dropped.

    container:   json array, json lines, csv, parquet; none where nothing could be read.
    compression: none, gzip, zstd.
    encoding:    of the unpacked text.
    formats:     record format → conversations.
    quarantined, dropped: reason → records.
    repairs:     repair → conversations that needed it.
    examples:    the first conversations.
    bad:         the first records that gave none.
    """

    file: SourceFile
    container: str = "none"
    compression: str = "none"
    encoding: str = "utf-8"
    records: int = 0
    conversations: int = 0
    formats: Counter[str] = field(default_factory=Counter)
    quarantined: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    repairs: Counter[str] = field(default_factory=Counter)
    examples: list[Conversation] = field(default_factory=list)
    bad: list[Rejected] = field(default_factory=list)


def inspect(file: SourceFile, source: Source, rows: int = 3) -> Inspection:
    """Read all of `file`; keep the first `rows` conversations."""
    container = Container(file.path)
    found = Inspection(file)
    for record in normalise(container, file, source):
        found.records += 1
        if isinstance(record, Conversation):
            _count(found, record, rows)
        else:
            _count_bad(found, record)
    found.container, found.compression = container.kind, container.compression
    found.encoding = container.encoding
    return found


def _count(found: Inspection, record: Conversation, rows: int) -> None:
    found.conversations += 1
    found.formats[record.format] += 1
    found.repairs.update(record.repairs)
    if len(found.examples) < rows:
        found.examples.append(record)


def _count_bad(found: Inspection, record: Rejected) -> None:
    quarantined = record.outcome == Outcome.QUARANTINED
    (found.quarantined if quarantined else found.dropped)[record.reason] += 1
    if len(found.bad) < BAD_ROWS:
        found.bad.append(record)
