"""What the privacy stage finds shows nowhere but in the edits ledger, and by recipe not there."""

import json

import polars as pl
import pyarrow as pa
import pyarrow.ipc as ipc
import pytest

MOBILE, MAIL = "13912345678", "xiaolin@qingniao.com.cn"
#: As it is read the number is in pieces: cleaning puts it together.
BROKEN = f"{MOBILE[:4]}\u200b{MOBILE[4:]}"
RECORDS = [
    {
        "instruction": f"请把这句话改得礼貌：我的电话是{BROKEN}谢谢",
        "output": f"请拨打{MOBILE}，谢谢您。",
    },
    {"instruction": "怎么联系房东？", "output": f"可以写信到{MAIL}，说明来意和时间。"},
    {"instruction": "怎么联系房东？", "output": f"可以写信到{MAIL}，说明来意和时间。"},
    {"instruction": "Where is the landlord?\u200b", "output": f"Write to {MAIL}, he answers soon."},
    {"instruction": "谁负责？", "output": "前台负责。", "category": f"联系{MAIL}", "id": MOBILE},
    {"text": "没有问答", f"电话{MOBILE}": MAIL},
    {"instruction": "春天适合种\u200b什么花？", "output": "郁金香和月季都适合在春天种下。"},
]


def written(folder):
    """The records as JSON Lines, and one that cannot be read."""
    lines = [json.dumps(record, ensure_ascii=i % 2 == 0) for i, record in enumerate(RECORDS)]
    broken = json.dumps({"instruction": f"电话{MOBILE}"})[:-1]
    path = folder / "a.jsonl"
    path.write_text("\n".join([*lines, broken]), encoding="utf-8")
    return path


@pytest.fixture
def run(curate, write_recipe, tmp_path):
    def made(**privacy):
        path = written(tmp_path)
        recipe = write_recipe(stages={"privacy": privacy}, a=path)
        out = tmp_path / "out"
        done = curate("run", recipe, "--output", out, "--workers", 1)
        assert done.code == 0, done.err
        assert curate("verify", out).code == 0
        return out, done.out + done.err

    return made


def text_of(path):
    """All text of a file, unpacked."""
    if path.suffix == ".parquet":
        return json.dumps(pl.read_parquet(path).to_dicts(), ensure_ascii=False)
    if path.suffix == ".arrow":
        return " ".join(str(table.to_pydict()) for table in tables(path))
    return path.read_text(encoding="utf-8", errors="replace")


def tables(path):
    with pa.memory_map(str(path)) as source:
        while source.tell() < source.size():
            yield ipc.open_stream(source).read_all()


def places(out, secret):
    """Where in the corpus directory a secret can be read, the checkpoints apart."""
    files = (path for path in out.rglob("*") if path.is_file() and ".work" not in path.parts)
    return {path.relative_to(out).parts[0] for path in files if secret in text_of(path)}


def edits(out):
    return pl.read_parquet(out / "ledger" / "edits" / "*.parquet")


def shown(curate, out):
    """All that `explain` prints of all records, for people and for programs."""
    ids = pl.read_parquet(out / "ledger" / "decisions" / "*.parquet")["id"]
    lives = [curate("explain", out, id_, *json_) for id_ in ids for json_ in ([], ["--json"])]
    return "".join(done.out for done in lives)


@pytest.mark.parametrize(
    ("action", "where"),
    [("redact", {"ledger"}), ("drop", {"ledger"}), ("flag", {"data", "ledger"})],
)
def test_what_is_found_is_in_the_edits_ledger_alone(run, curate, action, where):
    out, printed = run(action=action)
    assert places(out, MOBILE) | places(out, MAIL) <= where
    dropped = text_of(out / "ledger" / "dropped" / "part-00000.parquet")
    assert "[邮箱]" in dropped  # of a duplicate, or of what left before the privacy stage
    assert not [secret for secret in (MOBILE, MAIL, BROKEN) if secret in dropped]
    decisions = pl.read_parquet(out / "ledger" / "decisions" / "*.parquet")
    printed += shown(curate, out) + json.dumps(decisions.to_dicts())
    assert MOBILE not in printed
    assert MAIL not in printed
    assert "mobile" in printed


