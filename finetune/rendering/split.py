"""Over-long conversations: split between rounds, with every token accounted for.

A round is what comes up to an answer: user and assistant messages. Each part is a conversation of
its own that repeats the system text; nothing is ever cut inside a round.
"""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate, islice
from typing import Literal, NamedTuple, TypeAlias

from finetune.rendering.account import TokenAccount
from finetune.rendering.rendered import IGNORED, Conversation, Refused, Rendered, Renderer
from schemas.errors import AuroraError

LONG_CONVERSATION = "conversation longer than max_length"
LONG_ROUND = "round longer than max_length"
NO_LABEL = "no token to learn from"

Message: TypeAlias = Mapping[str, str]


@dataclass(frozen=True)
class Limits:
    """How long a part may be, in tokens, and what becomes of longer conversations."""

    max_length: int | None = None
    too_long: Literal["split", "drop", "refuse"] = "split"
    carry_rounds: int = 0


class Part(NamedTuple):
    """What the trainer sees as one sequence; its first `context` tokens are carried rounds."""

    input_ids: list[int]
    labels: list[int]
    context: int


@dataclass(frozen=True)
class Cut:
    """What became of a conversation of `whole` tokens: `kept` of them stand in `parts`."""

    parts: list[Part]
    whole: int
    kept: int
    left_out: list[str] = field(default_factory=list)  # a reason per conversation or round


class _Span(NamedTuple):
    """Rounds `start` to `stop` of a conversation, those before `new` as context."""

    start: int
    new: int
    stop: int


@dataclass(frozen=True)
class _Long:
    """A conversation that must be split."""

    whole: Rendered
    system: list[Message]
    rounds: list[list[Message]]
    ends: list[int]  # tokens of the whole conversation up to the end of each round
    alone: Sequence[Rendered | Refused]  # each round with the system text, nothing else

    def spans(self, limit: int, carry: int) -> list[_Span]:
        """Rounds in order, as many in each part as fit `limit` tokens; one that alone is longer
        is in none, and nothing is carried over it.
        """
        spans: list[_Span] = []
        first = new = 0
        while new < len(self.rounds):
            if not self._fits(new, new + 1, limit):
                first = new = new + 1
                continue
            earliest = max(first, new - carry)
            start = next(s for s in range(earliest, new + 1) if self._fits(s, new + 1, limit))
            stop = new + 1
            while stop < len(self.rounds) and self._fits(start, stop + 1, limit):
                stop += 1
            spans.append(_Span(start, new, stop))
            new = stop
        return spans

    def messages(self, span: _Span) -> list[Message]:
        """What stands in the part of `span`."""
        return [*self.system, *(m for one in self.rounds[span.start : span.stop] for m in one)]

    def part(self, span: _Span, rendered: Rendered) -> Part:
        """The part of `span`, with no label on what it carries."""
        answers = sum(_answers(one) for one in self.rounds[span.start : span.new])
        context = rendered.ends[answers - 1] if answers else 0
        labels = [IGNORED] * context + rendered.labels[context:]
        return Part(rendered.input_ids, labels, context)

    def cut(self, spans: list[_Span], parts: list[Rendered]) -> Cut:
        """The conversation as `parts`; the sizes of its rounds add up to its own."""
        borders = [0, *self.ends[:-1], len(self.whole.input_ids)]
        kept = sum(borders[span.stop] - borders[span.new] for span in spans)
        inside = {i for span in spans for i in range(span.new, span.stop)}
        left_out = [self._reason(i) for i in range(len(self.rounds)) if i not in inside]
        cut = [self.part(span, part) for span, part in zip(spans, parts, strict=True)]
        return Cut(cut, len(self.whole.input_ids), kept, left_out)

    def _reason(self, index: int) -> str:
        alone = self.alone[index]
        return alone.reason if isinstance(alone, Refused) else LONG_ROUND

    def _fits(self, start: int, stop: int, limit: int) -> bool:
        """Whether a part of these rounds is expected to fit: sure where no token spans rounds."""
        first = self.alone[start]
        if isinstance(first, Refused):
            return False
        return len(first.input_ids) + self.ends[stop - 1] - self.ends[start] <= limit


