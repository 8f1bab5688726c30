"""Fixtures shared by all tests."""

import json
import os
from pathlib import Path

import pytest
from finished import Finished
from hypothesis import settings

from curation.cli import main

# No deadline: the machines that run this are shared, and a slow example proves nothing. In CI the
# same examples every time: a new one is found where somebody can look at it.
settings.register_profile("aurora", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("aurora")

SHARED = Path(__file__).parents[2] / "shared" / "data"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real data, where this checkout has one beside it."""
    if not SHARED.is_dir():
        pytest.skip("needs the real data in ../shared/data")
    return SHARED


@pytest.fixture
def curate(monkeypatch, capsys):
    """Run the command line in this process: `curate("run", recipe)` → Finished."""

    def run(*args: object) -> Finished:
        monkeypatch.setattr("sys.argv", ["curate", *map(str, args)])
        capsys.readouterr()
        code = 0
        try:
            main()
        except SystemExit as exit_:
            code = exit_.code if isinstance(exit_.code, int) else int(exit_.code is not None)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Finished(code, captured.out, captured.err)

    return run


@pytest.fixture
def write_recipe(tmp_path):
    """Write a recipe of one source per keyword, in the test's folder; gives its path."""

    def write(stages: dict | None = None, **sources: object) -> Path:
        listed = [
            {"name": name, **(path if isinstance(path, dict) else {"path": str(path)})}
            for name, path in sources.items()
        ]
        path = tmp_path / "recipe.yaml"
        path.write_text(json.dumps({"name": "c", "sources": listed, "stages": stages or {}}))
        return path

    return write
