"""A Hub of the test's own, and the environment that sends the real client there."""

import os
import threading

import pytest
from hub_server import TOKEN, HubServer


@pytest.fixture
def hub():
    server = HubServer()
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def hub_environment(hub, tmp_path):
    """For a process of its own: the client reads its environment when it is imported."""
    return {
        **os.environ,
        "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}",
        "HF_HOME": str(tmp_path / "hf"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_TOKEN": TOKEN,
    }
