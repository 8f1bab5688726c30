"""No pattern takes more than linear time, whatever the text: corpus text is hostile.

`python -m benchmarks.patterns` times the same over a million characters.
"""

import re

import pytest

from benchmarks.patterns import hostile, patterns, seconds

SIZE = 5_000
#: Texts a pattern; the benchmark has more.
MOST = 90
#: Over `SIZE` characters a quadratic pattern takes seconds, a linear one a few milliseconds.
SUSPECT = 0.05
#: Four times the text takes a linear pattern four times as long, a quadratic one sixteen.
RATIO = 10


def superlinear(pattern, text):
    if seconds(pattern, text) < SUSPECT:
        return False
    short, long = (
        min(seconds(pattern, text[:n] + text[-1]) for _ in range(3)) for n in (SIZE // 4, SIZE - 1)
    )
    return long > max(SUSPECT, RATIO * short)


@pytest.mark.parametrize("name", patterns())
def test_no_pattern_is_superlinear(name):
    pattern = patterns()[name]
    slow = (text[:30] for text in hostile(pattern, SIZE, MOST) if superlinear(pattern, text))
    assert next(slow, None) is None


def test_a_superlinear_pattern_would_be_found():
    pattern = re.compile(r"\s+$")
    assert any(superlinear(pattern, text) for text in hostile(pattern, SIZE, MOST))
