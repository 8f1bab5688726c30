"""`curate explain`: a record's whole life, in words, without personal data."""

import json
import re
from pathlib import Path

import polars as pl
import pytest

from curation.explain import life
from curation.outputs.reasons import REASONS, why
from schemas.errors import CorpusError
from schemas.recipe import Stages

DOCS = Path(__file__).parents[2] / "docs"
MAIL = "xiaolin@qingniao.com.cn"
LONG = (
    "秋天的山野里层林尽染，溪水沿着石阶缓缓流下，行人三三两两地走在落叶铺成的小路上，谈论着收成、"
)
ROWS = [
    {"instruction": "请描写秋天的山野。", "output": LONG + "天气和远方的亲人。"},
    {"instruction": "请描写秋天的山野。", "output": LONG + "天气和远方的朋友。"},
    {"instruction": "请描写秋天的山野。", "output": LONG + "天气和远方的亲人。"},
    {"instruction": "What is a river?", "output": f"Water that flows to the sea. Ask {MAIL}."},
    {"instruction": "请解释彩虹的成因。", "output": "无"},
    {"instruction": "怎么联系\u200b房东？", "output": f"可以写信到{MAIL}，说明来意和时间。"},
    {"instruction": "怎么订机票？", "input": "", "output": ""},
]


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    from curation.recipes import load
    from curation.run import Options, run

    folder = tmp_path_factory.mktemp("explain")
    (folder / "a.json").write_text(json.dumps(ROWS, ensure_ascii=False), encoding="utf-8")
    recipe = {"name": "c", "sources": [{"name": "a", "path": "a.json"}]}
    (folder / "recipe.yaml").write_text(json.dumps(recipe))
    run(load(str(folder / "recipe.yaml"), ()), folder / "out", Options(workers=1))
    return folder / "out"


def id_at(directory, position):
    decisions = pl.read_parquet(directory / "ledger" / "decisions" / "*.parquet")
    return decisions.filter(pl.col("position") == position)["id"].item()


def test_a_duplicate_stands_beside_the_row_that_stayed(curate, finished):
    record = next(i for i in (id_at(finished, p) for p in (0, 1)) if not life(finished, i).row)
    found = life(finished, record)
    assert found.dropped != found.survivor["messages"]
    assert found.survivor["id"] == found.decision["duplicate_of"]
    shown = curate("explain", finished, record).out
    assert re.search(r"9\d\.\d% of their runs of 5 characters", shown)
    assert "{+" in shown  # what differs is marked
    assert "[-" in shown


def test_a_kept_row_names_what_was_dropped_in_its_favour(curate, finished):
    lives = [life(finished, id_at(finished, position)) for position in (0, 1, 2)]
    (kept,) = [one for one in lives if one.row]
    assert len(kept.duplicates) == 2
    assert {one["reason"] for one in kept.duplicates} <= {"exact_duplicate", "near_duplicate"}
    jaccards = [one["jaccard"] for one in kept.duplicates]
    assert jaccards == sorted(jaccards, reverse=True)
    shown = curate("explain", finished, kept.decision["id"]).out
    assert all(one["id"] in shown for one in kept.duplicates)


def test_a_defect_is_told_in_words_with_the_text_when_it_left(curate, finished):
    shown = curate("explain", finished, id_at(finished, 4)).out
    assert "The answer is empty or a placeholder." in shown
    assert "the least that the recipe keeps is 0.5" in shown
    assert "请解释彩虹的成因。" in shown


def test_what_reading_rejected_has_no_text(finished):
    found = life(finished, id_at(finished, 6))
    assert (found.decision["stage"], found.dropped, found.row) == ("read", None, None)
    assert found.why[0] == "It has no answer."


def test_personal_data_is_shown_by_its_kind_also_where_a_record_left_before_privacy(
    curate, finished
):
    for position in (3, 5):
        record = id_at(finished, position)
        shown = curate("explain", finished, record).out + str(life(finished, record))
        assert MAIL not in shown
        assert "[邮箱]" in shown
    edits = life(finished, id_at(finished, 5)).edits
    assert [(edit["stage"], edit["before"]) for edit in edits] == [
        ("clean", None),
        ("privacy", None),
    ]
    assert edits[0]["after"] is None
    assert "[邮箱]" in edits[1]["after"]


def test_personal_data_is_not_shown_either_where_the_recipe_does_not_look(
    curate, write_recipe, tmp_path
):
    (tmp_path / "a.json").write_text(json.dumps(ROWS[3:6]))
    recipe = write_recipe({"privacy": {"action": "off"}}, a=tmp_path / "a.json")
    out = tmp_path / "out"
    assert curate("run", recipe, "--output", out, "--workers", 1).code == 0
    lives = [curate("explain", out, id_at(out, position)).out for position in range(3)]
    assert MAIL not in "".join(lives)
    assert "[邮箱]" in lives[0]


def test_the_beginning_of_an_id_is_enough_where_it_is_the_only_one(curate, finished):
    record = id_at(finished, 4)
    assert life(finished, record[:-3]).decision["id"] == record
    done = curate("explain", finished, "a-")
    assert done.code == 1
    assert "7 ids begin with 'a-'" in done.err
    assert "give more of it" in done.err
    with pytest.raises(CorpusError, match="no record ''"):
        life(finished, "")


