"""Statistics to draw."""

import pytest
from made_statistics import CASES


@pytest.fixture(params=CASES)
def statistics(request):
    return CASES[request.param]


@pytest.fixture
def usual():
    return CASES["usual"]


@pytest.fixture
def crowded():
    return CASES["twelve sources"]
