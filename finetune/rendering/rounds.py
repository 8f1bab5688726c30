"""A conversation as rounds, and which of them fit together into a number of tokens.

A round is what comes up to an answer: user and assistant messages.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, islice
from typing import NamedTuple, TypeAlias

from finetune.rendering.rendered import Conversation, Refused, Rendered, Renderer

Message: TypeAlias = Mapping[str, str]


class Span(NamedTuple):
    """Rounds `start` to `stop` of a conversation, those before `new` as context."""

    start: int
    new: int
    stop: int


@dataclass(frozen=True)
class Rounds:
    """A conversation rendered whole, and its rounds each rendered `alone` with the system text."""

    whole: Rendered
    system: list[Message]
    rounds: list[list[Message]]
    ends: list[int]  # tokens of the whole conversation up to the end of each round
    alone: Sequence[Rendered | Refused]
    system_leads: bool  # no system text stands after another message

    def spans(self, limit: int, carry: int, together: int | None = None) -> list[Span]:
        """Rounds in order, as many in each part as fit `limit` tokens; one that alone is longer
        is in none, and nothing is carried over it. Several rounds are to fit `together`, if given.
        """
        most = limit if together is None else together
        spans: list[Span] = []
        first = new = 0
        while new < len(self.rounds):
            if not self._fits(new, new + 1, limit):
                first = new = new + 1
                continue
            earliest = max(first, new - carry)
            fitting = (s for s in range(earliest, new) if self._fits(s, new + 1, most))
            start = next(fitting, new)
            stop = new + 1
            while stop < len(self.rounds) and self._fits(start, stop + 1, most):
                stop += 1
            spans.append(Span(start, new, stop))
            new = stop
        return spans

    def messages(self, span: Span) -> list[Message]:
        """What stands in the part of `span`."""
        return [*self.system, *(m for one in self.rounds[span.start : span.stop] for m in one)]

    def answers(self, start: int, stop: int) -> int:
        """How many assistant messages these rounds have."""
        return sum(map(_answers, self.rounds[start:stop]))

    def kept(self, span: Span) -> int:
        """Tokens of the new rounds of `span`; those of all rounds add up to the whole."""
        return self.borders[span.stop] - self.borders[span.new]

    def repeated(self, span: Span) -> int:
        """Tokens that a part has besides its new rounds: carried rounds, BOS and system text, and
        what a template writes after the last answer.
        """
        first = self.alone[span.start]
        assert isinstance(first, Rendered)  # noqa: S101  `spans` begins nowhere else
        beginning_and_carried = first.ends[-1] - self.ends[span.start] + self.borders[span.new]
        after_the_end = len(first.ids) - first.ends[-1] if span.stop < len(self.rounds) else 0
        return beginning_and_carried + after_the_end

    @cached_property
    def borders(self) -> list[int]:
        """Where rounds begin in the whole; the last entry is its length."""
        return [0, *self.ends[:-1], len(self.whole.ids)]

    def _fits(self, start: int, stop: int, limit: int) -> bool:
        """Whether a part of these rounds is expected to fit: sure if the renderer is additive."""
        first = self.alone[start]
        if isinstance(first, Refused):
            return False
        return len(first.ids) + self.ends[stop - 1] - self.ends[start] <= limit


def take_apart(
    conversations: Sequence[Conversation], wholes: Sequence[Rendered], renderer: Renderer
) -> list[Rounds]:
    """The rounds of conversations and their lengths; all are rendered at once."""
    apart = [_rounds(messages) for messages in conversations]
    # The only round of a conversation has been rendered.
    wanted = [[*s, *one] for s, rounds in apart if len(rounds) > 1 for one in rounds]
    alone = iter(renderer.attempt(wanted))
    return [
        Rounds(
            whole,
            system,
            rounds,
            _ends(whole, rounds),
            list(islice(alone, len(rounds))) if len(rounds) > 1 else [whole],
            list(messages[: len(system)]) == system,
        )
        for messages, whole, (system, rounds) in zip(conversations, wholes, apart, strict=True)
    ]


def adds_up(renderer: Renderer) -> bool:
    """Whether parts of trials are as long as their rounds let expect: with and without system text,
    and thoughts, which some templates leave out of earlier answers.
    """
    system = {"role": "system", "content": "b"}
    for answer in ("a", "<think>\nc\n</think>\n\na"):
        turns = [{"role": "user", "content": "a"}, {"role": "assistant", "content": answer}] * 3
        if not all(_adds_up(trial, renderer) for trial in (turns, [system, *turns])):
            return False
    return True


def _adds_up(messages: Conversation, renderer: Renderer) -> bool:
    (whole,) = renderer.attempt([messages])
    if isinstance(whole, Refused):
        return True  # and so is what a corpus has of that kind
    (trial,) = take_apart([messages], [whole], renderer)
    if any(isinstance(one, Refused) for one in trial.alone):
        return False
    spans = [Span(0, 0, 2), Span(0, 1, 2), Span(1, 1, 3), Span(1, 2, 3), Span(2, 2, 3)]
    parts = renderer.attempt([trial.messages(span) for span in spans])
    return all(
        isinstance(part, Rendered) and len(part.ids) == trial.kept(span) + trial.repeated(span)
        for part, span in zip(parts, spans, strict=True)
    )


def _rounds(messages: Conversation) -> tuple[list[Message], list[list[Message]]]:
    """The system messages, wherever they stand, and the rounds."""
    system = [message for message in messages if message["role"] == "system"]
    rounds: list[list[Message]] = []
    previous = "assistant"
    for message in messages:
        if message["role"] == "system":
            continue
        if previous == "assistant" != message["role"] or not rounds:
            rounds.append([])
        rounds[-1].append(message)
        previous = message["role"]
    return system, rounds


def _ends(whole: Rendered, rounds: list[list[Message]]) -> list[int]:
    return [whole.ends[count - 1] for count in accumulate(map(_answers, rounds))]


def _answers(messages: Sequence[Message]) -> int:
    return sum(message["role"] == "assistant" for message in messages)
