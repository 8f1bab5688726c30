"""What sees the whole corpus: deduplication by key and policy, out of core, and the split."""

import json
from random import Random

import polars as pl
import pytest

from curation.engine import duplicates

HAN = [chr(0x4E00 + 3 * i) for i in range(2000)]
OFF = {name: {"enabled": False} for name in ("language", "quality", "category")}


def text(random, length):
    return "".join(random.choices(HAN, k=length))


def write(path, pairs):
    rows = [{"instruction": q, "input": "", "output": a} for q, a in pairs]
    path.write_text("\n".join(json.dumps(row) for row in rows), encoding="utf-8")
    return path


def near(random, words, changes):
    words = list(words)
    for place in random.sample(range(len(words)), changes):
        words[place] = random.choice(HAN)
    return "".join(words)


def families(seed, count):
    """`count` conversations, with a near and an exact copy of every third."""
    random = Random(seed)
    pairs = []
    for number in range(count):
        prompt, answer = text(random, random.randint(6, 40)), text(random, random.randint(40, 200))
        pairs.append((prompt, answer))
        if number % 3 == 0:
            pairs += [(prompt, near(random, answer, 1)), (prompt + "！", answer)]
    random.shuffle(pairs)
    return pairs


def ledger(directory):
    return pl.read_parquet(directory / "ledger" / "decisions" / "*.parquet")


def shingles(row):
    words = "".join(message["content"].rstrip("！") + "|" for message in row["messages"])
    return {words[i : i + 5] for i in range(len(words) - 4)}


def test_blocks_parts_and_chunks_change_nothing(curate, tmp_path, write_recipe, monkeypatch):
    a, b = (write(tmp_path / f"{name}.jsonl", families(7, 90)) for name in "ab")
    recipe = write_recipe(stages=OFF, a=a, b=b)
    curate("run", recipe, "--output", tmp_path / "one", "--workers", 1)
    monkeypatch.setattr(duplicates, "BLOCK_ROWS", 3)
    monkeypatch.setattr(duplicates, "PART_CHUNKS", 2)
    curate("run", recipe, "--output", tmp_path / "two", "--workers", 1, "--chunk-size", 11)
    one, two = ledger(tmp_path / "one"), ledger(tmp_path / "two")
    assert one.equals(two)
    assert one.filter((pl.col("source") == "b") & (pl.col("outcome") == "kept")).height == 0
    dropped = one.filter((pl.col("source") == "a") & (pl.col("outcome") == "dropped"))
    assert dropped.height == 60


@pytest.mark.parametrize(
    "dedup",
    [
        {"same_prompt": "keep_by_source"},
        {"same_prompt": "keep_best"},
        {"key": "response", "same_prompt": "keep_by_source"},
        {"key": "prompt"},
    ],
)
def test_two_keys_decide_the_same_for_any_chunks(curate, tmp_path, write_recipe, dedup):
    random = Random(11)
    prompts = [text(random, 30) for _ in range(8)]
    prompts += [near(random, prompt, 1) for prompt in prompts]
    answers = [text(random, 60) for _ in range(4)]
    answers += [near(random, answer, 1) for answer in answers]
    pairs = [(random.choice(prompts), random.choice(answers)) for _ in range(90)]
    stages = {**OFF, "dedup": {"threshold": 0.6, **dedup}}
    recipe = write_recipe(stages=stages, a=write(tmp_path / "a.jsonl", pairs))
    found = []
    for size in (2048, 7, 1):
        out = tmp_path / str(size)
        curate("run", recipe, "--output", out, "--workers", 1, "--chunk-size", size)
        found.append(ledger(out))
    assert found[0].equals(found[1])
    assert found[0].equals(found[2])
    kept = found[0].filter(pl.col("outcome") == "kept")["position"].to_list()
    left = [pairs[position][dedup.get("key") == "response"] for position in kept]
    for number, one in enumerate(left):
        for other in left[:number]:
            x, y = ({word[i : i + 5] for i in range(len(word) - 4)} for word in (one, other))
            assert len(x & y) / len(x | y) < 0.6


