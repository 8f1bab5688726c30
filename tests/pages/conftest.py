"""A real browser, and corpora for it to look at."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from attacks import RECIPE, RECORDS

ROOT = Path(__file__).parents[2]
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip
NAMES = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser():
    """A headless Chromium: CHROMIUM, one on the path, or Playwright's own."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    with api.sync_playwright() as playwright:
        try:
            started = playwright.chromium.launch(executable_path=found, args=FLAGS)
        except api.Error as error:
            pytest.skip(f"needs a Chromium: {error.message.splitlines()[0]}")
        yield started
        started.close()


@pytest.fixture
def open_page(browser):
    """Open a new page: `open_page(color_scheme="dark", viewport=...)`, options of a context."""
    contexts = []

    def opened(**options):
        contexts.append(browser.new_context(**options))
        return contexts[-1].new_page()

    yield opened
    for context in contexts:
        context.close()


@pytest.fixture
def page(open_page):
    """A page of 1200 by 900 pixels in the light theme."""
    return open_page(viewport={"width": 1200, "height": 900}, color_scheme="light")


def run_curate(*arguments):
    """The command line in a process of its own."""
    code = "from curation.cli import main; main()"
    command = [sys.executable, "-c", code, *map(str, arguments)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def sample(tmp_path_factory):
    """The corpus of the sample."""
    out = tmp_path_factory.mktemp("sample") / "out"
    run_curate("run", "sample", "--output", out, "--workers", 1)
    return out


@pytest.fixture(scope="session")
def attacked(tmp_path_factory):
    """A corpus of attacks: in texts, evidence, ids and categories, file names and the recipe."""
    folder = tmp_path_factory.mktemp("attacked")
    for name, records in RECORDS.items():
        lines = [json.dumps(r) if isinstance(r, dict) else r for r in records]
        (folder / name).write_text("\n".join(lines), encoding="utf-8")
    recipe = folder / "recipe.json"
    recipe.write_text(json.dumps(RECIPE), encoding="utf-8")
    out = folder / "out"
    run_curate("run", recipe, "--output", out, "--workers", 1)
    return out
