"""Sources on the Hub, with the real client against a local server that speaks its protocol."""

import json

import polars as pl
import pytest
from hub_server import COMMIT, TOKEN


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


@pytest.fixture
def run(hub, hub_process, tmp_path):
    """Run `curate run` on one Hub path."""
    hub.repos["o/public"] = FILES

    def start(path, *options):
        recipe = tmp_path / "recipe.yaml"
        recipe.write_text(json.dumps({"name": "c", "sources": [{"name": "s", "path": path}]}))
        main = "from curation.cli import main; main()"
        output = ["--output", tmp_path / "out", "--workers", 1]
        return hub_process(main, "run", recipe, *output, *options)

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
