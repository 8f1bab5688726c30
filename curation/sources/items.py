"""What a container gives for each record, before anyone looks at its format."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from curation.sources.identity import canonical

#: A record larger than this is quarantined instead of held in memory. The longest conversation
#: of the real data has 150 KB.
MAX_RECORD = 32 * 2**20

EXCERPT = 80  # characters of a bad record that its evidence shows


class Item(NamedTuple):
    """One record of a container.

    offset:  where it starts, in bytes of the unpacked and transcoded stream; its row in Parquet.
    content: bytes that identify it: canonical JSON where it parsed, else what stands in the file.
    value:   the parsed record; meaningless beside a problem.
    repairs: names of the repairs that parsing took.
    problem: why it could not be read, or None.
    """

    offset: int
    content: bytes
    value: Any
    repairs: tuple[str, ...] = ()
    problem: "Problem | None" = None


@dataclass(frozen=True, slots=True)
class Problem:
    """A reason for quarantine and what shows it (JSON-able)."""

    reason: str
    evidence: Mapping[str, Any] = field(default_factory=dict)


def parsed(offset: int, value: Any, repairs: tuple[str, ...] = (), raw: bytes = b"") -> Item:
    """An item for a value that parsed; `raw` is what it parsed from, if anything."""
    try:
        return Item(offset, canonical(value), value, repairs)
    except TypeError as error:  # deeper than orjson writes, and than any conversation nests
        return bad(offset, raw, "too_deep", str(error))


def bad(offset: int, content: bytes, reason: str, error: str) -> Item:
    """An item for bytes that are no record."""
    evidence: dict[str, Any] = {"offset": offset, "error": error}
    if content:
        evidence["excerpt"] = excerpt(content)
    return Item(offset, content, None, problem=Problem(reason, evidence))


def excerpt(content: bytes) -> str:
    """The first characters of `content`, fit for a table cell."""
    text = content[: EXCERPT * 4].decode("utf-8", "replace")[:EXCERPT]
    return "".join(c if c.isprintable() else " " for c in text).strip()
