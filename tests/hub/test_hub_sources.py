"""Sources on the Hub, with the real client against a local server that speaks its protocol."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote, urlsplit

import polars as pl
import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_secret_of_this_test"


def rows(word, n=4):
    return [
        {
            "instruction": f"请介绍第{i}种{word}。",
            "output": f"第{i}种{word}有它自己的特点和用途{i}。",
        }
        for i in range(n)
    ]


FILES = {
    "data/水果.json": json.dumps(rows("水果"), ensure_ascii=False).encode(),
    "data/b.jsonl": "\n".join(json.dumps(row) for row in rows("乐器")).encode(),
    "README.md": b"# card",
}


class Hub(BaseHTTPRequestHandler):
    """Answers for one public data set, o/public, and one gated one, o/gated."""

    requests: list[str]

    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        path = unquote(urlsplit(self.path).path)
        self.server.requests.append(f"{self.command} {path}")
        if "/o/gated" in path:
            return self.fail(403, "GatedRepo")
        if "/o/public" not in path:
            return self.fail(404, "RepoNotFound")
        if not (f"/{COMMIT}" in path or "/main" in path):
            return self.fail(404, "RevisionNotFound")
        if path.startswith("/api/"):
            listed = [
                {
                    "type": "file",
                    "path": name,
                    "size": len(raw),
                    "oid": hashlib.sha1(raw).hexdigest(),
                }
                for name, raw in FILES.items()
            ]
            return self.send(json.dumps(listed).encode(), {"Content-Type": "application/json"})
        name = path.partition("/resolve/")[2].partition("/")[2]
        if name not in FILES:
            return self.fail(404, "EntryNotFound")
        etag = f'"{hashlib.sha1(FILES[name]).hexdigest()}"'
        return self.send(FILES[name], {"ETag": etag, "X-Repo-Commit": COMMIT})

    def send(self, body, headers, status=200):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def fail(self, status, code):
        self.send(b"", {"X-Error-Code": code, "X-Error-Message": f"no: {TOKEN}"}, status)

    def log_message(self, *_):
        pass


@pytest.fixture
def hub():
    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    server.requests = []
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def run(hub, tmp_path):
    """Run `curate run` on one Hub path in a process of its own: the client reads its environment
    when it is imported."""

    def start(path, *options):
        recipe = tmp_path / "recipe.yaml"
        recipe.write_text(json.dumps({"name": "c", "sources": [{"name": "s", "path": path}]}))
        environment = {
            **os.environ,
            "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}",
            "HF_HOME": str(tmp_path / "hf"),
            "HF_HUB_DISABLE_XET": "1",
            "HF_TOKEN": TOKEN,
        }
        command = [sys.executable, "-c", "from curation.cli import main; main()"]
        output = ["--output", str(tmp_path / "out"), "--workers", "1"]
        return subprocess.run(
            [*command, "run", str(recipe), *output, *options],
            env=environment,
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return start


def decisions(tmp_path):
    return pl.read_parquet(tmp_path / "out" / "ledger" / "decisions" / "*.parquet")


def test_a_file_is_fetched_once_and_named_by_its_path_in_the_repository(run, hub, tmp_path):
    path = f"hf://datasets/o/public/data/水果.json@{COMMIT}"
    done = run(path)
    assert done.returncode == 0, done.stderr
    assert decisions(tmp_path)["file"].unique().to_list() == ["data/水果.json"]
    assert decisions(tmp_path)["outcome"].to_list() == ["kept"] * 4
    hub.requests.clear()
    assert run(path, "--fresh").returncode == 0
    assert not [r for r in hub.requests if r.startswith("GET /datasets")]  # from its cache


def test_a_pattern_over_the_files_of_the_repository(run, tmp_path):
    done = run(f"hf://datasets/o/public/data/*.json*@{COMMIT}")
    assert done.returncode == 0, done.stderr
    assert decisions(tmp_path)["file"].unique().sort().to_list() == [
        "data/b.jsonl",
        "data/水果.json",
    ]


def test_a_hash_that_differs_stops_the_run(run):
    done = run(
        f"hf://datasets/o/public/data/b.jsonl@{COMMIT}", "--set", f"sources.s.sha256={'ab' * 32}"
    )
    assert done.returncode == 3
    assert "b.jsonl" in done.stderr
    assert "abababababab" in done.stderr


@pytest.mark.parametrize(
    ("path", "code", "word"),
    [
        ("hf://datasets/o/public/data/none.json@main", 3, "no such file"),
        ("hf://datasets/o/public/data/*.csv@main", 3, "no file of the repository matches"),
        ("hf://datasets/o/public/data/b.jsonl@gone", 3, "no such revision"),
        ("hf://datasets/o/absent/a.json@main", 3, "no such data set"),
        ("hf://datasets/o/gated/a.json@main", 3, "accept its conditions"),
        ("hf://datasets/o/public/data/b.jsonl", 2, "names no revision"),
        ("hf://models/o/public", 2, "no address of a file"),
    ],
)
def test_errors_name_the_address_and_the_remedy_and_no_secret(run, path, code, word):
    done = run(path)
    assert done.returncode == code, done.stderr
    assert word in " ".join(done.stderr.split())
    assert path in done.stderr
    assert TOKEN not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_a_hub_that_cannot_be_reached(run, hub):
    hub.shutdown()
    hub.server_close()
    done = run(f"hf://datasets/o/public/data/b.jsonl@{COMMIT}")
    assert done.returncode == 3
    assert "--set sources.s.path=FILE" in " ".join(done.stderr.split())
