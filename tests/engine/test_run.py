"""Whole runs through the command line: what comes out, and that it does not depend on how."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import polars as pl
import pytest

from schemas.conversation import DATA
from schemas.ledger import DECISIONS, DROPPED, EDITS

TOPICS = ["春天的花园", "古代的历史", "现代的科学", "美味的食物", "遥远的星空", "安静的图书馆"]


def alpaca(i):
    topic = TOPICS[i % len(TOPICS)]
    answer = f"关于{topic}，第{i}点值得一提：它让人想起往事，也给人第{i * 7}个启发。"
    return {"instruction": f"请谈谈{topic}的第{i}个方面。", "input": "", "output": answer}


def write_lines(path, records):
    path.write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records))
    return path


@pytest.fixture
def corpus(tmp_path, write_recipe):
    """A recipe over two small sources with duplicates, a broken row and a foreign one."""
    rows = [alpaca(i) for i in range(60)]
    english = {"instruction": "Name a colour of the sky.", "output": "The sky is blue in daytime."}
    traditional = {
        "instruction": "請介紹臺灣的歷史與文化。",
        "output": "臺灣有豐富的歷史與多樣的文化。",
    }
    one = write_lines(tmp_path / "one.jsonl", [*rows[:40], rows[3], english, traditional])
    with one.open("a") as file:
        file.write('{"instruction": "断了\n')
    two = write_lines(tmp_path / "two.jsonl", rows[30:])
    return write_recipe(one=one, two=two)


def frames(directory):
    return (
        pl.read_parquet(directory / "data" / "*.parquet"),
        pl.read_parquet(directory / "ledger" / "decisions" / "*.parquet"),
        pl.read_parquet(directory / "ledger" / "edits" / "*.parquet"),
    )


def contents(directory):
    """Relative path → bytes of everything that must not depend on how a run was made."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for folder in ("data", "ledger")
        for path in sorted((directory / folder).rglob("*"))
        if path.is_file()
    }


def test_every_record_is_accounted_for(curate, corpus, tmp_path):
    done = curate("run", corpus, "--output", tmp_path / "out", "--workers", 1)
    assert done.code == 0, done.err
    data, decisions, edits = frames(tmp_path / "out")
    assert decisions.height == 44 + 30
    assert decisions["id"].n_unique() == decisions.height
    assert (
        decisions.group_by("source", "file")
        .agg((pl.col("position").sort() == pl.int_range(pl.len())).all())["position"]
        .all()
    )
    kept = decisions.filter(pl.col("outcome") == "kept")
    assert kept["id"].to_list() == data["id"].to_list()
    reasons = dict(decisions.drop_nulls("reason").group_by("reason").len().rows())
    assert reasons.pop("exact_duplicate") == 11
    assert reasons.pop("language") == 1
    assert sum(reasons.values()) == 1  # the broken row
    assert decisions.filter(pl.col("outcome") == "quarantined")["position"].to_list() == [43]
    assert edits.filter(pl.col("stage") == "script").height == 2
    assert data.filter(
        pl.col("messages").list.get(0).struct.field("content").str.contains("台湾")
    ).height


def test_the_outputs_have_the_published_schemas(curate, corpus, tmp_path):
    import pyarrow.parquet as pq

    curate("run", corpus, "--output", tmp_path / "out", "--workers", 1)
    for folder, schema in (
        ("data", DATA),
        ("ledger/decisions", DECISIONS),
        ("ledger/edits", EDITS),
        ("ledger/dropped", DROPPED),
    ):
        for path in (tmp_path / "out" / folder).glob("*.parquet"):
            assert pq.read_schema(path).equals(schema)


def test_datasets_loads_the_directory(curate, corpus, tmp_path):
    datasets = pytest.importorskip("datasets")
    curate("run", corpus, "--output", tmp_path / "out", "--workers", 1)
    loaded = datasets.load_dataset(str(tmp_path / "out"), cache_dir=str(tmp_path / "cache"))
    assert list(loaded) == ["train"]
    data, _, _ = frames(tmp_path / "out")
    assert loaded["train"]["id"][:] == data["id"].to_list()
    assert loaded["train"][0]["messages"][0]["role"] == "user"