def cut(
    ids: Sequence[str], conversations: Sequence[Conversation], renderer: Renderer, limits: Limits
) -> list[Cut]:
    """Render conversations and fit each into `limits`, as its policy says.

    Raises AuroraError, naming the id, for one that is too long under the policy `refuse`.
    """
    results = renderer.attempt(conversations)
    cuts: dict[int, Cut] = {}
    long: dict[int, Rendered] = {}
    for i, result in enumerate(results):
        if isinstance(result, Refused):
            cuts[i] = Cut([], 0, 0, [result.reason])
        elif limits.max_length is None or len(result.input_ids) <= limits.max_length:
            cuts[i] = _whole(result)
        elif limits.too_long == "refuse":
            raise AuroraError(_too_long(ids[i], len(result.input_ids), limits))
        elif limits.too_long == "drop":
            cuts[i] = Cut([], len(result.input_ids), 0, [LONG_CONVERSATION])
        else:
            long[i] = result
    if long and limits.max_length is not None:
        chosen = [conversations[i] for i in long]
        split = _split(
            chosen, list(long.values()), renderer, limits.max_length, limits.carry_rounds
        )
        cuts |= zip(long, split, strict=True)
    return [cuts[i] for i in range(len(results))]


def account(cuts: Iterable[Cut]) -> TokenAccount:
    """Where the tokens of conversations went."""
    count: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    for one in cuts:
        seen = sum(len(part.input_ids) for part in one.parts)
        trained = sum(len(p.labels) - p.labels.count(IGNORED) for p in one.parts)
        count.update(conversations=1, parts=len(one.parts), split=len(one.parts) > 1)
        count.update(whole=one.whole, kept=one.kept, dropped=one.whole - one.kept)
        count.update(repeated=seen - one.kept, trained=trained)
        left_out.update(one.left_out)
    fields = TokenAccount.model_fields.keys() - {"left_out"}
    return TokenAccount(**{name: count[name] for name in fields}, left_out=dict(left_out))


def add(first: TokenAccount, second: TokenAccount) -> TokenAccount:
    """The account of both."""
    names = TokenAccount.model_fields.keys() - {"left_out"}
    left_out = Counter(first.left_out) + Counter(second.left_out)
    sums = {name: getattr(first, name) + getattr(second, name) for name in names}
    return TokenAccount(**sums, left_out=dict(sorted(left_out.items())))


def _whole(result: Rendered) -> Cut:
    length = len(result.input_ids)
    if all(label == IGNORED for label in result.labels):
        return Cut([], length, 0, [NO_LABEL])
    return Cut([Part(result.input_ids, result.labels, 0)], length, length)


def _split(
    conversations: list[Conversation],
    whole: list[Rendered],
    renderer: Renderer,
    limit: int,
    carry: int,
) -> list[Cut]:
    """Split each; all that there is to render is rendered at once."""
    apart = [_rounds(messages) for messages in conversations]
    alone = iter(renderer.attempt([[*s, *one] for s, rounds in apart for one in rounds]))
    longs = [
        _Long(result, system, rounds, _ends(result, rounds), list(islice(alone, len(rounds))))
        for result, (system, rounds) in zip(whole, apart, strict=True)
    ]
    allowed = [limit] * len(longs)
    while True:
        spans = [long.spans(most, carry) for long, most in zip(longs, allowed, strict=True)]
        parts = _render(longs, spans, renderer)
        excess = [max((len(p.input_ids) for p in row), default=0) - limit for row in parts]
        if max(excess) <= 0:
            return [long.cut(s, p) for long, s, p in zip(longs, spans, parts, strict=True)]
        # A template whose rounds are longer together than apart: plan with less.
        allowed = [most - max(more, 0) for most, more in zip(allowed, excess, strict=True)]


def _render(
    longs: list[_Long], spans: list[list[_Span]], renderer: Renderer
) -> list[list[Rendered]]:
    wanted = [long.messages(span) for long, row in zip(longs, spans, strict=True) for span in row]
    rendered = iter(renderer.render(wanted))
    return [list(islice(rendered, len(row))) for row in spans]


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


def _too_long(identity: str, length: int, limits: Limits) -> str:
    return (
        f"conversation {identity} has {length} tokens, more than max_length {limits.max_length}; "
        "raise max_length, or set too_long to split or drop"
    )
