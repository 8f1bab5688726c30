"""Benchmarks kept out of training data, through the command line."""

import csv
import json
import zipfile

import polars as pl
import pytest

from curation.recipes import load
from curation.stages.decontaminate import is_sound

OFF = {name: {"enabled": False} for name in ("language", "quality", "category")}
ITEMS = [
    (
        "甲壳纲动物中下列哪一种终生营固着生活并滤食海水中的浮游生物？",
        "藤壶",
        "龙虾",
        "水蚤",
        "招潮蟹",
    ),
    (
        "某工厂的锅炉每小时烧煤三吨，改造以后效率提高两成，每天可以少烧多少吨煤？",
        "十二吨",
        "十吨",
        "九吨",
        "八吨",
    ),
    ("下列说法正确的是", "鲸用鳃呼吸", "蝙蝠是会飞的鸟", "海马是一种鱼类", "珊瑚是一种植物"),
    ("清代画家中以画竹闻名并且做过潍县知县的是哪一位？", "郑板桥", "八大山人", "石涛", "任伯年"),
]
OTHERS = [
    ("请说说怎样在家里种好一盆薄荷，需要注意哪些事情？", "多晒太阳，土干了再浇水，常常掐尖。"),
    ("下列说法正确的是哪个？", "请把选项发给我，我来帮你判断。"),
]


def quoted(item):
    question, *options = item
    listed = "\n".join(f"{letter}. {o}" for letter, o in zip("ABCD", options, strict=True))
    return f"请做这道题：\n{question}\n{listed}"


