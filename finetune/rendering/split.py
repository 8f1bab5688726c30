"""Over-long conversations: split between rounds, with every token accounted for.

Each part is a conversation of its own that repeats the system text; nothing is ever cut inside a
round.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Literal

from finetune.rendering.account import TokenAccount
from finetune.rendering.rendered import Conversation, Refused, Rendered, Renderer, Tokens
from finetune.rendering.rounds import Rounds, Span, take_apart
from schemas.errors import AuroraError

LONG_CONVERSATION = "conversation longer than max_length"
LONG_ROUND = "round longer than max_length"
NO_LABEL = "no token to learn from"


@dataclass(frozen=True)
class Limits:
    """How long a part may be, in tokens, and what becomes of longer conversations."""

    max_length: int | None = None
    too_long: Literal["split", "drop", "refuse"] = "split"
    carry_rounds: int = 0


@dataclass(frozen=True, eq=False)
class Part(Tokens):
    """What the trainer sees as one sequence; its first `context` tokens are carried rounds."""

    context: int


@dataclass(frozen=True)
class Cut:
    """What became of a conversation of `whole` tokens: `kept` of them stand in `parts`, with
    `repeated` others.
    """

    parts: list[Part]
    whole: int
    kept: int
    repeated: int = 0
    left_out: list[str] = field(default_factory=list)  # a reason per conversation or round


#: A conversation rendered whole, as far as it has a form, and in rounds, if that was asked for.
Measured = Refused | Rendered | Rounds


def measure(
    conversations: Sequence[Conversation], renderer: Renderer, above: int | None
) -> list[Measured]:
    """Render conversations whole, and the rounds of those of more than `above` tokens."""
    results: list[Measured] = list(renderer.attempt(conversations))
    if above is None:
        return results
    long = {i: r for i, r in enumerate(results) if isinstance(r, Rendered) and len(r.ids) > above}
    rounds = take_apart([conversations[i] for i in long], list(long.values()), renderer)
    for i, one in zip(long, rounds, strict=True):
        results[i] = one
    return results


def cut(
    ids: Sequence[str], conversations: Sequence[Conversation], renderer: Renderer, limits: Limits
) -> list[Cut]:
    """Render conversations and fit each into `limits`, as its policy says.

    Raises AuroraError, naming the id, for one that is too long under the policy `refuse`.
    """
    above = limits.max_length if limits.too_long == "split" else None
    return fit(ids, measure(conversations, renderer, above), renderer, limits)


def fit(
    ids: Sequence[str], measured: Sequence[Measured], renderer: Renderer, limits: Limits
) -> list[Cut]:
    """Fit what `measure` found into `limits`. For `split`, all that is longer must have rounds.

    Raises AuroraError as `cut`.
    """
    cuts: dict[int, Cut] = {}
    long: dict[int, Rounds] = {}
    for i, one in enumerate(measured):
        whole = one.whole if isinstance(one, Rounds) else one
        if isinstance(whole, Refused):
            cuts[i] = Cut([], 0, 0, left_out=[whole.reason])
        elif limits.max_length is None or len(whole.ids) <= limits.max_length:
            cuts[i] = _whole(whole)
        elif limits.too_long == "refuse":
            raise AuroraError(_too_long(ids[i], len(whole.ids), limits))
        elif limits.too_long == "drop" or not isinstance(one, Rounds):
            cuts[i] = Cut([], len(whole.ids), 0, left_out=[LONG_CONVERSATION])
        else:
            long[i] = one
    if limits.max_length is not None:
        split = _split(list(long.values()), renderer, limits.max_length, limits.carry_rounds)
        cuts |= zip(long, split, strict=True)
    return [cuts[i] for i in range(len(measured))]


def account(cuts: Iterable[Cut]) -> TokenAccount:
    """Where the tokens of conversations went.

    Raises AuroraError where the tokens of the parts are not those kept and those repeated, counted
    each for itself: a defect of this package.
    """
    count: Counter[str] = Counter()
    left_out: Counter[str] = Counter()
    seen = 0
    for one in cuts:
        seen += sum(len(part.ids) for part in one.parts)
        trained = sum(part.trained for part in one.parts)
        count.update(conversations=1, parts=len(one.parts), split=len(one.parts) > 1)
        count.update(whole=one.whole, kept=one.kept, dropped=one.whole - one.kept)
        count.update(repeated=one.repeated, trained=trained)
        left_out.update(one.left_out)
    if seen != count["kept"] + count["repeated"] or min(count.values(), default=0) < 0:
        raise AuroraError(
            f"the rendered parts have {seen} tokens, but {count['kept']} were kept and "
            f"{count['repeated']} repeated; this is a defect in rendering, please report it"
        )
    fields = TokenAccount.model_fields.keys() - {"left_out"}
    return TokenAccount(**{name: count[name] for name in fields}, left_out=dict(left_out))


def add(first: TokenAccount, second: TokenAccount) -> TokenAccount:
    """The account of both."""
    names = TokenAccount.model_fields.keys() - {"left_out"}
    left_out = Counter(first.left_out) + Counter(second.left_out)
    sums = {name: getattr(first, name) + getattr(second, name) for name in names}
    return TokenAccount(**sums, left_out=dict(sorted(left_out.items())))


def _whole(result: Rendered) -> Cut:
    length = len(result.ids)
    if not result.trained:
        return Cut([], length, 0, left_out=[NO_LABEL])
    return Cut([Part(result.ids, result.learned, 0)], length, length)


def _split(rounds: list[Rounds], renderer: Renderer, limit: int, carry: int) -> list[Cut]:
    """Split each; all that there is to render is rendered at once."""
    allowed = [limit] * len(rounds)
    while True:
        spans = [one.spans(limit, carry, most) for one, most in zip(rounds, allowed, strict=True)]
        parts = _render(rounds, spans, renderer)
        excess = [max((len(p.ids) for p in row), default=0) - limit for row in parts]
        if max(excess, default=0) <= 0:
            found = zip(rounds, spans, parts, strict=True)
            return [_cut(one, s, p, additive=renderer.additive) for one, s, p in found]
        # A template whose rounds are longer together than apart: plan with less.
        allowed = [most - max(more, 0) for most, more in zip(allowed, excess, strict=True)]


def _render(
    rounds: list[Rounds], spans: list[list[Span]], renderer: Renderer
) -> list[list[Rendered]]:
    wanted = [one.messages(span) for one, row in zip(rounds, spans, strict=True) for span in row]
    rendered = iter(renderer.render(wanted))
    return [list(islice(rendered, len(row))) for row in spans]


def _cut(one: Rounds, spans: list[Span], parts: list[Rendered], *, additive: bool) -> Cut:
    """The conversation as `parts`; the sizes of its rounds add up to its own."""
    kept = sum(map(one.kept, spans))
    if additive and one.system_leads:
        repeated = sum(map(one.repeated, spans))
    else:  # where rounds depend on their place, what a part has more is all that can be said
        seen = sum(len(part.ids) for part in parts)
        kept = min(kept, seen)
        repeated = seen - kept
    inside = {i for span in spans for i in range(span.new, span.stop)}
    left_out = [_reason(one.alone[i]) for i in range(len(one.rounds)) if i not in inside]
    found = [_part(one, span, part) for span, part in zip(spans, parts, strict=True)]
    return Cut(found, len(one.whole.ids), kept, repeated, left_out)


def _part(one: Rounds, span: Span, rendered: Rendered) -> Part:
    """The part of `span`, with no label on what it carries."""
    answers = one.answers(span.start, span.new)
    context = rendered.ends[answers - 1] if answers else 0
    learned = [(max(start, context), stop) for start, stop in rendered.learned if stop > context]
    return Part(rendered.ids, learned, context)


def _reason(alone: Rendered | Refused) -> str:
    return alone.reason if isinstance(alone, Refused) else LONG_ROUND


def _too_long(identity: str, length: int, limits: Limits) -> str:
    return (
        f"conversation {identity} has {length} tokens, more than max_length {limits.max_length}; "
        "raise max_length, or set too_long to split or drop"
    )