def test_a_survivor_comes_from_the_preferred_source(curate, corpus, tmp_path):
    for first, losers in (("one", {"one", "two"}), ("two", {"one"})):
        out = tmp_path / first
        curate(
            "run",
            corpus,
            "--output",
            out,
            "--workers",
            1,
            "--set",
            f"stages.dedup.priority=[{first}]",
        )
        _, decisions, _ = frames(out)
        dropped = decisions.filter(pl.col("duplicate_of").is_not_null())
        assert set(dropped["source"]) == losers
        assert set(dropped["duplicate_of"].str.split("-").list.first()) == {first} | (
            {"one"} if first == "two" else set()
        )


def test_the_same_bytes_for_other_workers_chunks_and_a_second_run(curate, corpus, tmp_path):
    reference = tmp_path / "reference"
    curate("run", corpus, "--output", reference, "--workers", 1)
    for name, options in {
        "two-workers": ["--workers", 2, "--chunk-size", 7],
        "tiny-chunks": ["--workers", 1, "--chunk-size", 1],
        "again": ["--workers", 1],
    }.items():
        out = tmp_path / name
        if name == "again":
            shutil.copytree(reference, out)
            (out / "manifest.json").unlink()
        assert curate("run", corpus, "--output", out, *options).code == 0
        assert contents(out) == contents(reference), name


def test_a_killed_run_resumes_to_the_same_bytes(curate, tmp_path, write_recipe):
    rows = write_lines(tmp_path / "a.jsonl", [alpaca(i) for i in range(1500)])
    recipe = write_recipe(a=rows)
    curate("run", recipe, "--output", tmp_path / "whole", "--workers", 1)
    out = tmp_path / "killed"
    command = [sys.executable, "-c", "from curation.cli import main; main()", "run", str(recipe)]
    options = ["--output", str(out), "--workers", "1", "--chunk-size", "50"]
    process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not list((out / ".work").glob("*/000003-clean-*")):
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (out / "manifest.json").exists()
    made = {path: path.stat().st_mtime_ns for path in (out / ".work").glob("*/00000[0-2]-*.arrow")}
    assert made
    assert curate("run", recipe, "--output", out, "--workers", 1, "--chunk-size", 50).code == 0
    assert contents(out) == contents(tmp_path / "whole")
    assert all(path.stat().st_mtime_ns == then for path, then in made.items())  # not made again


def test_a_changed_recipe_recomputes_only_what_depends_on_it(curate, corpus, tmp_path):
    out = tmp_path / "out"
    curate("run", corpus, "--output", out, "--workers", 1)
    before = {path: path.stat().st_mtime_ns for path in (out / ".work").rglob("*.arrow")}
    curate("run", corpus, "--output", out, "--workers", 1, "--set", "stages.category.min_score=0.9")
    after = {path: path.stat().st_mtime_ns for path in (out / ".work").rglob("*.arrow")}
    reused = {
        path.name.split("-")[1]
        for path in after
        if "-" in path.name and before.get(path) == after[path]
    }
    assert {"clean", "language", "script", "quality"} <= reused
    assert not reused & {"category", "tokens", "index"}
    curate("run", corpus, "--output", out, "--workers", 1, "--set", "stages.dedup.threshold=0.9",
           "--set", "stages.category.min_score=0.9")  # fmt: skip
    rethresholded = {path: path.stat().st_mtime_ns for path in (out / ".work").rglob("*.arrow")}
    assert {p for p in after if "signatures" in p.name} <= {
        p for p, then in rethresholded.items() if after.get(p) == then
    }


