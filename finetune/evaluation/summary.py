"""From answers to results: accuracies, intervals, tests, and a sentence on what they show."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from finetune.evaluation.result import Accuracy, BenchmarkResult, Group
from finetune.evaluation.statistics import (
    LEVEL,
    Bootstrap,
    Interval,
    Pairs,
    bootstrap,
    holm,
    mcnemar,
    pooled,
    wilson,
)
from finetune.evaluation.suites import Suite


@dataclass(frozen=True, slots=True)
class Scored:
    """A benchmark and which answers were right."""

    suite: Suite
    sha256: str  # of its files
    pairs: Mapping[str, Pairs]  # by subject
    answer_tokens: list[int]
    contamination: str


def summarize(scored: Sequence[Scored], seed: int) -> list[BenchmarkResult]:
    """Results of all benchmarks; p is adjusted for their number."""
    totals = [pooled(list(one.pairs.values())) for one in scored]
    p_values = [mcnemar(total.gained, total.lost) for total in totals]
    return [
        _result(one, p, adjusted, seed)
        for one, p, adjusted in zip(scored, p_values, holm(p_values), strict=True)
    ]


def _result(scored: Scored, p: float, p_holm: float, seed: int) -> BenchmarkResult:
    suite, pairs = scored.suite, scored.pairs
    total = pooled(list(pairs.values()))
    resampled = bootstrap(list(pairs.values()), seed)
    micro = _micro(total, resampled)
    return BenchmarkResult(
        name=suite.name,
        title=suite.title,
        split=suite.scored,
        sha256=scored.sha256,
        questions=total.questions,
        answer_tokens=scored.answer_tokens,
        micro=micro,
        macro=_macro(list(pairs.values()), resampled),
        gained=total.gained,
        lost=total.lost,
        p=p,
        p_holm=p_holm,
        verdict=verdict(micro.difference, Interval(*micro.difference_interval), p_holm),
        contamination=scored.contamination,
        categories=_categories(suite, pairs),
        subjects=[_group(name, [one]) for name, one in pairs.items()],
    )


def verdict(difference: float, interval: Interval, p: float) -> str:
    """What a paired difference of accuracies shows, in a sentence."""
    low, high = (f"{100 * bound:+.1f}" for bound in interval)
    told = f"95 % interval {low} to {high}, p = {p:.2g}"
    if p >= 1 - LEVEL:
        return f"no gain shown: {100 * difference:+.1f} points ({told})"
    kind = "gain" if difference > 0 else "loss"
    return f"{kind} of {100 * abs(difference):.1f} points ({told})"


def validation_verdict(result: float, interval: Interval) -> str:
    """What a paired difference of losses shows; below zero is better."""
    low, high = interval
    told = f"{result:+.4f} per token (95 % interval {low:+.4f} to {high:+.4f})"
    if low <= 0 <= high:
        return f"no gain shown: {told}"
    return f"{'lower' if high < 0 else 'higher'} loss: {told}"


def _micro(total: Pairs, resampled: Bootstrap) -> Accuracy:
    return Accuracy(
        base=total.base,
        base_interval=wilson(total.both + total.lost, total.questions),
        adapter=total.adapter,
        adapter_interval=wilson(total.both + total.gained, total.questions),
        difference=(total.gained - total.lost) / total.questions,
        difference_interval=resampled.micro_difference,
    )


def _macro(pairs: Sequence[Pairs], resampled: Bootstrap) -> Accuracy:
    base = sum(one.base for one in pairs) / len(pairs)
    adapter = sum(one.adapter for one in pairs) / len(pairs)
    return Accuracy(
        base=base,
        base_interval=resampled.macro_base,
        adapter=adapter,
        adapter_interval=resampled.macro_adapter,
        difference=adapter - base,
        difference_interval=resampled.macro_difference,
    )


def _categories(suite: Suite, pairs: Mapping[str, Pairs]) -> list[Group]:
    """By category; accuracies are micro."""
    of = {name: suite.subject(name).categories for name in pairs}
    names = sorted({category for categories in of.values() for category in categories}, key=_rank)
    return [_group(name, [pairs[one] for one in pairs if name in of[one]]) for name in names]


def _rank(category: str) -> int:
    return ["STEM", "Humanities", "Social Sciences", "Other", "China specific"].index(category)


def _group(name: str, pairs: Sequence[Pairs]) -> Group:
    total = pooled(pairs)
    return Group(
        name=name,
        subjects=len(pairs),
        questions=total.questions,
        base=total.base,
        adapter=total.adapter,
        gained=total.gained,
        lost=total.lost,
    )
