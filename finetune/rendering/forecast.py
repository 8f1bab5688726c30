"""What other limits would do to a corpus: a by-product of rendering it once.

Sure where the renderer is additive, as `mistral-v1` is: a part is as long as its rounds. For a
template that writes a round differently by its place, an estimate.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

import numpy as np

from finetune.rendering.rendered import Rendered
from finetune.rendering.rounds import Rounds
from finetune.rendering.split import Limits, Measured
from schemas.document import Document

LENGTHS = (512, 1024, 2048, 4096, 8192)


class Split(Document):
    """What one `max_length` does to the conversations: how many are split, into how many parts in
    all, tokens that later parts repeat and tokens that no part holds.
    """

    split: int = 0
    parts: int = 0
    repeated: int = 0
    dropped: int = 0


class Forecast(Document):
    """`lengths`: tokens of whole conversations and how many have so many; `limits`: `split` at
    each `max_length`.
    """

    lengths: dict[int, int]
    limits: dict[int, Split]

    def quantiles(self, percents: Sequence[int]) -> dict[int, int]:
        """Percent of the conversations: tokens of the longest of them."""
        if not self.lengths:
            return {}
        lengths = np.repeat(list(self.lengths), list(self.lengths.values()))
        values = np.percentile(lengths, percents, method="inverted_cdf")
        return {percent: int(value) for percent, value in zip(percents, values, strict=True)}


def forecast_lengths(limits: Limits) -> list[int]:
    """Those that are of interest beside the chosen one."""
    return sorted({*LENGTHS, *([limits.max_length] if limits.max_length else [])})


def forecast(measured: Iterable[Measured], lengths: Sequence[int], carry: int) -> Forecast:
    """Of conversations that are measured in rounds where longer than the least of `lengths`."""
    found = [one for one in measured if isinstance(one, Rendered | Rounds)]
    histogram = Counter(len(_whole(one).ids) for one in found)
    limits = {length: _sum(_split(one, length, carry) for one in found) for length in lengths}
    return Forecast(lengths=dict(sorted(histogram.items())), limits=limits)


def add(first: Forecast, second: Forecast) -> Forecast:
    """The forecast of both, for the same lengths."""
    lengths = Counter(first.lengths) + Counter(second.lengths)
    limits = {at: _sum(_values(one.limits[at]) for one in (first, second)) for at in first.limits}
    return Forecast(lengths=dict(sorted(lengths.items())), limits=limits)


_Values = tuple[int, int, int, int]


def _values(split: Split) -> _Values:
    return split.split, split.parts, split.repeated, split.dropped


def _sum(splits: Iterable[_Values]) -> Split:
    split, parts, repeated, dropped = map(sum, zip((0, 0, 0, 0), *splits, strict=True))
    return Split(split=split, parts=parts, repeated=repeated, dropped=dropped)


def _split(one: Rendered | Rounds, limit: int, carry: int) -> _Values:
    whole = _whole(one)
    if len(whole.ids) <= limit or not isinstance(one, Rounds):
        return (0, 1, 0, 0) if whole.trained else (0, 0, 0, len(whole.ids))
    spans = one.spans(limit, carry)
    dropped = len(whole.ids) - sum(map(one.kept, spans))
    repeated = max(0, sum(map(one.repeated, spans)))  # below only where it is an estimate
    return len(spans) > 1, len(spans), repeated, dropped


def _whole(one: Rendered | Rounds) -> Rendered:
    return one.whole if isinstance(one, Rounds) else one
