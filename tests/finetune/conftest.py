"""Fixtures of the trainer's tests."""

from pathlib import Path

import pytest


def pytest_collection_modifyitems(items):
    """Other packages' warnings are not ours to mend: the trainer's stack has many."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("default"))
