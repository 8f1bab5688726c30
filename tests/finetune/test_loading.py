"""Loading a base model and an adapter."""

import pytest

pytest.importorskip("bitsandbytes")

import torch

from finetune.model import load_adapter


def test_an_adapter_directory_is_loaded(tiny_adapter):
    loaded = load_adapter(tiny_adapter)
    ids = torch.tensor([loaded.tokenizer.encode("你好")])
    with_adapter = loaded.model(ids).logits
    with loaded.model.disable_adapter():
        without = loaded.model(ids).logits
    assert not torch.allclose(with_adapter, without)
    assert loaded.record.guard.expert_bytes_per_parameter < 0.6


def test_corpus(corpus_directory):
    assert (corpus_directory / "manifest.json").is_file()
