"""The trainer's view of a corpus."""

import hashlib
import json
import os
import shutil
import subprocess
import sys

import pytest

from finetune.corpus import load_corpus
from finetune.rendering.cache import render_corpus
from finetune.rendering.mistral import mistral_v1
from finetune.rendering.split import Limits
from schemas.conversation import DATA
from schemas.errors import CorpusError

datasets = pytest.importorskip("datasets")


def test_the_corpus_is_conversational_data(corpus_directory):
    corpus = load_corpus(str(corpus_directory))
    assert corpus.train.column_names == DATA.names
    for row in corpus.train:
        roles = [message["role"] for message in row["messages"] if message["role"] != "system"]
        assert roles == ["user", "assistant"] * row["rounds"]
    manifest = (corpus_directory / "manifest.json").read_bytes()
    assert corpus.data.sha256 == hashlib.sha256(manifest).hexdigest()
    assert corpus.data.revision is None


def test_trl_takes_it(corpus_directory):
    data_utils = pytest.importorskip("trl.data_utils")
    assert data_utils.is_conversational(load_corpus(str(corpus_directory)).train[0])


def test_an_unfinished_directory_is_refused(corpus_directory, tmp_path):
    copy = shutil.copytree(corpus_directory, tmp_path / "copy")
    (copy / "manifest.json").unlink()
    with pytest.raises(CorpusError, match="curate run"):
        load_corpus(str(copy))


def test_a_file_of_rows_gets_ids(tmp_path):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps({"messages": [{"role": "user", "content": "a"}]}) + "\n")
    corpus = load_corpus(str(path))
    assert corpus.train["id"][:] == ["0"]
    assert corpus.validation is None
    assert corpus.data.name == "rows.jsonl"


@pytest.mark.parametrize("row", [{"text": "a"}, {"messages": "a"}, {"messages": [{"role": "a"}]}])
def test_rows_of_another_shape_are_refused(tmp_path, row):
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row) + "\n")
    with pytest.raises(CorpusError, match=r"rows\.jsonl: each row needs"):
        load_corpus(str(path))


USER, ANSWER = '{"role": "user", "content": "%s"}', '{"role": "assistant", "content": "b"}'
ROW = '{"id": "a", "messages": [%s]}'


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "has no row"),
        (b"\n", "no row|cannot be read"),
        (b'{"messages": null}\n', "each row needs"),
        (b'{"messages": {"role": "user", "content": "a"}}\n', "each row needs"),
        (b"{\n", "cannot be read as rows"),
        ((ROW % f"{USER % 'a'},{ANSWER}").replace('"a"', "[1]", 1).encode(), "`id` must be"),
    ],
)
def test_files_that_are_no_rows(tmp_path, content, says):
    path = tmp_path / "rows.jsonl"
    path.write_bytes(content)
    with pytest.raises(CorpusError, match=says):
        load_corpus(str(path))


def test_rows_with_nothing_in_them_are_left_out_with_a_reason(tmp_path):
    path = tmp_path / "rows.jsonl"
    good = ROW % f"{USER % 'a'},{ANSWER}"
    rows = [
        good,
        '{"id": "b", "messages": null}',
        ROW % f"null,{ANSWER}",
        ROW % f"{USER % 'REPLACED'},{ANSWER}",
    ]
    path.write_bytes("\n".join(rows).encode().replace(b"REPLACED", b"\xed\xa0\x80"))
    rendered = render_corpus(load_corpus(str(path)).train, mistral_v1(), Limits(), tmp_path)
    assert len(rendered.parts) == 1
    assert sorted(rendered.account.left_out.values()) == [1, 1, 1]


def test_loading_a_corpus_calls_nobody(corpus_directory, tmp_path):
    code = """
import socket, sys
def refuse(*arguments):
    raise SystemExit("the network was called")
socket.socket.connect = socket.getaddrinfo = refuse
from finetune.corpus import load_corpus
print(len(load_corpus(sys.argv[1]).train))
"""
    folder = {"HF_DATASETS_CACHE": str(tmp_path), "HF_HUB_OFFLINE": "0"}
    done = subprocess.run(
        [sys.executable, "-c", code, corpus_directory],
        env={**os.environ, **folder},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) > 0


def test_a_name_that_is_nothing_is_refused(tmp_path):
    with pytest.raises(CorpusError, match="no such file or directory"):
        load_corpus(str(tmp_path / "none"))
    with pytest.raises(CorpusError, match="is empty"):
        load_corpus("")
