"""The benchmarks' own ground: generators that repeat themselves, truth that holds, a fair judge."""

import json
from itertools import combinations
from random import Random

import numpy as np
import pytest

from benchmarks import dedup, scale
from benchmarks.copies import Base, Copies
from benchmarks.judge import BELOW, Judge
from benchmarks.planted import FAMILIES, LONGEST, planted
from benchmarks.truth import Pair, folded, grams, jaccard, pairs_within


@pytest.fixture(scope="module")
def sample():
    return planted(800)


def test_a_planted_set_follows_from_its_seed(sample):
    assert planted(800) == sample
    assert planted(800, seed=1).rows != sample.rows
    assert set(sample.kinds) == set(FAMILIES)
    assert len(sample.rows) == len(sample.kinds) >= 800
    lengths = [len("".join(folded([row], "prompt"))) for row in sample.rows]
    assert min(lengths) <= 5
    assert max(lengths) > LONGEST / 2


def test_families_are_what_they_say(sample):
    for pair in sample.pairs:
        assert {sample.kinds[pair.first], sample.kinds[pair.second]} == {pair.kind}
        if pair.kind in ("exact", "disguise"):
            assert set(pair.jaccard.values()) == {1}
        if pair.kind == "answer":
            assert pair.jaccard["prompt"] == 1 > pair.jaccard["conversation"]
        if pair.kind in ("number", "name", "negation"):
            assert pair.jaccard["conversation"] < 1
    near = [pair.jaccard["conversation"] for pair in sample.pairs if pair.kind == "near"]
    assert min(np.histogram(near, np.arange(0.5, 1.01, 0.1))[0]) > 5


def test_rows_of_different_families_are_unlike(sample):
    families = {frozenset((pair.first, pair.second)) for pair in sample.pairs}
    sets = [grams(text) for text in folded(sample.rows[:300], "conversation")]
    for a, b in combinations(range(300), 2):
        assert frozenset((a, b)) in families or jaccard(sets[a], sets[b]) < 0.5


def test_real_conversations_can_be_the_bases():
    made = planted(100, bases=[("一段真实的对话，就在这里", "这是对它的回答")])
    assert ("一段真实的对话，就在这里", "这是对它的回答") in made.rows


def test_truth_by_hand():
    rows = [("甲乙丙丁戊己", "好"), ("甲乙丙丁戊，庚", "好"), ("甲乙", "好"), ("甲 乙！", "坏")]
    one, two = pairs_within(rows, [("a", [0, 1]), ("b", [3, 2])])
    assert one == Pair(
        0, 1, "a", {"prompt": 1 / 3, "conversation": 1 / 7}, {"prompt": 6, "conversation": 8}
    )
    assert (two.first, two.second) == (2, 3)
    assert two.jaccard == {"prompt": 1, "conversation": 0}


def test_the_judge_by_hand():
    text = "".join(map(chr, range(0x4E00, 0x4E00 + 100)))
    rows = [
        (text, "好"),
        (text + "末", "好"),
        (text[:70], "好"),
        ("短短的", "话"),
        ("短短的", "话"),
    ]
    pairs = pairs_within(rows, [("long", [0, 1, 2]), ("brief", [3, 4])])
    judge = Judge(rows, "conversation", pairs, 0.8)

    nothing = judge.verdict([])
    assert (nothing.dropped, nothing.lost, nothing.precision) == (0, [], None)
    assert (nothing.recall(), nothing.recall("long"), nothing.recall("other")) == (0, 0, None)

    right = judge.verdict([1, 4])
    assert (right.dropped, right.lost, right.precision, right.recall()) == (2, [], 1, 1)

    wrong = judge.verdict([0, 1, 2])  # none is kept; the third is like neither of the others
    assert (wrong.lost, wrong.precision) == ([0, 1, 2], 0)
    assert (wrong.recall(), wrong.recall("long"), wrong.recall(BELOW)) == (0.5, 1, 0)

    chained = judge.verdict([1, 2])
    assert (chained.lost, chained.precision) == ([2], 0.5)
    assert judge.verdict(range(5)).lost == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("threshold", [0.5, 0.8])
