"""The quality score: which rules there are, what they cost, and how they combine.

The score of a conversation is the product of (1 - penalty) over the rules that fired. A defect
counts in full wherever it stands, because a model learns from every answer; a weakness counts by
the share of the conversation's answers that have it.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.stages.batch import Turns, turns
from curation.stages.quality import echo, garbled, placeholder, repetition, weakness
from curation.stages.quality.finding import Exchange, Finding

#: Each puts a conversation below the default `min_score` of 0.5 alone. The larger the penalty, the
#: surer a reader is; the largest names the reason for a drop.
DEFECTS = {
    "placeholder_answer": 0.95,
    "garbled": 0.9,
    "repetition": 0.85,
    "placeholder_prompt": 0.8,
    "echo": 0.6,
}
#: All together leave 0.504, so that only a recipe stricter than the default drops by them.
WEAKNESSES = {"refusal": 0.3, "truncated": 0.2, "too_short": 0.1}
PENALTIES = DEFECTS | WEAKNESSES

#: Rules over one exchange: name → (what it measures or None, what that is held against).
_ANSWER_RULES: dict[str, tuple[Callable[[Exchange], Any], Any]] = {
    "placeholder_answer": (placeholder.placeholder_answer, "an answer"),
    "repetition": (repetition.repetition, repetition.MIN_SHARE),
    "echo": (echo.echo, "a changed text"),
    "refusal": (weakness.refusal, weakness.MAX_REFUSAL_CHARS),
    "truncated": (weakness.truncated, weakness.MIN_TRUNCATED_CHARS),
    "too_short": (weakness.too_short, weakness.MIN_LETTERS),
}


def score(batch: pa.RecordBatch) -> tuple[NDArray[np.float32], list[Finding]]:
    """(n,) quality of each conversation in [0, 1], and what was found, in (row, turn) order."""
    flat = turns(batch)
    findings = list(_find(flat))
    is_answer = flat.roles.to_numpy(zero_copy_only=False) == "assistant"
    answers = np.bincount(flat.rows[is_answer], minlength=len(batch))
    scores = np.ones(len(batch))
    for (row, rule), times in Counter((f.row, f.rule) for f in findings).items():
        share = 1.0 if rule in DEFECTS else times / answers[row]
        scores[row] *= 1 - PENALTIES[rule] * share
    return scores.astype(np.float32), findings


def _find(flat: Turns) -> Iterator[Finding]:
    """What the rules find, in (row, turn) order."""
    offsets, roles, contents = (
        flat.offsets.tolist(),
        flat.roles.to_pylist(),
        flat.contents.to_pylist(),
    )
    for row, (start, end) in enumerate(pairwise(offsets)):
        prompt = None
        for i in range(start, end):
            share = garbled.garbled(contents[i])
            if share is not None:
                yield Finding(row, i - start, "garbled", share, garbled.MIN_SHARE)
            if roles[i] == "user":
                yield from _prompt(row, i - start, contents[i], first=prompt is None)
                prompt = contents[i]
            elif roles[i] == "assistant":
                yield from _answer(row, i - start, Exchange(prompt or "", contents[i]))


def _prompt(row: int, turn: int, prompt: str, first: bool) -> Iterator[Finding]:
    measured = placeholder.placeholder_prompt(prompt, first)
    if measured is not None:
        yield Finding(row, turn, "placeholder_prompt", measured, "a request")


def _answer(row: int, turn: int, exchange: Exchange) -> Iterator[Finding]:
    for rule, (measure, threshold) in _ANSWER_RULES.items():
        measured = measure(exchange)
        if measured is not None:
            yield Finding(row, turn, rule, measured, threshold)
