"""Length and quality filters.

Rules are made for instruction conversations, not web pages: a one-character answer, a list of
twenty short lines, code and an English answer to a translation request are all legitimate.
"""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.stages.batch import Drop, StageResult, turns
from curation.stages.quality.finding import Finding
from curation.stages.quality.rules import PENALTIES
from curation.stages.quality.scoring import score
from schemas.recipe import Quality

__all__ = ["PENALTIES", "Finding", "quality", "score"]


def quality(batch: pa.RecordBatch, config: Quality) -> StageResult:
    """Write the column `quality` (float32 in [0, 1]); unless disabled, drop rows.

    Dropped is what is longer than `max_chars` or `max_message_chars`, whatever its score, and what
    scores below `min_score`, with the rule of the largest penalty as the reason.
    """
    scores, findings = score(batch)
    columns = {"quality": pa.array(scores, pa.float32())}
    if not config.enabled:
        return StageResult(columns)
    drops = {drop.row: drop for drop in _low_scores(scores, findings, config.min_score)}
    drops |= {drop.row: drop for drop in _too_long(batch, config)}
    return StageResult(columns, drops=[drops[row] for row in sorted(drops)])


def _low_scores(
    scores: NDArray[np.float32], findings: list[Finding], min_score: float
) -> Iterator[Drop]:
    by_row: dict[int, list[Finding]] = defaultdict(list)
    for finding in findings:
        by_row[finding.row].append(finding)
    for row in np.flatnonzero(scores < min_score).tolist():
        worst = max(by_row[row], key=lambda finding: PENALTIES[finding.rule])
        evidence = {
            "rule": worst.rule,
            "turn": worst.turn,
            "measured": worst.measured,
            "threshold": worst.threshold,
            "score": round(float(scores[row]), 4),
            "min_score": min_score,
            "rules": sorted({finding.rule for finding in by_row[row]}),
        }
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
