"""A Hub of the test's own, and processes that send the real client there."""

import os
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest
from hub_pusher import Pusher, make
from hub_server import HubServer, environment_of, serve
from hub_writes import WritableHub


@pytest.fixture
def hub():
    yield from serve(HubServer())


@pytest.fixture
def writable_hub():
    yield from serve(WritableHub())


@pytest.fixture
def hub_environment(hub, tmp_path):
    """For a process of its own: the client reads its environment when it is imported."""
    return {**os.environ, **environment_of(hub, tmp_path)}


@pytest.fixture
def hub_process(hub_environment):
    """Run Python code with arguments in a process of that environment."""

    def start(code, *arguments):
        return subprocess.run(
            [sys.executable, "-c", code, *map(str, arguments)],
            env=hub_environment,
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return start


@pytest.fixture(scope="session")
def served():
    """One Hub for many tests: the client knows one address for the life of its process."""
    yield from serve(WritableHub())


@pytest.fixture
def corpus_hub(served):
    for state in (served.repositories, served.large, served.faults, served.requests):
        state.clear()
    return served


@pytest.fixture(scope="session")
def pusher(served, tmp_path_factory):
    """The process that pushes to it."""
    folder = tmp_path_factory.mktemp("pusher")
    with closing(Pusher({**os.environ, **environment_of(served, folder)}, folder)) as pusher:
        yield pusher


@pytest.fixture(scope="session")
def finished(tmp_path_factory):
    """The sample's corpus, once; tests work on copies."""
    return make(tmp_path_factory.mktemp("corpora") / "sample")
