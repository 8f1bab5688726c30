"""The embedded sample, and every input format, through the command line."""

import csv
import gzip
import io
import json

import polars as pl
import pytest
import zstandard

ANSWER = "这是一个足够长的回答，用来说明问题。"
TURNS = [("第一个问题是什么？", ANSWER + "一"), ("第二个问题呢？", ANSWER + "二")]
FORMATS = {
    "alpaca": {
        "instruction": TURNS[1][0],
        "input": "",
        "output": TURNS[1][1],
        "history": [list(TURNS[0])],
    },
    "sharegpt": {
        "conversations": [
            {"from": role, "value": text}
            for turn in TURNS
            for role, text in zip(("human", "gpt"), turn, strict=True)
        ]
    },
    "shareai": {"conversation": [{"human": q, "assistant": a} for q, a in TURNS]},
    "messages": {
        "messages": [
            {"role": role, "content": text}
            for turn in TURNS
            for role, text in zip(("client", "counselor"), turn, strict=True)
        ]
    },
    "history": {"query": TURNS[1][0], "response": TURNS[1][1], "history": [list(TURNS[0])]},
}


def lines(record):
    return json.dumps(record, ensure_ascii=False).encode() + b"\n"


def as_csv(record):
    out = io.StringIO()
    cells = [
        v if isinstance(v, str) else json.dumps(v, ensure_ascii=False) for v in record.values()
    ]
    csv.writer(out).writerows([list(record), cells])
    return out.getvalue().encode()


def as_parquet(record):
    out = io.BytesIO()
    pl.DataFrame([record]).write_parquet(out)
    return out.getvalue()


CONTAINERS = {
    "array.json": lambda record: json.dumps([record], indent=2).encode(),
    "lines.json": lines,
    "packed.jsonl.gz": lambda record: gzip.compress(lines(record)),
    "packed.zst": lambda record: zstandard.compress(lines(record)),
    "chinese.jsonl": lambda record: lines(record).decode().encode("gb18030"),
    "table.csv": as_csv,
    "table.parquet": as_parquet,
}


@pytest.mark.parametrize("container", CONTAINERS)
@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_in_every_container(curate, tmp_path, write_recipe, format_, container):
    path = tmp_path / container
    path.write_bytes(CONTAINERS[container](FORMATS[format_]))
    out = tmp_path / "out"
    done = curate("run", write_recipe(a=path), "--output", out, "--workers", 1, "--json")
    assert done.code == 0, done.err
    assert json.loads(done.out)["formats"] == {"a": {format_: 1}}
    (row,) = pl.read_parquet(out / "data" / "*.parquet").to_dicts()
    expected = [text for turn in TURNS for text in turn]
    assert [message["content"] for message in row["messages"]] == expected
    assert [message["role"] for message in row["messages"]] == ["user", "assistant"] * 2
    assert (row["rounds"], row["language"], row["script"]) == (2, "zh", "Hans")


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    from curation.recipes import load
    from curation.run import Options, run

    directory = tmp_path_factory.mktemp("sample") / "out"
    return directory, run(load("sample"), directory, Options(workers=1))


def test_the_sample_gives_every_stage_something_to_do(sample):
    _, statistics = sample
    stages = {stage.stage: stage for stage in statistics.stages}
    assert set(stages["read"].dropped) == {
        "invalid_json",
        "no_answer",
        "truncated_record",
        "unknown_format",
    }
    assert {"html_residue", "zero_width", "no_break_space", "unicode_nfc"} <= set(
        stages["clean"].edited
    )
    assert stages["language"].dropped == {"language": 20}
    assert stages["script"].edited["traditional_to_simplified"] > 20
    assert {
        "attachment",
        "echo",
        "garbled",
        "identity",
        "message_too_long",
        "no_context",
        "placeholder_answer",
        "repetition",
        "role_leak",
        "translation",
        "wrong_language",
    } == set(stages["quality"].dropped)
    assert {"mojibake", "stray_prefix", "repeated_instruction"} <= set(stages["clean"].edited)
    assert statistics.pii == dict.fromkeys(
        [
            "api_key",
            "bank_card",
            "email",
            "id_card",
            "landline",
            "licence_plate",
            "mobile",
            "wechat",
        ],
        1,
    )
    assert statistics.control_tokens.occurrences == 6
    assert stages["dedup"].dropped == {"exact_duplicate": 15, "near_duplicate": 12}
    assert stages["decontaminate"].dropped == {"benchmark": 4}
    (exam,) = statistics.contamination
    assert (exam.benchmark, exam.items, exam.conversations, exam.found) == ("exam", 6, 4, 4)
    assert statistics.splits == {"train": 297, "validation": 20}
    assert len(statistics.categories) == 21  # the twenty, and Other


def test_the_sample_adds_up(sample, curate):
    directory, statistics = sample
    sums = [
        sum(getattr(source, name) for source in statistics.sources)
        for name in ("records", "kept", "dropped", "quarantined")
    ]
    assert sums == [399, 317, 73, 9]
    assert curate("verify", directory).code == 0


def test_the_sample_keeps_what_it_should(sample):
    """Near misses, one-character answers and translations stay; see curation/sample/README.md."""
    directory, _ = sample
    data = pl.read_parquet(directory / "data" / "*.parquet")
    answers = [m["content"] for row in data["messages"] for m in row if m["role"] == "assistant"]
    assert sum(len(answer) == 1 for answer in answers) >= 3
    questions = " ".join(m["content"] for row in data["messages"] for m in row[:2])
    assert "3乘以6" in questions
    assert "3乘以8" in questions
    assert not data.filter(pl.col("script") == "Hant").height
