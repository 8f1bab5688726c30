"""The quality score: how what was found combines.

The score of a conversation is the product of (1 - penalty) over the rules that fired, and of what
the translation model leaves. A defect counts in full wherever it stands, because a model learns
from every answer; a weakness counts by the share of the conversation's answers that have it, and so
does a badly translated first exchange.
"""

from collections import Counter

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.stages.batch import turns
from curation.stages.quality.finding import Finding, languages_of
from curation.stages.quality.rules import DEFECTS, PENALTIES, find
from curation.stages.quality.translation import DECIMALS, Translations


def score(batch: pa.RecordBatch) -> tuple[NDArray[np.float32], list[Finding]]:
    """(n,) what the rules leave of each score, and what they found, in (row, turn) order."""
    flat = turns(batch)
    findings = find(flat, languages_of(batch))
    is_answer = flat.roles.to_numpy(zero_copy_only=False) == "assistant"
    answers = np.bincount(flat.rows[is_answer], minlength=len(batch))
    scores = np.ones(len(batch))
    for (row, rule), times in Counter((f.row, f.rule) for f in findings).items():
        share = 1.0 if rule in DEFECTS else times / answers[row]
        scores[row] *= 1 - PENALTIES[rule] * share
    return scores.astype(np.float32), findings


def combine(left_by_rules: NDArray[np.float32], translated: Translations) -> NDArray[np.float32]:
    """(n,) quality of each conversation in [0, 1]."""
    scores: NDArray[np.float64] = np.round(left_by_rules * translated.factors, DECIMALS)
    return scores.astype(np.float32)
