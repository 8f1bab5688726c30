"""Benchmarks on the Hub, with the real client against a local server that speaks its protocol."""

import io
import json
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hub_server import COMMIT

from curation.sources.benchmarks import KNOWN

READ = """
import json, sys
from pathlib import Path
from curation.sources.benchmark_items import read_items
from curation.sources.benchmarks import resolve_benchmark
from schemas.errors import AuroraError

def read(text):
    try:
        found = read_items(resolve_benchmark(text, Path.cwd()))
        return [[i.benchmark, i.name, i.question, i.options] for i in found]
    except AuroraError as error:
        return [error.exit_code, str(error)]

print(json.dumps([read(text) for text in sys.argv[1:]]))
"""


def parquet(subject, splits):
    """A file of two questions per subject."""
    rows = [
        {"question": f"{s} {splits} {i}?", "subject": s, "choices": list("wxyz"), "answer": i}
        for s in subject
        for i in range(2)
    ]
    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def zipped(files):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for name, text in files.items():
            archive.writestr(name, text)
    return out.getvalue()


SUBJECTS = ["anatomy", "law"]
REPOS = {
    "cais/mmlu": {
        f"{folder}/{split}-00000-of-00001.parquet": parquet(subjects, split)
        for folder, subjects in {"all": SUBJECTS, **{s: [s] for s in SUBJECTS}}.items()
        for split in ("dev", "validation", "test")
    }
    | {"all/auxiliary_train-00000-of-00001.parquet": parquet(["aux"], "train"), "README.md": b"#"},
    "ceval/ceval-exam": {
        "ceval-exam.zip": zipped(
            {"val/law_val.csv": "id,question,A,B,C,D,answer\n0,问,甲,乙,丙,丁,A"}
        )
    },
    "haonan-li/cmmlu": {
        "cmmlu_v1_0_1.zip": zipped({"test/law.csv": ",Question,A,B,C,D,Answer\n0,问,甲,乙,丙,丁,A"})
    },
}


@pytest.fixture
def read(hub, hub_process):
    """Read benchmarks in a process of its own: of each, its items or its error."""
    hub.repos = REPOS
    hub.revisions |= {address.split("@")[1] for known in KNOWN.values() for address in known}

    def start(*texts):
        done = hub_process(READ, *texts)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return start


def test_known_benchmarks(read, hub):
    found = read("ceval", "cmmlu", "mmlu")
    assert [items[0] for items in found] == [
        ["ceval", "law/val/0", "问", ["甲", "乙", "丙", "丁"]],
        ["cmmlu", "law/test/0", "问", ["甲", "乙", "丙", "丁"]],
        ["mmlu", "anatomy/dev/0", "anatomy dev 0?", ["w", "x", "y", "z"]],
    ]
    assert [len(items) for items in found] == [1, 1, 12]
    assert not [request for request in hub.requests if "auxiliary" in request]
    hub.requests.clear()
    assert read("ceval", "cmmlu", "mmlu") == found
    assert not [request for request in hub.requests if "datasets" in request]  # from the cache


def test_the_two_layouts_of_mmlu_together_are_no_item_twice(read):
    [both] = read(f"hf://datasets/cais/mmlu/**/*.parquet@{COMMIT}")
    assert [item[1:] for item in both if "/validation/" in item[1]] == [
        [f"{s}/validation/{i}", f"{s} validation {i}?", ["w", "x", "y", "z"]]
        for s in SUBJECTS
        for i in range(2)
    ]
    assert len(both) == 12


def test_a_hub_that_cannot_be_reached_names_the_local_way(read, hub_environment):
    hub_environment["HF_HUB_OFFLINE"] = "1"  # as fails a connection, without the client's retries
    [[code, message]] = read("ceval")
    assert code == 3
    assert "--set stages.decontaminate.benchmarks=[PATH/ceval.zip]" in message


def test_errors_name_the_benchmark_and_the_remedy(read):
    expected = {
        "hf://datasets/cais/mmlu/all/*.csv@main": (3, "no file of the repository matches"),
        "hf://datasets/cais/mmlu/none.parquet@main": (3, "no such file"),
        "hf://datasets/cais/mmlu/all/*.parquet": (2, "names no revision"),
        "hf://datasets/o/gated/a.json@main": (3, "accept its conditions"),
    }
    for (text, (code, words)), error in zip(expected.items(), read(*expected), strict=True):
        assert error[0] == code
        assert error[1].startswith(f"benchmark {text!r}: ")
        assert words in error[1]
