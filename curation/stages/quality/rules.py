"""Which rules there are, what they cost, and where they find something."""

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from curation.stages.batch import Turns
from curation.stages.quality import (
    attachment,
    continuation,
    echo,
    garbled,
    interface,
    language,
    placeholder,
    repetition,
    role_leak,
    weakness,
)
from curation.stages.quality.finding import (
    Exchange,
    Finding,
    Messages,
    Suspects,
    asked_for,
    at_least,
    at_most,
    matching,
    messages_of,
)

#: Each puts a conversation below the default `min_score` of 0.5 alone. The larger the penalty, the
#: surer a reader is; the largest names the reason for a drop.
DEFECTS = {
    "placeholder_answer": 0.95,
    "garbled": 0.9,
    "interface_text": 0.88,
    "repetition": 0.85,
    "placeholder_prompt": 0.8,
    "role_leak": 0.78,
    "no_context": 0.75,
    "attachment": 0.7,
    "wrong_language": 0.65,
    "echo": 0.6,
}
#: All together leave 0.5, so that only a recipe stricter than the default drops by them.
WEAKNESSES = {
    "refusal": 0.2,
    "truncated": 0.15,
    "ignored_input": 0.1,
    "untranslated": 0.09,
    "too_short": 0.07,
    "boilerplate": 0.03,
}
PENALTIES = DEFECTS | WEAKNESSES


class Rule(NamedTuple):
    """A rule over one answer.

    measure:   what it measures, None where it finds nothing.
    threshold: what that is held against.
    suspects:  the only answers that are measured.
    """

    measure: Callable[[Exchange], Any]
    threshold: Any
    suspects: Suspects


_ANSWER_RULES = {
    "placeholder_answer": Rule(
        placeholder.placeholder_answer, "an answer", at_most(placeholder.MAX_MARKER_CHARS)
    ),
    "garbled": Rule(garbled.garbled, garbled.MIN_SHARE, matching(garbled.CUE)),
    "interface_text": Rule(interface.notice, "an answer", matching(interface.CUE)),
    "repetition": Rule(
        repetition.repetition, repetition.MIN_SHARE, at_least(repetition.MIN_SHORT_CHARS)
    ),
    "role_leak": Rule(role_leak.role_leak, "one turn", matching(role_leak.CUE)),
    "no_context": Rule(
        continuation.asks_back, "a continuation", asked_for(continuation.CUE)
    ),
    "attachment": Rule(attachment.attachment, "text", attachment.suspects),
    "wrong_language": Rule(
        language.wrong_language, "Chinese", language.suspects
    ),
    "echo": Rule(echo.echo, "a changed text", echo.suspects),
    "refusal": Rule(weakness.refusal, weakness.MAX_REFUSAL_CHARS, weakness.may_refuse),
    "truncated": Rule(weakness.truncated, weakness.MIN_CUT_CHARS, matching(weakness.CUT_CUE)),
    "ignored_input": Rule(
        weakness.ignored_input, weakness.MIN_INPUT_LETTERS, weakness.may_ask
    ),
    "too_short": Rule(weakness.too_short, weakness.MIN_LETTERS, at_most(2 * weakness.MIN_LETTERS)),
    "untranslated": Rule(
        language.untranslated, language.MIN_WORDS, matching(language.ENGLISH_CUE)
    ),
    "boilerplate": Rule(weakness.boilerplate, "an answer", matching(weakness.BOILERPLATE_CUE)),
}  # fmt: skip


def find(flat: Turns, languages: pa.StringArray | None = None) -> list[Finding]:
    """What the rules find, in (row, turn) order.

    languages: the language code of every message, if known; without it no answer is in the wrong
    one.
    """
    found = [*_prompts(messages_of(flat, "user")), *_system(messages_of(flat, "system"))]
    answers = messages_of(flat, "assistant", languages)
    for name, rule in _ANSWER_RULES.items():
        found += _measured(answers, name, rule)
    return sorted(found, key=lambda finding: (finding.row, finding.turn))


def _measured(messages: Messages, name: str, rule: Rule) -> Iterator[Finding]:
    places = np.flatnonzero(rule.suspects(messages))
    index = pa.array(places)
    answers, prompts = messages.contents.take(index), messages.prompts.take(index)
    for i, answer, prompt in zip(
        places.tolist(), answers.to_pylist(), prompts.to_pylist(), strict=True
    ):
        measured = rule.measure(Exchange(prompt, answer))
        if measured is not None:
            row, turn = int(messages.rows[i]), int(messages.turns[i])
            yield Finding(row, turn, name, measured, rule.threshold)


def _prompts(prompts: Messages) -> Iterator[Finding]:
    """What is wrong with a request: it asks nothing, or for more of what never was, or is damaged.

    Damage that its answer explains is what was asked about.
    """
    for finding in _system(prompts):
        if not garbled.explained(_next(prompts.flat, finding)):
            yield finding
    first = np.isin(prompts.turns, (0, 1)) & (np.diff(prompts.rows, prepend=-1) != 0)
    short = np.flatnonzero(prompts.lengths <= placeholder.MAX_MARKER_CHARS)
    texts = prompts.contents.take(pa.array(short)).to_pylist()
    for i, text in zip(short.tolist(), texts, strict=True):
        row, turn = int(prompts.rows[i]), int(prompts.turns[i])
        measured = placeholder.placeholder_prompt(text, bool(first[i]))
        if measured is not None:
            yield Finding(row, turn, "placeholder_prompt", measured, "a request")
        elif first[i] and continuation.asks_for_more(text):
            yield Finding(row, turn, "no_context", text, "a beginning")


def _next(flat: Turns, finding: Finding) -> str:
    """The message after that of `finding`; "" where there is none."""
    place = int(flat.offsets[finding.row]) + finding.turn + 1
    return str(flat.contents[place]) if place < flat.offsets[finding.row + 1] else ""


def _system(messages: Messages) -> Iterator[Finding]:
    return _measured(messages, "garbled", _ANSWER_RULES["garbled"])