def test_a_finished_run_is_not_repeated_but_a_damaged_one_is_mended(curate, corpus, tmp_path):
    out = tmp_path / "out"
    curate("run", corpus, "--output", out, "--workers", 1)
    manifest = (out / "manifest.json").stat().st_mtime_ns
    assert curate("run", corpus, "--output", out, "--workers", 1).code == 0
    assert (out / "manifest.json").stat().st_mtime_ns == manifest
    shard = next((out / "data").glob("*.parquet"))
    expected = shard.read_bytes()
    shard.write_bytes(expected[:-1] + b"X")
    assert curate("run", corpus, "--output", out, "--workers", 1).code == 0
    assert shard.read_bytes() == expected


def test_disabled_stages_leave_null_columns_and_quality_still_scores(curate, corpus, tmp_path):
    off = [
        argument
        for stage in ("clean", "language", "script", "quality", "category", "dedup")
        for argument in ("--set", f"stages.{stage}.enabled=false")
    ]
    assert curate("run", corpus, "--output", tmp_path / "out", "--workers", 1, *off).code == 0
    data, decisions, edits = frames(tmp_path / "out")
    assert data.height == decisions.height - 1
    assert data["language"].null_count() == data["category"].null_count() == data.height
    assert data["quality"].null_count() == data["tokens"].null_count() == 0
    assert edits.height == 0


def test_dry_run_writes_nothing(curate, corpus, tmp_path):
    done = curate("run", corpus, "--output", tmp_path / "out", "--dry-run")
    assert done.code == 0
    assert "one.jsonl" in done.out
    assert "threshold=0.8" in done.out
    assert not (tmp_path / "out").exists()


def test_json_is_the_statistics(curate, corpus, tmp_path):
    done = curate("run", corpus, "--output", tmp_path / "out", "--workers", 1, "--json")
    printed = json.loads(done.out)
    assert printed == json.loads((tmp_path / "out" / "statistics.json").read_text())
    by_name = {source["source"]: source for source in printed["sources"]}
    assert by_name["one"] == {
        "source": "one",
        "records": 44,
        "kept": 41,
        "dropped": 2,
        "quarantined": 1,
    }
    assert printed["rounds"][0] == {"of": "raw", "source": "one", "single": 43, "multi": 0}
    assert printed["rounds"][2] == {"of": "result", "source": "one", "single": 41, "multi": 0}
    cells = {(o["source"], o["other"]): (o["clustered"], o["exact"]) for o in printed["overlap"]}
    assert cells[("one", "one")] == (2, 1)
    assert cells[("two", "one")] == (10, 10)
    assert cells[("one", "two")] == (10, 0)
    assert cells[("two", "two")] == (0, 0)
    for before, after in zip(printed["stages"], printed["stages"][1:], strict=False):
        assert before["kept"] == after["in"]
    assert printed["stages"][-1]["kept"] == sum(s["kept"] for s in printed["sources"])