def test_another_threshold_makes_no_signature_anew(curate, tmp_path, write_recipe):
    recipe = write_recipe(stages=OFF, a=write(tmp_path / "a.jsonl", families(1, 30)))
    curate("run", recipe, "--output", tmp_path / "out", "--workers", 1)
    made = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*-signatures_*.arrow")}
    loose = ("--set", "stages.dedup.threshold=0.5")
    curate("run", recipe, "--output", tmp_path / "out", "--workers", 1, *loose)
    again = {p: p.stat().st_mtime_ns for p in (tmp_path / "out").rglob("*-signatures_*.arrow")}
    assert made == again
    assert made
    evidence = ledger(tmp_path / "out").filter(pl.col("stage") == "dedup")["evidence"]
    assert {json.loads(one)["threshold"] for one in evidence} == {0.5}


def test_a_source_that_joins_leaves_the_work_of_the_others(curate, tmp_path, write_recipe):
    a = write(tmp_path / "a.jsonl", families(1, 30))
    curate("run", write_recipe(stages=OFF, a=a), "--output", tmp_path / "out", "--workers", 1)
    made = {p: p.stat().st_mtime_ns for p in (tmp_path / "out" / ".work").rglob("*-*_*.arrow")}
    both = write_recipe(stages=OFF, a=a, b=write(tmp_path / "b.jsonl", families(2, 30)))
    curate("run", both, "--output", tmp_path / "out", "--workers", 1)
    assert made
    assert all(path.stat().st_mtime_ns == time for path, time in made.items())
    assert ledger(tmp_path / "out")["source"].unique().sort().to_list() == ["a", "b"]


@pytest.fixture
def answers(tmp_path):
    """Two sources that answer the same prompts; b's answers score higher, a's come first."""
    random = Random(3)
    prompts = [text(random, 30) for _ in range(12)]
    a = write(tmp_path / "a.jsonl", [(p, "重复" * 40) for p in prompts])
    b = write(tmp_path / "b.jsonl", [(p, text(random, 120)) for p in prompts])
    return {"a": a, "b": b}


@pytest.mark.parametrize(
    ("dedup", "kept", "reasons"),
    [
        ({}, {"a": 12, "b": 12}, set()),
        ({"same_prompt": "keep_by_source"}, {"a": 12}, {"same_prompt"}),
        ({"same_prompt": "keep_best"}, {"b": 12}, {"same_prompt"}),
        ({"same_prompt": "keep_by_source", "priority": ["b"]}, {"b": 12}, {"same_prompt"}),
        ({"key": "prompt"}, {"a": 12}, {"exact_duplicate"}),
        ({"key": "prompt", "same_prompt": "keep_best"}, {"b": 12}, {"exact_duplicate"}),
        ({"key": "response"}, {"a": 1, "b": 12}, {"exact_duplicate"}),
    ],
)
def test_the_same_prompt_with_another_answer(
    curate, tmp_path, write_recipe, answers, dedup, kept, reasons
):
    recipe = write_recipe(stages={**OFF, "dedup": dedup}, **answers)
    done = curate("run", recipe, "--output", tmp_path / "out", "--workers", 1)
    assert done.code == 0
    rows = ledger(tmp_path / "out")
    counts = rows.filter(pl.col("outcome") == "kept").group_by("source").len()
    assert dict(counts.rows()) == kept
    assert set(rows["reason"].drop_nulls()) == reasons
    statistics = json.loads((tmp_path / "out" / "statistics.json").read_text())
    several = min(kept.get("a", 0), kept.get("b", 0))
    assert statistics["same_prompt"] == {"prompts": several, "conversations": 2 * several}
    assert curate("verify", tmp_path / "out").code == 0


