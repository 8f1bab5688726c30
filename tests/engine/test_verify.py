"""`verify` finds what is damaged; `explain` and `stats` read what is sound."""

import json

import polars as pl
import pytest


@pytest.fixture
def finished(curate, tmp_path, write_recipe):
    rows = [
        {
            "instruction": f"第{i}个问题：{name}是什么？",
            "output": f"{name}是一种很特别的东西，编号{i}。",
        }
        for i, name in enumerate(["苹果", "飞机", "诗歌", "海洋", "数学", "苹果"] * 4)
    ]
    rows += [rows[0], {"instruction": "請解釋「繁體」這個詞。", "output": "繁體是漢字的傳統寫法。"}]
    path = tmp_path / "a.json"
    path.write_text(json.dumps(rows, ensure_ascii=False))
    out = tmp_path / "out"
    assert curate("run", write_recipe(a=path), "--output", out, "--workers", 1).code == 0
    return out


def decisions(directory):
    return pl.read_parquet(directory / "ledger" / "decisions" / "*.parquet")


def test_a_sound_corpus_verifies(curate, finished):
    done = curate("verify", finished)
    assert (done.code, done.err) == (0, "")
    assert "26 records" in done.out


def flip_a_byte(directory):
    shard = next((directory / "data").glob("*.parquet"))
    raw = bytearray(shard.read_bytes())
    raw[len(raw) // 2] ^= 1
    shard.write_bytes(raw)


def lose_a_shard(directory):
    next((directory / "data").glob("*.parquet")).unlink()


def edit_a_decision(directory):
    path = next((directory / "ledger" / "decisions").glob("*.parquet"))
    frame = pl.read_parquet(path)
    frame.with_columns(
        outcome=pl.when(pl.int_range(pl.len()) == 0).then(pl.lit("dropped")).otherwise("outcome")
    ).write_parquet(path)


def add_a_shard(directory):
    shard = next((directory / "data").glob("*.parquet"))
    (directory / "data" / "train-00001-of-00002.parquet").write_bytes(shard.read_bytes())


def change_the_card(directory):
    with (directory / "README.md").open("a") as card:
        card.write("!")


@pytest.mark.parametrize(
    "damage", [flip_a_byte, lose_a_shard, edit_a_decision, add_a_shard, change_the_card]
)
def test_damage_is_found(curate, finished, damage):
    damage(finished)
    done = curate("verify", finished)
    assert done.code == 1
    assert ".parquet" in done.err or "README.md" in done.err
    assert json.loads(curate("verify", finished, "--json").out)["problems"]


def mend_the_hashes(directory):
    from curation.outputs.manifest import describe

    manifest = json.loads((directory / "manifest.json").read_text())
    for entry in manifest["outputs"]:
        path = directory / entry["path"]
        rows = entry["rows"] and pl.scan_parquet(path).select(pl.len()).collect().item()
        fresh = describe(directory, path, rows)
        entry.update(fresh.model_dump())
    (directory / "manifest.json").write_text(json.dumps(manifest))


def test_a_ledger_that_contradicts_the_data_is_found_behind_right_hashes(curate, finished):
    """As if someone had edited the ledger and then mended the manifest's hash."""
    edit_a_decision(finished)
    mend_the_hashes(finished)
    done = curate("verify", finished)
    assert done.code == 1
    assert "counts" in done.err
    assert "kept ids" in done.err


def lost(frame):
    return frame.head(frame.height - 1)


def twice(frame):
    return pl.concat([frame, frame.head(1)])


def of_another(frame):
    return frame.with_columns(id=pl.lit("a-other"))


@pytest.mark.parametrize("change", [lost, twice, of_another])
def test_a_dropped_text_that_the_ledger_does_not_know_is_found(curate, finished, change):
    (path,) = (finished / "ledger" / "dropped").glob("*.parquet")
    frame = pl.read_parquet(path)
    change(frame).write_parquet(path)
    mend_the_hashes(finished)
    done = curate("verify", finished)
    assert done.code == 1
    assert "dropped texts" in done.err


def test_false_rows_in_the_manifest_are_found(curate, finished):
    path = finished / "manifest.json"
    path.write_text(path.read_text().replace('"rows": 1', '"rows": 999', 1))
    done = curate("verify", finished)
    assert done.code == 1
    assert "not as many as the manifest says" in done.err


def test_a_link_to_nowhere_beside_the_shards_is_named(curate, finished):
    (finished / "data" / "train-00007-of-00007.parquet").symlink_to("nowhere")
    done = curate("verify", finished)
    assert done.code == 1
    assert "train-00007-of-00007.parquet: is not in the manifest" in done.err


def test_a_damaged_manifest_is_said_to_be(curate, finished):
    (finished / "manifest.json").write_text("{")
    done = curate("verify", finished)
    assert done.code == 1
    assert "damaged" in done.err


def test_stats_prints_what_the_run_printed(curate, finished):
    printed = json.loads(curate("stats", finished, "--json").out)
    assert printed == json.loads((finished / "statistics.json").read_text())
    assert "Table 2" in curate("stats", finished).out


def test_explain_a_kept_record_with_its_edits(curate, finished):
    record = decisions(finished).filter(pl.col("position") == 25)["id"].item()
    told = json.loads(curate("explain", finished, record, "--json").out)
    assert told["decision"]["outcome"] == "kept"
    assert [edit["stage"] for edit in told["edits"]] == ["script", "script"]
    assert told["row"]["messages"][1]["content"] == "繁体是汉字的传统写法。"
    shown = curate("explain", finished, record).out
    assert "a.json, record 26" in shown
    assert "traditional_to_simplified" in shown


def test_explain_a_duplicate_shows_the_row_that_stayed(curate, finished):
    record = decisions(finished).filter(pl.col("position") == 24)["id"].item()
    told = json.loads(curate("explain", finished, record, "--json").out)
    assert told["decision"]["reason"] == "exact_duplicate"
    assert json.loads(told["decision"]["evidence"])["jaccard"] == 1.0
    assert told["survivor"]["id"] == told["decision"]["duplicate_of"]
    assert told["row"] is None


def test_explain_an_unknown_id(curate, finished):
    done = curate("explain", finished, "a-nothing")
    assert done.code == 1
    assert "a-nothing" in done.err


def test_corpus_text_cannot_drive_the_terminal(curate, tmp_path, write_recipe):
    text = "请解释\x1b[31m红色\x1b[0m与[bold red]标记[/]的意思，以及\u202e反向。"
    rows = [{"instruction": text, "output": "这是一个关于终端控制序列的说明。" + text}]
    (tmp_path / "h.json").write_text(json.dumps(rows))
    recipe = write_recipe({"clean": {"enabled": False}}, h=tmp_path / "h.json")
    curate("run", recipe, "--output", tmp_path / "out", "--workers", 1)
    record = decisions(tmp_path / "out")["id"].item()
    shown = curate("explain", tmp_path / "out", record).out
    assert "\x1b" not in shown
    assert "\u202e" not in shown
    assert "[bold red]" in shown
