"""Length and quality filters.

Rules are made for instruction conversations, not web pages: a one-character answer, a list of
twenty short lines, code and an English answer to a translation request are all legitimate.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator
from typing import Any

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
    drops |= {finding.row: _drop(finding) for finding in _too_long(batch, config)}
    return StageResult(columns, [drops[row] for row in sorted(drops)], edits)


def _identity_drops(findings: Iterable[Finding]) -> dict[int, Drop]:
    """Row → the first of its `findings` as a drop."""
    drops: dict[int, Drop] = {}
    for finding in findings:
        drops.setdefault(finding.row, _drop(finding))
    return drops


def _drop(finding: Finding, **more: Any) -> Drop:
    """The drop of a row for one finding; `more` goes into its evidence."""
    evidence = finding._asdict()
    del evidence["row"]
    return Drop(finding.row, finding.rule, evidence | more)


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
        yield _drop(
            worst,
            score=round(float(scores[row]), 4),
            min_score=config.min_score,
            rules=sorted({finding.rule for finding in by_row[row]}),
            **({"words": translated.words(row)} if worst.rule == TRANSLATION else {}),
        )


def _too_long(batch: pa.RecordBatch, config: Quality) -> Iterator[Finding]:
    """The messages and the conversations that are too long; the latter at their first message."""
    flat = turns(batch)
    lengths = pc.utf8_length(flat.contents).to_numpy(zero_copy_only=False)
    rows, longest = flat.rows, config.max_message_chars
    total = np.bincount(rows, weights=lengths, minlength=len(batch)).astype(np.int64)
    for i in np.flatnonzero(lengths > longest).tolist():
        row, length = int(rows[i]), int(lengths[i])
        yield Finding(row, i - int(flat.offsets[row]), "message_too_long", length, longest)
    for row in np.flatnonzero(total > config.max_chars).tolist():
        yield Finding(row, 0, "too_long", int(total[row]), config.max_chars)
