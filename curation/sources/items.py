"""What a container gives for each record, before anyone looks at its format."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from curation.sources.identity import canonical

#: A record larger than this is quarantined instead of held in memory. The longest conversation
#: of the real data has 150 KB.
MAX_RECORD = 32 * 2**20

EXCERPT = 160  # characters of a bad record that its evidence shows, at most

# What may go on behind a cut, read backwards from it: a word of Latin letters and digits, an
# address, or a number with marks between its digits. Half a number no search knows for one.
_TORN = re.compile(
    r"(?:[^\W\u3040-\u9fff\uac00-\ud7af]|[零〇○一二三四五六七八九幺两壹贰叁肆伍陆柒捌玖.@＠+/=-])*+"
    r"(?:[^\d\n\u4e00-\u9fff]{0,3}\d)*+"
)


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
    """The first characters of `content`, fit for a table cell, without what the cut would halve."""
    text = content[: (EXCERPT + 1) * 4].decode("utf-8", "replace")
    shown = "".join(map(_in_a_line, text[:EXCERPT]))
    if len(text) > EXCERPT and (torn := _TORN.match(shown[::-1])):
        shown = shown[: len(shown) - torn.end()]
    return shown.strip()


def _in_a_line(character: str) -> str:
    """Invisible characters go: in the middle of a number they would hide it."""
    if character.isprintable():
        return character
    return "" if unicodedata.category(character) == "Cf" else " "
