"""What must not stop a run, and what must stop it with a sentence."""

import json
import os
from pathlib import Path

import polars as pl
import pytest

from schemas.statistics import Statistics


@pytest.fixture
def recipe(tmp_path, write_recipe):
    rows = [
        {"instruction": f"{name}有什么用途？", "output": f"{name}在生活中很常见，用途编号是{i}。"}
        for i, name in enumerate(["竹子", "玻璃", "陶瓷", "棉花", "铜", "盐", "羊毛", "石灰"])
    ]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(rows, ensure_ascii=False))
    return write_recipe(a=path)


def shards(directory):
    return {path.name: path.read_bytes() for path in (directory / "data").glob("*.parquet")}


@pytest.mark.parametrize("damage", [b"", b"\0" * 100, None, "half"])
@pytest.mark.parametrize("name", ["summary", "000000.arrow", "-clean-", "-index-", "duplicates-"])
def test_a_damaged_checkpoint_is_made_anew(curate, recipe, tmp_path, name, damage):
    out = tmp_path / "out"
    assert curate("run", recipe, "--output", out, "--workers", 1).code == 0
    expected = shards(out)
    for path in (out / ".work").rglob("*.arrow"):
        if name in path.name and damage is None:
            path.unlink()
        elif name in path.name:
            raw = path.read_bytes()
            path.write_bytes(raw[: len(raw) // 2] if damage == "half" else damage)
    (out / "manifest.json").unlink()
    done = curate("run", recipe, "--output", out, "--workers", 1)
    assert (done.code, done.err) == (0, "")
    assert shards(out) == expected


def test_another_program_s_manifest_is_no_corpus(curate, recipe, tmp_path):
    app = tmp_path / "app"
    (app / "data").mkdir(parents=True)
    (app / "manifest.json").write_text('{"name": "PWA"}')
    (app / "data" / "precious.txt").write_text("42")
    for options in ([], ["--fresh"], []):
        done = curate("run", recipe, "--output", app, *options)
        assert done.code == 2
        assert "not empty" in done.err
    assert sorted(path.name for path in app.rglob("*")) == ["data", "manifest.json", "precious.txt"]


def test_a_damaged_manifest_means_unfinished(curate, recipe, tmp_path):
    out = tmp_path / "out"
    curate("run", recipe, "--output", out, "--workers", 1)
    (out / "manifest.json").write_text("{}")
    assert curate("run", recipe, "--output", out, "--workers", 1).code == 0
    assert curate("verify", out).code == 0


@pytest.mark.parametrize("name", ["br[1]", "[/foo]", "star*", "空 格"])
def test_a_directory_s_name_is_only_a_name(curate, recipe, tmp_path, name):
    out = tmp_path / name
    done = curate("run", recipe, "--output", out, "--workers", 1)
    assert done.code == 0, done.err
    assert name in done.out
    assert curate("verify", out).code == 0
    record = pl.read_parquet(next((out / "data").glob("*.parquet")), glob=False)["id"][0]
    assert curate("explain", out, record).code == 0


@pytest.mark.parametrize("threshold", [0.01, 0.5, 0.999, 1.0])
@pytest.mark.parametrize("num_perm", [16, 256])
def test_every_threshold_runs(curate, recipe, tmp_path, threshold, num_perm):
    changes = [f"stages.dedup.threshold={threshold}", f"stages.dedup.num_perm={num_perm}"]
    options = [argument for change in changes for argument in ("--set", change)]
    assert curate("run", recipe, "--output", tmp_path / "o", "--workers", 1, *options).code == 0


def test_nothing_kept_is_said_and_verifies(curate, recipe, tmp_path):
    out = tmp_path / "out"
    change = ["--set", "stages.quality.max_chars=1"]
    done = curate("run", recipe, "--output", out, "--workers", 1, *change)
    assert done.code == 0
    assert "no conversation was kept" in done.err
    assert curate("verify", out).code == 0
    assert curate("stats", out).code == 0


@pytest.mark.parametrize("part", ["data", "ledger/decisions", "ledger/edits"])
@pytest.mark.parametrize("damage", ["garbage", "gone"])
def test_a_damaged_corpus_is_explained_in_a_sentence(curate, recipe, tmp_path, part, damage):
    out = tmp_path / "out"
    curate("run", recipe, "--output", out, "--workers", 1)
    for path in (out / part).glob("*.parquet"):
        path.write_bytes(b"garbage") if damage == "garbage" else path.unlink()
    assert curate("verify", out).code == 1
    done = curate("explain", out, "a-0")
    assert done.code == 1
    assert "curate" in done.err


def test_damaged_statistics_are_said_to_be(curate, recipe, tmp_path):
    out = tmp_path / "out"
    curate("run", recipe, "--output", out, "--workers", 1)
    for content in ("{}", "nonsense"):
        (out / "statistics.json").write_text(content)
        done = curate("stats", out)
        assert done.code == 1
        assert "statistics.json" in done.err
    (out / "statistics.json").unlink()
    assert curate("stats", out).code == 1


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("name: a\nname: b\nsources: [{name: a, path: b}]", "'name' is given twice"),
        ("name: [", "not valid YAML"),
        ("description: 2024-13-45", "not valid YAML"),
        ("- a\n- b", "must be a mapping"),
        ("", "must be a mapping"),
        ("name: c\nsources: [{name: a, path: b}]\nstages: {dedup: 3}", "stages.dedup"),
        ("name: c\nsources: [{name: a, path: b, license: 'a|b'}]", "sources.0.license"),
        ("name: c\nsources: [{name: a, path: b}]\nstages: {language: {keep: []}}", "keep"),
    ],
)
def test_odd_recipes_are_refused_in_a_sentence(curate, tmp_path, text, word):
    path = tmp_path / "odd.yaml"
    path.write_text(text)
    done = curate("run", path, "--dry-run")
    assert done.code == 2
    assert word in done.err


