"""Files in, records out: the one way into the pipeline."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from curation.sources.container import Container
from curation.sources.files import SourceFile
from curation.sources.formats import FormatError, detect, turns_of
from curation.sources.identity import Identity
from curation.sources.items import Item, excerpt
from curation.sources.record import Conversation, Record, Rejected
from curation.sources.repairs import is_blank, repair
from curation.sources.roles import role_table
from schemas.ledger import Outcome
from schemas.recipe import Source


def read(file: SourceFile, source: Source) -> Iterator[Record]:
    """Every record of `file`, in file order and in bounded memory.

    Bad data never raises: it comes as `Rejected`.
    """
    return normalise(Container(file.path), file, source)


def normalise(items: Iterable[Item], file: SourceFile, source: Source) -> Iterator[Record]:
    """The record of each item."""
    identity = Identity(source.name, file.name)
    roles = role_table(source.roles)
    for position, item in enumerate(items):
        key = identity.of(item.content)
        if item.problem:
            reason, evidence = item.problem.reason, item.problem.evidence
            yield Rejected(key, position, Outcome.QUARANTINED, reason, evidence)
            continue
        try:
            yield _conversation(key, position, item, source.format, roles)
        except FormatError as why:
            evidence = {"offset": item.offset, **why.evidence}
            yield Rejected(key, position, Outcome.QUARANTINED, why.reason, evidence)


def _conversation(
    key: str, position: int, item: Item, name: str, roles: Mapping[str, str]
) -> Record:
    """The conversation of an item that parsed, or why it has none; raises FormatError."""
    record = item.value
    if not isinstance(record, dict):
        kind = type(record).__name__
        raise FormatError("not_an_object", type=kind, excerpt=excerpt(item.content))
    if name == "auto":
        name = detect(record)
    turns = turns_of(record, name, roles)
    repaired = repair(turns.turns)
    if not repaired.messages:
        asked = any(role == "user" and not is_blank(text) for role, text in turns.turns)
        reason = "no_answer" if asked else "no_question"
        evidence = {"offset": item.offset, "excerpt": excerpt(item.content)}
        return Rejected(key, position, Outcome.DROPPED, reason, evidence)
    repairs, edits = repaired.repairs, repaired.edits
    if turns.repairs or item.repairs:
        repairs = tuple(sorted({*repairs, *turns.repairs, *item.repairs}))
        edits = tuple(sorted((*turns.edits, *edits), key=lambda edit: edit.turn))
    return Conversation(
        key,
        position,
        repaired.messages,
        name,
        source_id=_source_id(record),
        source_category=_category(record),
        repairs=repairs,
        edits=edits,
    )


def _source_id(record: Mapping[str, Any]) -> str | None:
    """The record's own id."""
    found = record.get("id")
    if found is None:
        found = record.get("conversation_id")
    return None if found is None or found == "" else str(found)


def _category(record: Mapping[str, Any]) -> str | None:
    """The record's own category, as written."""
    category = record.get("category")
    if isinstance(category, list):
        category = "; ".join(part for part in category if isinstance(part, str))
    return category if isinstance(category, str) and category.strip() else None
