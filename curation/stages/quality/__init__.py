"""Length and quality filters.

Rules are made for instruction conversations, not web pages: a one-character answer, a list of
twenty short lines, code and an English answer to a translation request are all legitimate.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.stages.batch import Drop, Edit, StageResult, edited, messages_array, turns
from curation.stages.quality.finding import Finding
from curation.stages.quality.identity import find_identities, rename_identities
from curation.stages.quality.rules import PENALTIES
from curation.stages.quality.scoring import combine, score
from curation.stages.quality.translation import TRANSLATION, Translations, translations
from schemas.recipe import Quality

__all__ = ["PENALTIES", "Finding", "quality", "score"]


def quality(batch: pa.RecordBatch, config: Quality) -> StageResult:
    """Write the column `quality` (float32 in [0, 1]); unless disabled, drop rows.

    Dropped is what is longer than `max_chars` or `max_message_chars`, whatever its score; where
    the assistant says it is another model, unless `identity` keeps that; and what scores below
    `min_score`, with what cost it most as the reason. With `identity: replace`,
    the column `messages` has the assistant's own name, and every change is an edit.
    """
    left, findings = score(batch)
    translated = translations(turns(batch))
    scores = combine(left, translated)
    columns = {"quality": pa.array(scores, pa.float32())}
    if not config.enabled:
        return StageResult(columns)
    drops = {drop.row: drop for drop in _low_scores(scores, findings, translated, config)}
    edits: list[Edit] = []
    if config.identity == "drop":
        drops |= _identity_drops(find_identities(turns(batch)))
    elif config.identity == "replace":
        edits, unnamed = _rename(batch, config, columns)
        drops |= _identity_drops(unnamed)
    drops |= {drop.row: drop for drop in _too_long(batch, config)}
    return StageResult(columns, [drops[row] for row in sorted(drops)], edits)


def _identity_drops(findings: Iterable[Finding]) -> dict[int, Drop]:
    """Row → the first of its `findings` as a drop."""
    drops: dict[int, Drop] = {}
    for finding in findings:
        evidence = {
            "rule": "identity",
            "turn": finding.turn,
            "measured": finding.measured,
            "threshold": finding.threshold,
        }
        drops.setdefault(finding.row, Drop(finding.row, "identity", evidence))
    return drops


def _rename(
    batch: pa.RecordBatch, config: Quality, columns: dict[str, pa.Array]
) -> tuple[list[Edit], list[Finding]]:
    """The edits that rename the assistant, and what they leave; fills `columns`."""
    flat = turns(batch)
    name, developer = str(config.assistant_name), str(config.assistant_developer)
    edits, left = rename_identities(flat, name, developer)
    if edits:
        columns["messages"] = messages_array(edited(flat, edits))
    return edits, left


def _low_scores(
    scores: NDArray[np.float32],
    findings: list[Finding],
    translated: Translations,
    config: Quality,
) -> Iterator[Drop]:
    """What costs a row most is the reason: a rule, or the translation model."""
    by_row: dict[int, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_row[finding.row].append(finding)
    for row in np.flatnonzero(scores < config.min_score).tolist():
        found = [*by_row[row], *translated.finding(row, config.min_score)]
        costs = PENALTIES | {TRANSLATION: 1 - float(translated.factors[row])}
        worst = max(found, key=lambda finding: costs[finding.rule])
        evidence = {
            "rule": worst.rule,
            "turn": worst.turn,
            "measured": worst.measured,
            "threshold": worst.threshold,
            "score": round(float(scores[row]), 4),
            "min_score": config.min_score,
            "rules": sorted({finding.rule for finding in by_row[row]}),
        }
        if worst.rule == TRANSLATION:
            evidence["words"] = translated.words(row)
        yield Drop(row, worst.rule, evidence)


def _too_long(batch: pa.RecordBatch, config: Quality) -> Iterator[Drop]:
    flat = turns(batch)
    lengths = pc.utf8_length(flat.contents).to_numpy(zero_copy_only=False)
    rows = flat.rows
    total = np.bincount(rows, weights=lengths, minlength=len(batch)).astype(np.int64)
    for i in np.flatnonzero(lengths > config.max_message_chars).tolist():
        yield _long("message_too_long", int(rows[i]), int(lengths[i]), config.max_message_chars)
    for row in np.flatnonzero(total > config.max_chars).tolist():
        yield _long("too_long", row, int(total[row]), config.max_chars)


def _long(rule: str, row: int, measured: int, threshold: int) -> Drop:
    return Drop(row, rule, {"rule": rule, "measured": measured, "threshold": threshold})
