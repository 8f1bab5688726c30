"""Intervals and tests, against published values and first principles."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.evaluation.statistics import (
    RESAMPLES,
    Pairs,
    bootstrap,
    bootstrap_ratio,
    holm,
    mcnemar,
    pooled,
    wilson,
)

cells = st.integers(0, 40)
pairs = st.builds(Pairs, cells, cells, cells, cells).filter(lambda one: one.questions)
shares = st.floats(0, 1)


@pytest.mark.parametrize(
    ("right", "questions", "low", "high"),
    [  # Newcombe, Statistics in Medicine 17 (1998) 857, table I, method 3
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0000, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson_as_newcombe_prints_it(right, questions, low, high):
    assert wilson(right, questions) == pytest.approx((low, high), abs=5e-5)


def test_the_interval_of_c_eval_val():
    low, high = wilson(698, 1346)  # 51.9 %
    assert (high - low) / 2 == pytest.approx(0.027, abs=0.0005)


@pytest.mark.parametrize(
    ("gained", "lost", "p"),
    [
        (10, 0, 2 / 2**10),
        (6, 16, 2 * 110056 / 2**22),  # 1 + 22 + 231 + 1540 + 7315 + 26334 + 74613
        (16, 6, 2 * 110056 / 2**22),
        (5, 5, 1.0),
        (0, 0, 1.0),
    ],
)
def test_mcnemar_by_hand(gained, lost, p):
    assert mcnemar(gained, lost) == pytest.approx(p)


def test_holm_by_hand():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert holm([0.02]) == [0.02]
    assert holm([]) == []


@given(st.lists(shares, max_size=6))
def test_holm_never_lowers_and_keeps_the_order(p):
    adjusted = holm(p)
    assert all(a <= b <= 1 for a, b in zip(p, adjusted, strict=True))
    order = sorted(range(len(p)), key=p.__getitem__)
    assert [adjusted[i] for i in order] == sorted(adjusted)


def test_pairs_are_counted():
    base, adapter = [True, True, False, False, False], [True, False, True, True, False]
    one = Pairs.count(base, adapter)
    assert one == Pairs(both=1, gained=2, lost=1, neither=1)
    assert (one.base, one.adapter) == (2 / 5, 3 / 5)
    assert pooled([one, one]) == Pairs(2, 4, 2, 2)


@given(st.lists(pairs, min_size=1, max_size=4))
def test_intervals_contain_what_was_seen(subjects):
    total, drawn = pooled(subjects), bootstrap(subjects, seed=1)
    share = (total.both + total.lost) / total.questions
    low, high = wilson(total.both + total.lost, total.questions)
    assert low - 1e-9 <= share <= high + 1e-9
    for bounds in (drawn.micro_difference, drawn.macro_difference):
        assert -1 <= bounds.low <= bounds.high <= 1
    assert drawn.micro_difference.low <= (total.gained - total.lost) / total.questions + 1e-9
    assert drawn.micro_difference.high >= (total.gained - total.lost) / total.questions - 1e-9


def test_the_bootstrap_of_a_difference_has_the_known_spread():
    one = Pairs(both=300, gained=80, lost=50, neither=170)
    low, high = bootstrap([one], seed=0).micro_difference
    n = one.questions
    deviation = np.sqrt((80 + 50) / n - (30 / n) ** 2) / np.sqrt(n)  # of a paired difference
    assert (high - low) / 2 == pytest.approx(1.96 * deviation, rel=0.03)
    assert (high + low) / 2 == pytest.approx(30 / n, abs=0.003)


def test_drawing_counts_is_drawing_questions():
    one = Pairs(both=10, gained=8, lost=3, neither=9)
    answers = np.repeat([0, 1, -1, 0], [10, 8, 3, 9])
    random = np.random.default_rng(0)
    drawn = answers[random.integers(0, 30, (RESAMPLES, 30))].mean(1)
    expected = np.percentile(drawn, [2.5, 97.5])
    assert bootstrap([one], seed=0).micro_difference == pytest.approx(expected, abs=0.034)


def test_macro_weights_subjects_alike():
    subjects = [Pairs(90, 0, 0, 10), Pairs(0, 0, 0, 1)]
    drawn = bootstrap(subjects, seed=0)
    assert drawn.macro_base.low < 0.45 < drawn.macro_base.high
    assert drawn.macro_difference == (0, 0)


def test_seeded():
    subjects = [Pairs(501, 403, 307, 209), Pairs(97, 31, 17, 55)]
    assert bootstrap(subjects, 1) == bootstrap(subjects, 1) != bootstrap(subjects, 2)


def test_a_ratio_is_drawn_by_clusters():
    """A conversation is one draw, however many tokens it has."""
    random = np.random.default_rng(0)
    effect = random.normal(-0.1, 0.3, 50)
    tokens = np.full(50, 200.0)
    low, high = bootstrap_ratio(effect * tokens, tokens, seed=0)
    expected = 1.96 * effect.std() / np.sqrt(50)
    assert (high - low) / 2 == pytest.approx(expected, rel=0.08)
