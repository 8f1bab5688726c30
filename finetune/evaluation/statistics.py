"""Intervals and tests for accuracies, alone and in pairs.

Sources: Wilson, JASA 22 (1927) 209; McNemar, Psychometrika 12 (1947) 153, in its exact form;
Efron & Tibshirani, An Introduction to the Bootstrap (1993), ch. 13; Holm, Scand. J. Stat. 6 (1979)
65. Dietterich, Neural Computation 10 (1998) 1895 compares tests of two classifiers that were scored
on one test set, and finds McNemar's sound.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binomtest

RESAMPLES = 10_000
LEVEL = 0.95


class Interval(NamedTuple):
    """The bounds of a 95 % interval."""

    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Pairs:
    """What base and adapter made of the questions of one subject.

    both, gained, lost, neither: questions that both got right, the adapter alone, the base alone,
    none.
    """

    both: int
    gained: int
    lost: int
    neither: int

    @classmethod
    def count(cls, base: Sequence[bool], adapter: Sequence[bool]) -> "Pairs":
        """Pairs of two equally long lists: whether each question was answered rightly."""
        pairs = list(zip(base, adapter, strict=True))
        cells = [(True, True), (False, True), (True, False), (False, False)]
        return cls(*(pairs.count(cell) for cell in cells))

    @property
    def questions(self) -> int:
        """How many there are."""
        return self.both + self.gained + self.lost + self.neither

    @property
    def base(self) -> float:
        """Accuracy of the base."""
        return (self.both + self.lost) / self.questions

    @property
    def adapter(self) -> float:
        """Accuracy of the adapter."""
        return (self.both + self.gained) / self.questions


def pooled(subjects: Sequence[Pairs]) -> Pairs:
    """The pairs of all subjects together."""
    return Pairs(
        sum(one.both for one in subjects),
        sum(one.gained for one in subjects),
        sum(one.lost for one in subjects),
        sum(one.neither for one in subjects),
    )


def wilson(right: int, questions: int) -> Interval:
    """Wilson's score interval of a share: sound for small samples and near 0 and 1."""
    bounds = binomtest(right, questions).proportion_ci(LEVEL, method="wilson")
    return Interval(float(bounds.low), float(bounds.high))


def mcnemar(gained: int, lost: int) -> float:
    """Two-sided exact p of McNemar's test: of the questions that only one got right, are as many
    the adapter's as the base's? 1 where there are none.
    """
    decided = gained + lost
    return float(binomtest(gained, decided).pvalue) if decided else 1.0


def holm(p_values: Sequence[float]) -> list[float]:
    """Holm's adjusted p, in the order given: the chance of any false gain stays below the level."""
    adjusted = [0.0] * len(p_values)
    highest = 0.0
    for rank, i in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        highest = max(highest, min(1.0, (len(p_values) - rank) * p_values[i]))
        adjusted[i] = highest
    return adjusted


@dataclass(frozen=True, slots=True)
class Bootstrap:
    """95 % percentile intervals. `micro` weights questions alike, `macro` subjects."""

    micro_difference: Interval
    macro_base: Interval
    macro_adapter: Interval
    macro_difference: Interval


def bootstrap(subjects: Sequence[Pairs], seed: int) -> Bootstrap:
    """Resample questions, base and adapter together, `RESAMPLES` times: for `micro` all of them,
    for `macro` those of each subject.

    Subjects stay as they are, since a benchmark's list of them is no sample. Within a subject of
    few questions the draw varies too little: by (n - 1) / n, and not at all where n is 1. The four
    counts of a resample are multinomial, so counts are drawn instead of questions: the same
    distribution at a fraction of the work.
    """
    random = np.random.default_rng(seed)
    whole = _resample(pooled(subjects), random)  # (resample, cell)
    drawn = np.stack([_resample(one, random) for one in subjects])  # (subject, resample, cell)
    questions = np.array([one.questions for one in subjects], float)
    base, adapter = drawn[..., 0] + drawn[..., 2], drawn[..., 0] + drawn[..., 1]
    return Bootstrap(
        _percentiles((whole[:, 1] - whole[:, 2]) / questions.sum()),
        _percentiles((base / questions[:, None]).mean(0)),
        _percentiles((adapter / questions[:, None]).mean(0)),
        _percentiles(((adapter - base) / questions[:, None]).mean(0)),
    )


def bootstrap_ratio(
    totals: NDArray[np.float64], weights: NDArray[np.float64], seed: int
) -> Interval:
    """Interval of sum(totals) / sum(weights), over clusters that are drawn whole.

    totals, weights: (n,) per cluster, such as a conversation's loss and its number of tokens.
    """
    random = np.random.default_rng(seed)
    n = len(totals)
    ratios = np.empty(RESAMPLES)
    for i in range(RESAMPLES):
        chosen = random.integers(0, n, n)
        ratios[i] = totals[chosen].sum() / weights[chosen].sum()
    return _percentiles(ratios)


def _resample(pairs: Pairs, random: np.random.Generator) -> NDArray[np.int64]:
    cells = np.array([pairs.both, pairs.gained, pairs.lost, pairs.neither], float)
    counts: NDArray[np.int64] = random.multinomial(
        pairs.questions, cells / cells.sum(), size=RESAMPLES
    )
    return counts


def _percentiles(values: NDArray[np.float64]) -> Interval:
    tail = 100 * (1 - LEVEL) / 2
    low, high = np.percentile(values, [tail, 100 - tail]).tolist()
    return Interval(low, high)
