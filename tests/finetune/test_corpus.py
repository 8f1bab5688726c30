"""The trainer's view of a corpus directory."""

import pytest

from finetune.corpus import load_corpus
from schemas.conversation import DATA
from schemas.errors import CorpusError

datasets = pytest.importorskip("datasets")


@pytest.fixture
def corpus(curate, tmp_path, monkeypatch):
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    assert curate("run", "sample", "--output", tmp_path / "out", "--workers", 1).code == 0
    return tmp_path / "out"


def test_the_corpus_is_conversational_data(corpus):
    loaded = load_corpus(corpus)
    assert loaded.column_names == DATA.names
    for row in loaded:
        roles = [message["role"] for message in row["messages"] if message["role"] != "system"]
        assert roles == ["user", "assistant"] * row["rounds"]


def test_trl_takes_it(corpus):
    data_utils = pytest.importorskip("trl.data_utils")
    assert data_utils.is_conversational(load_corpus(corpus)[0])


def test_an_unfinished_directory_is_refused(corpus, tmp_path):
    (corpus / "manifest.json").unlink()
    with pytest.raises(CorpusError, match="curate run"):
        load_corpus(corpus)