def test_ids_do_not_depend_on_what_else_is_in_the_run(curate, tmp_path, write_recipe):
    rows = [alpaca(i) for i in range(20)]
    a, b = write_lines(tmp_path / "a.jsonl", rows[:10]), write_lines(tmp_path / "b.jsonl", rows[5:])
    curate("run", write_recipe(a=a, b=b), "--output", tmp_path / "both", "--workers", 1)
    curate("run", write_recipe(b=b), "--output", tmp_path / "alone", "--workers", 1)
    both = frames(tmp_path / "both")[1].filter(pl.col("source") == "b")
    assert both["id"].to_list() == frames(tmp_path / "alone")[1]["id"].to_list()
    write_lines(a, [alpaca(99), *rows[:10]])
    curate("run", write_recipe(a=a), "--output", tmp_path / "shifted", "--workers", 1)
    shifted = frames(tmp_path / "shifted")[1]["id"].to_list()
    assert (
        shifted[1:] == frames(tmp_path / "both")[1].filter(pl.col("source") == "a")["id"].to_list()
    )


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["run", "smaple"], 2, ["smaple", "'sample'"]),
        (["run", "none/such.yaml"], 2, ["none/such.yaml"]),
        (["run", "{recipe}", "--set", "stages.dedup.treshold=1"], 2, ["treshold", "'threshold'"]),
        (["run", "{recipe}", "--set", "sources.oen.path=x"], 2, ["oen", "'one'"]),
        (["run", "{recipe}", "--set", "nonsense"], 2, ["KEY=VALUE"]),
        (["run", "{recipe}", "--set", "sources.one.path=gone.json"], 3, ["gone.json", "one"]),
        (["run", "{recipe}", "--workers", "0"], 2, ["--workers"]),
        (["run", "{recipe}", "--output", "{recipe}"], 2, ["recipe.yaml"]),
        (["frobnicate"], 2, ["frobnicate"]),
        (["verify", "{tmp}"], 1, ["manifest.json"]),
        (["stats", "{tmp}/none"], 1, ["manifest.json"]),
        (["explain", "{tmp}", "x"], 1, ["manifest.json"]),
    ],
)
def test_errors_are_a_sentence_with_an_exit_code(curate, corpus, tmp_path, arguments, code, words):
    done = curate(*(a.format(recipe=corpus, tmp=tmp_path) for a in arguments))
    assert done.code == code, done.err
    assert all(word in " ".join(done.err.split()) for word in words), done.err


def test_a_folder_with_other_things_is_left_alone(curate, corpus, tmp_path):
    other = tmp_path / "mine"
    other.mkdir()
    (other / "thesis.txt").write_text("42")
    assert curate("run", corpus, "--output", other, "--fresh").code == 2
    assert [path.name for path in other.iterdir()] == ["thesis.txt"]


def test_no_usable_input_still_says_why(curate, tmp_path, write_recipe):
    (tmp_path / "empty.json").write_text("")
    done = curate("run", write_recipe(a=tmp_path / "empty.json"), "--output", tmp_path / "out")
    assert done.code == 3
    assert "ledger" in done.err
    _, decisions, _ = frames(tmp_path / "out")
    assert decisions["reason"].to_list() == ["empty_file"]


def test_two_runs_do_not_write_to_one_directory(curate, corpus, tmp_path):
    from curation.outputs.workspace import workspace

    with workspace(tmp_path / "out"):
        done = curate("run", corpus, "--output", tmp_path / "out", "--workers", 1)
    assert done.code == 1
    assert "another run" in done.err


def test_a_wrong_checksum_stops_the_run(curate, corpus, tmp_path):
    done = curate(
        "run", corpus, "--output", tmp_path / "out", "--set", f"sources.one.sha256={'ab' * 32}"
    )
    assert done.code == 3
    assert "one.jsonl" in done.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_directory_that_cannot_be_written(curate, corpus, tmp_path):
    (tmp_path / "locked").mkdir(mode=0o500)
    done = curate("run", corpus, "--output", tmp_path / "locked" / "out")
    assert done.code == 1
    assert "locked" in done.err


def test_ray_runs_the_same_stages_to_the_same_bytes(curate, corpus, tmp_path):
    pytest.importorskip("ray")
    curate("run", corpus, "--output", tmp_path / "local", "--workers", 1)
    done = curate("run", corpus, "--output", tmp_path / "ray", "--workers", 2, "--engine", "ray")
    assert done.code == 0, done.err
    assert contents(tmp_path / "ray") == contents(tmp_path / "local")


def test_relative_paths_start_at_the_recipe(curate, corpus, tmp_path, monkeypatch):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    recipe = json.loads(Path(corpus).read_text())
    for source in recipe["sources"]:
        source["path"] = Path(source["path"]).name
    Path(corpus).write_text(json.dumps(recipe))
    monkeypatch.chdir(elsewhere)
    assert curate("run", corpus, "--workers", 1).code == 0
    assert (elsewhere / "output" / "c" / "manifest.json").exists()