@pytest.fixture
def benchmark(tmp_path):
    folder = tmp_path / "mine" / "test"
    folder.mkdir(parents=True)
    for subject, items in (("biology", ITEMS[::2]), ("other", ITEMS[1::2])):
        with (folder / f"{subject}_test.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "question", "A", "B", "C", "D"])
            writer.writerows([number, *item] for number, item in enumerate(items))
    return folder.parent


@pytest.fixture
def corpus(tmp_path, write_recipe, benchmark):
    pairs = [(quoted(item), "我想答案是第一个。") for item in ITEMS]
    pairs += [(ITEMS[0][0], "是藤壶。"), *OTHERS]
    rows = [{"instruction": q, "input": "", "output": a} for q, a in pairs]
    path = tmp_path / "a.jsonl"
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return write_recipe(stages={**OFF, "decontaminate": {"benchmarks": [str(benchmark)]}}, a=path)


def ledger(directory):
    return pl.read_parquet(directory / "ledger" / "decisions" / "*.parquet").sort("position")


def test_what_contains_an_item_is_dropped_with_the_item_as_evidence(curate, corpus, tmp_path):
    out = tmp_path / "out"
    assert curate("run", corpus, "--output", out, "--workers", 1).code == 0
    rows = ledger(out)
    assert rows["reason"].to_list() == ["benchmark"] * 5 + [None] * 2
    evidence = [json.loads(one) for one in rows["evidence"][:5]]
    assert [(e["benchmark"], e["subject"], e["item"]) for e in evidence] == [
        ("mine", "biology", "biology/test/0"),
        ("mine", "other", "other/test/0"),
        ("mine", "biology", "biology/test/1"),
        ("mine", "other", "other/test/1"),
        ("mine", "biology", "biology/test/0"),
    ]
    assert all(e["score"] >= e["threshold"] for e in evidence)
    assert evidence[4]["matched"] == "question"
    statistics = json.loads((out / "statistics.json").read_text())
    assert statistics["contamination"] == [
        {
            "benchmark": "mine",
            "items": 4,
            "subjects": 2,
            "conversations": 5,
            "found": 4,
            "by_subject": {"biology": 3, "other": 2},
        }
    ]
    assert "| mine | 4 | 2 | 5 | 4 |" in (out / "README.md").read_text()
    manifest = json.loads((out / "manifest.json").read_text())
    assert [one["name"] for one in manifest["benchmarks"]] == ["mine"]
    assert str(tmp_path) not in (out / "manifest.json").read_text()
    assert "biology/test/0" in curate("explain", out, rows["id"][0]).out
    assert curate("verify", out).code == 0


def test_workers_share_the_index(curate, corpus, tmp_path):
    curate("run", corpus, "--output", tmp_path / "one", "--workers", 1)
    two = ("--workers", 2, "--chunk-size", 2)
    assert curate("run", corpus, "--output", tmp_path / "two", *two).code == 0
    assert ledger(tmp_path / "one").equals(ledger(tmp_path / "two"))


def test_a_flag_keeps_the_row_and_names_the_item(curate, corpus, tmp_path):
    out = tmp_path / "out"
    flag = ("--set", "stages.decontaminate.action=flag", "--set", "stages.split.validation=2")
    assert curate("run", corpus, "--output", out, "--workers", 1, *flag).code == 0
    rows = ledger(out)
    assert rows["outcome"].to_list() == ["kept"] * 7
    data = pl.read_parquet(out / "data" / "*.parquet")
    flagged = dict(data.filter(pl.col("contamination").is_not_null())["id", "contamination"].rows())
    assert sorted(flagged) == sorted(rows["id"][:5])
    assert flagged[rows["id"][0]] == "mine/biology/test/0"
    assert json.loads(rows["evidence"][0])["item"] == "biology/test/0"
    held = [json.loads(e) for e in rows["evidence"] if "split" in e]
    assert len(held) == 2
    statistics = json.loads((out / "statistics.json").read_text())
    assert statistics["contamination"][0]["conversations"] == 5
    assert curate("verify", out).code == 0


def test_the_evidence_quotes_no_benchmark(curate, corpus, tmp_path):
    out = tmp_path / "out"
    curate("run", corpus, "--output", out, "--workers", 1)
    published = ["statistics.json", "README.md", "manifest.json"]
    text = "".join((out / name).read_text() for name in published)
    text += "".join(ledger(out)["evidence"])
    assert "藤壶" not in text
    assert "锅炉" not in text


def test_the_index_is_built_once(curate, corpus, tmp_path, benchmark):
    out = tmp_path / "out"

    def index(*changes):
        assert curate("run", corpus, "--output", out, "--workers", 1, *changes).code == 0
        (path,) = (out / ".work").glob("benchmarks-*.arrow")
        return path, path.stat().st_mtime_ns

    first = index()
    assert index("--set", "stages.decontaminate.threshold=0.9") == first
    before = ledger(out)
    content = bytearray(first[0].read_bytes())
    content[len(content) // 2] ^= 1
    first[0].unlink()  # it is mapped: a new file in its place
    first[0].write_bytes(content)
    assert not is_sound(first[0])
    assert index("--set", "stages.decontaminate.threshold=0.8")[0] == first[0]
    assert is_sound(first[0])
    assert index("--fresh")[0] == first[0]
    assert ledger(out).height == before.height
    with (benchmark / "test" / "other_test.csv").open("a", encoding="utf-8") as file:
        file.write(
            "9,"
            + ",".join(["请说说怎样在家里种好一盆薄荷，需要注意哪些事情？", *"一二三四"])
            + "\n"
        )
    assert index()[0] != first[0]
    assert ledger(out)["reason"].to_list()[5] == "benchmark"


def test_a_zip_and_a_folder_are_the_same_benchmark(curate, corpus, tmp_path, benchmark):
    packed = tmp_path / "elsewhere" / "mine.zip"
    packed.parent.mkdir()
    with zipfile.ZipFile(packed, "w") as file:
        for path in sorted((benchmark / "test").iterdir()):
            file.write(path, f"test/{path.name}")
    curate("run", corpus, "--output", tmp_path / "folder", "--workers", 1)
    change = f"stages.decontaminate.benchmarks=[{packed}]"
    curate("run", corpus, "--output", tmp_path / "zip", "--workers", 1, "--set", change)
    assert ledger(tmp_path / "folder").equals(ledger(tmp_path / "zip"))


def test_a_known_name_is_not_a_folder_of_that_name(curate, corpus, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "ceval").mkdir()
    (tmp_path / "ceval" / "a.txt").write_text("一个问题")
    planned = load(str(corpus), ["stages.decontaminate.benchmarks=[ceval, ./ceval]"])
    names = planned.recipe.stages.decontaminate.benchmarks
    assert names == ["ceval", str(tmp_path / "ceval")]


def test_paths_on_the_command_line_start_at_the_current_folder(
    curate, corpus, tmp_path, benchmark, monkeypatch
):
    monkeypatch.chdir(benchmark.parent)
    change = ("--set", "stages.decontaminate.benchmarks=[mine]")
    assert curate("run", corpus, "--output", tmp_path / "out", "--workers", 1, *change).code == 0
    assert ledger(tmp_path / "out")["reason"][0] == "benchmark"


@pytest.mark.parametrize(
    ("benchmarks", "words"),
    [
        ("[cevall]", ["cevall", "'ceval'"]),
        ("[none/such.zip]", ["none/such.zip"]),
        ("[{mine}, {mine}/test/../../mine]", ["two", "'mine'"]),
    ],
)
def test_a_benchmark_that_is_not_there_is_said_to_be(
    curate, corpus, tmp_path, benchmark, benchmarks, words
):
    change = f"stages.decontaminate.benchmarks={benchmarks.format(mine=benchmark)}"
    done = curate("run", corpus, "--output", tmp_path / "out", "--workers", 1, "--set", change)
    assert done.code in (2, 3)
    assert all(word in done.err for word in words), done.err
    assert not (tmp_path / "out" / "data").exists()


def test_without_benchmarks_the_card_says_so(curate, corpus, tmp_path):
    change = ("--set", "stages.decontaminate.enabled=false")
    curate("run", corpus, "--output", tmp_path / "out", "--workers", 1, *change)
    assert "Not checked against any benchmark" in (tmp_path / "out" / "README.md").read_text()
    assert ledger(tmp_path / "out")["reason"].null_count() == 7
