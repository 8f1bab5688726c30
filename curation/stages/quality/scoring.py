"""The quality score: how what was found combines.

The score of a conversation is the product of (1 - penalty) over the rules that fired. A defect
counts in full wherever it stands, because a model learns from every answer; a weakness counts by
the share of the conversation's answers that have it.
"""

from collections import Counter

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.stages.batch import turns
from curation.stages.quality.finding import Finding
from curation.stages.quality.rules import DEFECTS, PENALTIES, find


def score(batch: pa.RecordBatch) -> tuple[NDArray[np.float32], list[Finding]]:
    """(n,) quality of each conversation in [0, 1], and what was found, in (row, turn) order."""
    flat = turns(batch)
    findings = list(find(flat))
    is_answer = flat.roles.to_numpy(zero_copy_only=False) == "assistant"
    answers = np.bincount(flat.rows[is_answer], minlength=len(batch))
    scores = np.ones(len(batch))
    for (row, rule), times in Counter((f.row, f.rule) for f in findings).items():
        share = 1.0 if rule in DEFECTS else times / answers[row]
        scores[row] *= 1 - PENALTIES[rule] * share
    return scores.astype(np.float32), findings