def test_every_documented_reason_has_words():
    text = (DOCS / "ledger.md").read_text(encoding="utf-8")
    table = text.split("| stage | reasons |")[1].split("\n\n")[0]
    rows = [line.split("|")[2] for line in table.splitlines()[2:]]
    reasons = set(re.findall(r"`([a-z_]+)`", " ".join(rows)))
    others = {"words", "duplicate_of", "key", "jaccard", "threshold", "min_score"}
    assert reasons - others == {reason for of in REASONS.values() for reason in of}


def test_a_benchmark_item_is_named():
    evidence = {
        "benchmark": "ceval", "item": "accountant/val/3", "subject": "accountant", "score": 0.91,
        "matched": "question_and_options", "turn": 0, "threshold": 0.75, "also": [],
    }  # fmt: skip
    dropped = {"stage": "decontaminate", "reason": "benchmark", "evidence": json.dumps(evidence)}
    told = " ".join(why(dropped, Stages()))
    assert "ceval/accountant/val/3 (accountant)" in told
    assert "0.91, threshold 0.75" in told
    flagged = {"stage": None, "reason": None, "evidence": json.dumps(evidence)}
    assert "only flags" in " ".join(why(flagged, Stages()))


@pytest.mark.parametrize(
    ("reason", "measured", "threshold", "said"),
    [
        ("wrong_language", 1.0, "Chinese", "Of the letters of message 2 100% are not Chinese."),
        ("repetition", 0.931, 0.45, "Of message 2 93.1% is repetition; the limit is 45%."),
        (
            "too_long",
            44_005,
            32_000,
            "44,005 characters; the most that the recipe keeps is 32,000.",
        ),
        ("garbled", 0.6098, 0.01, "Of message 2 61% is garbled; the limit is 1%."),
        (
            "translation",
            0.4,
            0.5,
            "message 2 a score of 0.4; the least that the recipe keeps is 0.5.",
        ),
        ("too_short", 3, 5, "Letters of message 2: 3; 5 would be enough."),
        ("refusal", "抱歉", 120, "Found in message 2: “抱歉”; it counts up to 120 characters."),
        ("echo", "他请她吃饭", "a changed text", "“他请她吃饭”; expected: a changed text."),
    ],
)
def test_what_a_quality_rule_measured_is_told_in_its_own_words(reason, measured, threshold, said):
    evidence = {"turn": 1, "measured": measured, "threshold": threshold}
    decision = {"stage": "quality", "reason": reason, "evidence": json.dumps(evidence)}
    assert said in " ".join(why(decision, Stages()))


@pytest.mark.parametrize("rule", REASONS["quality"])
def test_the_limit_of_every_quality_rule_is_told(rule):
    evidence = {"turn": 1, "measured": 0.5, "threshold": 0.123}
    decision = {"stage": "quality", "reason": rule, "evidence": json.dumps(evidence)}
    assert re.search(r"\b(0\.123|12\.3%)", " ".join(why(decision, Stages())))


def test_people_count_records_and_messages_from_1_and_read_unreadable(curate, tmp_path):
    bad = tmp_path / "a.jsonl"
    rows = [*ROWS[5:6], {"title": "t"}]
    bad.write_text("\n".join(json.dumps(row, ensure_ascii=False) for row in rows))
    (tmp_path / "recipe.yaml").write_text(
        json.dumps({"name": "c", "sources": [{"name": "a", "path": "a.jsonl"}]})
    )
    out = tmp_path / "out"
    assert curate("run", tmp_path / "recipe.yaml", "--output", out, "--workers", 1).code == 0
    first, second = id_at(out, 0), id_at(out, 1)
    shown = curate("explain", out, first).out
    assert "a.jsonl, record 1, of a" in shown
    assert "edited by clean, message 1: zero_width" in shown
    shown = curate("explain", out, second).out
    assert f"{second}: unreadable by read: unknown_format" in shown
    assert "record 2, of a" in shown
    document = json.loads(curate("explain", out, second, "--json").out)
    assert (document["decision"]["position"], document["decision"]["outcome"]) == (1, "quarantined")
    inspected = curate("inspect", bad).out
    assert "record 2: unreadable, unknown_format" in inspected
    assert "quarantined" not in inspected


def test_turns_of_the_evidence_are_messages():
    evidence = {"kinds": {"email": 2}, "turns": [0, 3]}
    decision = {"stage": "privacy", "reason": "privacy", "evidence": json.dumps(evidence)}
    assert why(decision, Stages())[1:] == ["Kinds: email 2.", "Messages: 1, 4."]


def test_a_translation_has_its_score_once():
    evidence = {
        "turn": 1, "measured": 0.1767, "threshold": 0.5, "score": 0.1767, "min_score": 0.5,
        "rules": [], "words": ["词"],
    }  # fmt: skip
    decision = {"stage": "quality", "reason": "translation", "evidence": json.dumps(evidence)}
    assert " ".join(why(decision, Stages())).count("0.1767") == 1


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("conversation", "It repeats another record, but for space, punctuation"),
        ("prompt", "Its questions repeat those of another record, but for space"),
        ("response", "Its answers repeat those of another record"),
    ],
)
def test_a_duplicate_is_one_in_what_was_compared(key, said):
    evidence = {"key": key, "jaccard": 1.0, "threshold": 0.8}
    decision = {
        "stage": "dedup", "reason": "exact_duplicate", "duplicate_of": "a-1",
        "evidence": json.dumps(evidence),
    }  # fmt: skip
    assert why(decision, Stages())[0].startswith(said)