@pytest.mark.parametrize("enabled", [True, False])
def test_no_near_duplicate_of_a_validation_row_is_trained_on(
    curate, tmp_path, write_recipe, enabled
):
    stages = {**OFF, "dedup": {"enabled": enabled}, "split": {"validation": 0.2}}
    sources = {n: write(tmp_path / f"{n}.jsonl", families(s, 60)) for n, s in (("a", 5), ("b", 6))}
    out = tmp_path / "out"
    curate("run", write_recipe(stages=stages, **sources), "--output", out, "--workers", 1)
    train, aside = (
        pl.read_parquet(out / "data" / f"{s}-*.parquet") for s in ("train", "validation")
    )
    total = train.height + aside.height
    assert 0.2 * total - 3 <= aside.height <= round(0.2 * total)
    for held in aside.to_dicts():
        for row in train.to_dicts():
            assert held["messages"][0]["content"] != row["messages"][0]["content"]
            x, y = shingles(held), shingles(row)
            assert len(x & y) / len(x | y) < 0.7
    rows = ledger(out)
    told = rows.filter(pl.col("evidence") == '{"split": "validation"}')
    assert sorted(told["id"]) == sorted(aside["id"])
    statistics = json.loads((out / "statistics.json").read_text())
    assert statistics["splits"] == {"train": train.height, "validation": aside.height}
    assert "data/validation-*-of-00001.parquet" in (out / "README.md").read_text()
    assert curate("verify", out).code == 0


def test_a_validation_row_stays_one_when_a_source_joins(curate, tmp_path, write_recipe):
    a = write(tmp_path / "a.jsonl", families(5, 100))
    stages = {**OFF, "split": {"validation": 0.2}}
    held = []
    for others in ({}, {"b": write(tmp_path / "b.jsonl", families(6, 100))}):
        recipe = write_recipe(stages=stages, a=a, **others)
        curate("run", recipe, "--output", tmp_path / "out", "--workers", 1)
        aside = pl.read_parquet(tmp_path / "out" / "data" / "validation-*.parquet")
        held.append(set(aside.filter(pl.col("source") == "a")["id"]))
    assert len(held[0] & held[1]) > 0.6 * len(held[0])


def test_a_count_that_cannot_be_met_takes_what_fits(curate, tmp_path, write_recipe):
    a = write(tmp_path / "a.jsonl", [("问题是同一个", text(Random(i), 50)) for i in range(20)])
    recipe = write_recipe(stages={**OFF, "split": {"validation": 5}}, a=a)
    done = curate("run", recipe, "--output", tmp_path / "out", "--workers", 1)
    assert done.code == 0
    assert "0 conversations are for validation, not 5" in done.err
    assert not list((tmp_path / "out" / "data").glob("validation-*"))


def test_a_split_that_leaves_nothing_to_train_on_is_refused(curate, tmp_path, write_recipe):
    a = write(tmp_path / "a.jsonl", families(5, 10))
    recipe = write_recipe(stages={**OFF, "split": {"validation": 1000}}, a=a)
    done = curate("run", recipe, "--output", tmp_path / "out", "--workers", 1)
    assert done.code == 2
    assert "stages.split.validation" in done.err
    assert not (tmp_path / "out" / "manifest.json").exists()


def test_the_largest_clusters_are_shown(curate, tmp_path, write_recipe):
    pairs = [("一样的问题，一样的回答", "这是回答，它有好几份。")] * 9 + [
        ("另一个", "别的回答")
    ] * 2
    recipe = write_recipe(stages=OFF, a=write(tmp_path / "a.jsonl", pairs))
    curate("run", recipe, "--output", tmp_path / "out", "--workers", 1)
    clusters = json.loads((tmp_path / "out" / "statistics.json").read_text())["clusters"]
    assert [(c["size"], c["sources"]) for c in clusters] == [(9, {"a": 9}), (2, {"a": 2})]
    first, second = clusters[0]["members"][:2]
    assert (first["reason"], second["reason"]) == (None, "exact_duplicate")
    assert first["text"] == "一样的问题，一样的回答\n这是回答，它有好几份。"