def test_originals_can_be_kept_out_of_the_ledger(run, curate):
    out, _ = run(originals=False)
    assert places(out, MOBILE) == places(out, MAIL) == places(out, BROKEN) == set()
    assert not [
        path for path in (out / ".work").rglob("*") if path.is_file() and MAIL in text_of(path)
    ]
    withheld = edits(out).filter(pl.col("before").is_null())
    assert set(withheld["stage"]) == {"clean", "privacy"}
    assert withheld["after"].null_count() == withheld["diff"].null_count() == withheld.height
    assert edits(out).drop_nulls("before")["rule"].to_list() == ["zero_width"]


@pytest.mark.parametrize("spelt", [f"{MOBILE[:3]}\u200b{MOBILE[3:]}", f"&#{ord('1')};{MOBILE[1:]}"])
@pytest.mark.parametrize("answer", ["He answers every day from nine to five.", "他每天都在。"])
@pytest.mark.parametrize("privacy", [{"originals": False}, {"action": "drop"}, {"action": "off"}])
def test_no_early_edit_shows_in_pieces_what_is_found_later(
    curate, write_recipe, tmp_path, spelt, answer, privacy
):
    said = ["Where is the landlord of this house?", f"His number is {spelt} I think."]
    messages = [*({"role": "user", "content": one} for one in said)]
    messages.append({"role": "assistant", "content": answer})
    messages += [
        {"role": "user", "content": "后来\u200b呢？"},
        {"role": "assistant", "content": "好的。"},
    ]
    (tmp_path / "a.json").write_text(json.dumps([{"messages": messages}]))
    recipe = write_recipe(stages={"privacy": privacy}, a=tmp_path / "a.json")
    out = tmp_path / "out"
    assert curate("run", recipe, "--output", out, "--workers", 1).code == 0
    assert {"read", "clean"} <= set(edits(out)["stage"])
    printed = shown(curate, out)
    for pieces in (MOBILE, spelt, MOBILE[3:], MOBILE[1:]):
        assert pieces not in printed
    if "originals" in privacy:
        assert not [piece for piece in (spelt, MOBILE[3:]) if places(out, piece)]


def test_nothing_is_looked_for_where_the_recipe_says_off(run):
    out, _ = run(action="off")
    data = pl.read_parquet(out / "data" / "*.parquet")
    assert data["pii"].null_count() == data.height
    assert "data" in places(out, MAIL)


def test_inspect_names_only_the_kind(curate, tmp_path):
    path = written(tmp_path)
    for arguments in ([], ["--json"]):
        printed = curate("inspect", path, "--rows", 9, *arguments).out
        assert MOBILE not in printed
        assert MAIL not in printed


def test_control_tokens_are_escaped_counted_and_reversible(curate, write_recipe, tmp_path):
    record = {"instruction": "[INST]模板里的</s>是什么？", "output": "它表示一段话的结束。"}
    path = tmp_path / "a.json"
    path.write_text(json.dumps([record]), encoding="utf-8")
    out = tmp_path / "out"
    assert curate("run", write_recipe(a=path), "--output", out, "--workers", 1).code == 0
    (row,) = pl.read_parquet(out / "data" / "*.parquet").to_dicts()
    assert row["control_tokens"] == 2
    assert row["messages"][0]["content"] == "[\\INST]模板里的<\\/s>是什么？"
    (edit,) = edits(out).to_dicts()
    assert (edit["stage"], edit["before"]) == ("control_tokens", record["instruction"])
    statistics = json.loads((out / "statistics.json").read_text())
    assert statistics["control_tokens"] == {"conversations": 1, "occurrences": 2}
