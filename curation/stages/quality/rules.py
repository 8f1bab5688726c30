"""Which rules there are, what they cost, and where they find something."""

from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Any

from curation.stages.batch import Turns
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


def find(flat: Turns) -> Iterator[Finding]:
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
