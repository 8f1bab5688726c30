"""A few records of each move, chosen by seed, with their texts and without personal data."""

import json
import re
from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl

from curation.compare.records import COLUMNS, TRACES
from curation.compare.result import Change, Example, Side, Standing
from curation.outputs.choosing import order
from curation.outputs.parquet import readable, scan
from curation.outputs.withheld import redacted, searched
from curation.stages.privacy import PLACEHOLDERS
from schemas.ledger import Outcome
from schemas.manifest import Manifest
from schemas.recipe import Privacy

_PLACEHOLDER = re.compile("|".join(map(re.escape, PLACEHOLDERS.values())))

Redact = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Details:
    """What the comparison itself leaves out of some records: messages and evidence, by id."""

    messages: Mapping[str, list[dict[str, str]]]
    evidence: Mapping[str, str]


def chosen(ids: Iterable[str], number: int, seed: int, last: Container[str] = ()) -> list[str]:
    """The first `number` ids in the order of the seed; those of `last` after others."""
    key = order(seed)
    return sorted(ids, key=lambda id_: (id_ in last, key(id_)))[:number]


def redactor(*manifests: Manifest) -> Redact:
    """Gives JSON values without what any of the recipes looks for, or the default does.

    What one run replaced stands in the clear in another that did not look for it.
    """
    configs: list[Privacy] = []
    for manifest in manifests:
        config = searched(manifest.recipe.stages.privacy)
        if config not in configs:
            configs.append(config)

    def redact(value: Any) -> Any:
        for config in configs:
            value = redacted(value, config)
        return value

    return redact


def details(directory: Path, ids: Iterable[str]) -> Details:
    """Look records up. Raises CorpusError where files are damaged."""
    wanted = pl.col("id").is_in(list(ids))
    ledger = directory / "ledger"
    with readable(directory):
        texts = pl.concat(
            scan(folder).select("id", "messages").filter(wanted).collect(engine="streaming")
            for folder in (directory / "data", ledger / "dropped")
        )
        decisions = scan(ledger / "decisions").filter(wanted).select("id", "evidence").collect()
    return Details(dict(texts.rows()), dict(decisions.rows()))


def standing(row: Mapping[str, Any], side: str = "") -> Standing | None:
    """Where a row of `changes.changed` ended in A, or with the side "_b" in B."""
    if row[f"outcome{side}"] is None:
        return None
    return Standing(Outcome(row[f"outcome{side}"]), row[f"stage{side}"], row[f"reason{side}"])


def example(row: Mapping[str, Any], before: Details, after: Details, redact: Redact) -> Example:
    """A row of `changes.changed` with the texts of both corpora."""
    before_side = _side(row, "", row["was"], before, redact)
    after_side = _side(row, "_b", row["id"], after, redact)
    columns, traces = {}, []
    if row["change"] == Change.COLUMNS:
        differing = (name for name in COLUMNS if row[f"{name}_differs"])
        columns = {name: (redact(row[name]), redact(row[f"{name}_b"])) for name in differing}
    if row["change"] == Change.LEDGER:
        traces = [name for name in (*TRACES, "text") if row[f"{name}_differs"]]
    _withhold(before_side, after_side)
    return Example(row["id"], row["owner"], before_side, after_side, columns, traces)


def _withhold(before: Side | None, after: Side | None) -> None:
    """Take away the texts of messages in which not the same personal data was found.

    What is found in one may stand in the clear in the other, which says it otherwise.
    """
    pairs = zip((before and before.messages) or [], (after and after.messages) or [], strict=False)
    for old, new in pairs:
        a, b = (_PLACEHOLDER.findall(str(message["content"])) for message in (old, new))
        if a != b:
            old["content"] = new["content"] = None


def _side(
    row: Mapping[str, Any], side: str, id_: str, found: Details, redact: Redact
) -> Side | None:
    ended = standing(row, side)
    if ended is None:
        return None
    return Side(
        id=id_,
        standing=ended,
        duplicate_of=row[f"duplicate_of{side}"],
        evidence=redact(json.loads(found.evidence[id_])),
        messages=redact(found.messages.get(id_)),
    )