@pytest.mark.parametrize(
    "changes",
    [
        ["name=2024-13-45"],
        ["x=" + "[" * 3000],
        ["sources.0.path=[a,b]", "sources.0.path.0.x=1"],
        ["sources=[1,null]", "sources.0.y=1"],
        ["sources=[{name: 1},{name: a}]", "sources.b.y=1"],
        ["sources.a.path.b=1"],
    ],
)
def test_odd_changes_are_refused_in_a_sentence(curate, recipe, changes):
    options = [argument for change in changes for argument in ("--set", change)]
    done = curate("run", recipe, "--dry-run", *options)
    assert done.code == 2
    assert done.err.count("\n") == 1


def test_a_changed_path_is_a_path_and_forgets_the_old_hash(curate, recipe, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    document = json.loads(recipe.read_text())
    document["sources"][0]["sha256"] = "ab" * 32
    recipe.write_text(json.dumps(document))
    assert curate("run", recipe, "--output", "o").code == 3
    done = curate("run", recipe, "--output", "o", "--workers", 1, "--set", "sources.a.path=*.json")
    assert done.code == 0, done.err


def test_a_dry_run_as_json(curate, recipe, tmp_path):
    done = curate("run", recipe, "--output", tmp_path / "o", "--dry-run", "--json")
    plan = json.loads(done.out)
    assert plan["files"][0]["file"] == "a.json"
    assert plan["stages"]["dedup"]["threshold"] == 0.8


def test_one_language_code_and_empty_stages_are_accepted(curate, tmp_path, recipe):
    document = json.loads(recipe.read_text())
    document["stages"] = {"language": {"keep": "zh"}, "clean": None, "split": {"validation": 0}}
    recipe.write_text(json.dumps(document))
    assert curate("run", recipe, "--output", tmp_path / "o", "--workers", 1).code == 0
    statistics = Statistics.model_validate_json((tmp_path / "o" / "statistics.json").read_bytes())
    assert sum(source.kept for source in statistics.sources) == 8


def test_inspect_shows_formats_rows_and_bad_rows(curate, tmp_path):
    path = tmp_path / "mixed.json"
    path.write_text(
        '{"instruction": "一加一等于几？", "output": "二"}\n'
        '{"instruction": "坏行\n'
        '{"conversations": [{"from": "human", "value": "你好"}, {"from": "gpt", "value": "好"}]}\n',
        encoding="gb18030",
    )
    found = json.loads(curate("inspect", path, "--json").out)[0]
    assert found["container"] == "json lines"
    assert found["encoding"] == "gb18030"
    assert found["formats"] == {"alpaca": 1, "sharegpt": 1}
    assert (found["records"], found["conversations"]) == (3, 2)
    assert found["bad"][0]["position"] == 1
    shown = curate("inspect", path).out
    assert "一加一等于几？" in shown
    assert "record 1" in shown
    assert curate("inspect", tmp_path / "none.json").code == 3
    assert curate("inspect", "").code == 2


def test_a_file_name_that_is_not_utf8_is_written_out(curate, tmp_path, write_recipe):
    folder = tmp_path / "in"
    folder.mkdir()
    raw = json.dumps([{"instruction": "水的沸点是多少？", "output": "一百摄氏度。"}])
    with Path(os.fsdecode(bytes(folder) + b"/\xff.json")).open("w") as file:
        file.write(raw)
    out = tmp_path / "out"
    assert curate("run", write_recipe(a=folder / "*.json"), "--output", out).code == 0
    decisions = pl.read_parquet(out / "ledger" / "decisions" / "*.parquet")
    assert decisions["file"].to_list() == ["\\xff.json"]


def test_a_pipe_in_place_of_a_file_is_quarantined(curate, recipe, tmp_path):
    os.mkfifo(tmp_path / "pipe.json")
    changes = ["--set", f"sources.a.path=[{tmp_path}/a.json, {tmp_path}/pipe.json]"]
    out = tmp_path / "out"
    assert curate("run", recipe, "--output", out, "--workers", 1, *changes).code == 0
    decisions = pl.read_parquet(out / "ledger" / "decisions" / "*.parquet")
    assert decisions.filter(pl.col("outcome") == "quarantined")["reason"].to_list() == [
        "unreadable_file"
    ]


def test_a_failing_run_leaves_the_finished_corpus_alone(curate, recipe, tmp_path):
    out = tmp_path / "out"
    assert curate("run", recipe, "--output", out, "--workers", 1).code == 0
    wrong = ["--set", f"sources.a.sha256={'ab' * 32}"]
    assert curate("run", recipe, "--output", out, "--workers", 1, *wrong).code == 3
    assert curate("verify", out).code == 0


def test_the_manifest_names_no_folder_of_this_machine(curate, recipe, tmp_path):
    out = tmp_path / "out"
    assert curate("run", recipe, "--output", out, "--workers", 1).code == 0
    for name in ("manifest.json", "README.md", "statistics.json"):
        assert str(tmp_path) not in (out / name).read_text()