def test_the_judge_finds_what_comparing_all_with_all_finds(sample, threshold):
    gone = set(Random(1).sample(range(len(sample.rows)), 200))
    sets = [grams(text) for text in folded(sample.rows, "prompt")]
    kept = [own for row, own in enumerate(sets) if row not in gone]
    lost = [row for row in sorted(gone) if all(jaccard(sets[row], k) < threshold for k in kept)]
    assert Judge(sample.rows, "prompt", [], threshold).verdict(gone).lost == lost


def test_ours_and_datasketch_run_and_are_judged(sample, tmp_path):
    task = dedup.Task(sample.rows, "conversation", 0.8, 2, {})
    judge = Judge(sample.rows, "conversation", sample.pairs, 0.8)
    for name in ("ours", "datasketch"):
        (tmp_path / name).mkdir()
        went = dedup.run(name, task, tmp_path / name)
        verdict = judge.verdict(went.dropped)
        assert went.measured.peak > 10**7
        assert verdict.recall("exact") == 1
        if name == "ours":
            assert verdict.lost == []


def test_a_tool_that_is_missing_is_said_to_be(sample, tmp_path, monkeypatch):
    monkeypatch.setitem(dedup.TOOLS, "other", dedup.Tool("other.py", "no_such_module", "a b"))
    task = dedup.Task(sample.rows, "conversation", 0.8, 2, {})
    with pytest.raises(dedup.UnavailableError, match=r"not installed: .* -m pip install a b"):
        dedup.run("other", task, tmp_path)


def test_copies_are_unlike_but_for_the_stated_share(sample):
    copies = Copies(Base.of(sample.rows), exact=0.1, near=0.2)
    n, m = len(sample.rows), len(copies.base.repeated)
    rows = list(copies.rows(0, n + 2 * m))
    assert rows[:n] == sample.rows
    assert list(copies.rows(n + 5, n + 9)) == rows[n + 5 : n + 9]

    numbers = np.arange(n, n + 2 * m)
    fates = copies._fates(numbers)
    assert 0.08 < np.mean(fates == 1) < 0.12
    assert 0.17 < np.mean(fates == 2) < 0.23
    sources = copies._sources(numbers, fates)
    for number, fate, source in zip(numbers, fates, sources, strict=True):
        assert (fate == 0) == (source == number)
        assert fate != 1 or rows[number] == rows[source]
        assert fate != 2 or len("".join(rows[number])) == len("".join(rows[source]))

    texts = [grams(text) for text in folded(rows, "conversation")]
    for number in numbers[fates == 0][:200]:
        original = copies.base.repeated[(number - n) % m]
        assert jaccard(texts[number], texts[original]) <= 0.35


@pytest.mark.parametrize("gzip", [[], ["--gzip"]])
def test_a_corpus_is_made_in_files_and_always_the_same(sample, tmp_path, monkeypatch, gzip):
    data = tmp_path / "data" / "alpaca_zh"
    data.mkdir(parents=True)
    records = [{"instruction": row[0], "input": "", "output": row[1]} for row in sample.rows]
    (data / "a.json").write_text(json.dumps(records), encoding="utf-8")
    made = []
    for folder, size in (("one", 1000), ("two", 1000), ("three", 2000)):
        arguments = ["make", str(tmp_path / folder), "--data", str(tmp_path / "data"), *gzip]
        arguments += ["--rows", "2000", "--file-rows", str(size)]
        monkeypatch.setattr("sys.argv", ["scale", *arguments])
        scale.main()
        made.append([path.read_bytes() for path in sorted((tmp_path / folder).iterdir())])
    assert [len(files) for files in made] == [2, 2, 1]
    assert made[0] == made[1]
    assert gzip or b"".join(made[0]) == made[2][0]
    first = scale._first_files(tmp_path / "one", 1000)
    assert [path.name[:14] for path in first] == ["rows-000000000"]
