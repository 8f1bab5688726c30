"""The trainer's view of a corpus."""

import hashlib
import json
import shutil

import pytest

from finetune.corpus import load_corpus
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


def test_a_name_that_is_nothing_is_refused(tmp_path):
    with pytest.raises(CorpusError, match="no such file or directory"):
        load_corpus(str(tmp_path / "none"))
