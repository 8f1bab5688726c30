"""Shards of a base model: read one tensor at a time, and each damage said in a sentence."""

import json
import shutil

import pytest

pytest.importorskip("bitsandbytes")

import torch
from safetensors.torch import load_file, save_file

from finetune.model import load_base
from finetune.model.checkpoint import lazy_tensors
from schemas.errors import ModelError

INDEX = "model.safetensors.index.json"


@pytest.fixture
def sharded(tiny_base, tmp_path):
    """The tiny base in three shards, "1" to "3"."""
    folder = tmp_path / "sharded"
    shutil.copytree(tiny_base, folder)
    (whole,) = folder.glob("*.safetensors")
    weights = load_file(whole)
    whole.unlink()
    names = sorted(weights)
    files = {name: f"{i % 3 + 1}.safetensors" for i, name in enumerate(names)}
    for file in set(files.values()):
        part = {name: weights[name] for name in names if files[name] == file}
        save_file(part, folder / file, metadata={"format": "pt"})
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": files}))
    return folder


def test_tensors_of_many_shards_are_those_of_one_file(sharded, tiny_base):
    (whole,) = tiny_base.glob("*.safetensors")
    expected = load_file(whole)
    found = lazy_tensors(sharded)
    assert found.keys() == expected.keys()
    assert all(torch.equal(found[name][:], expected[name]) for name in expected)


def test_a_model_in_many_shards_is_loaded_whole(sharded, tiny_base, tiny_recipe):
    many = load_base(tiny_recipe(model=str(sharded), quantization="none")).state_dict()
    one = load_base(tiny_recipe(quantization="none")).state_dict()
    assert many.keys() == one.keys()
    assert all(torch.equal(many[name], one[name]) for name in one)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        ("2.safetensors", lambda p: p.unlink(), r"2\.safetensors: cannot be read .*fetch it again"),
        ("2.safetensors", lambda p: p.write_bytes(p.read_bytes()[:-1]), "cannot be read"),
        ("2.safetensors", lambda p: p.write_bytes(b"\xff" * 99), "cannot be read"),
        ("2.safetensors", lambda p: p.write_bytes(b""), "cannot be read"),
        (INDEX, lambda p: p.unlink(), "holds no safetensors"),
        (INDEX, lambda p: p.write_text("{"), "is no index of shards"),
        (INDEX, lambda p: p.write_text('{"weight_map": ["a"]}'), "is no index of shards"),
        (INDEX, lambda p: p.write_text('{"weight_map": {"a": 1}}'), "is no index of shards"),
        (INDEX, lambda p: p.write_text('{"weight_map": {"a": "../x"}}'), "is no index of shards"),
        (INDEX, lambda p: p.write_text('{"weight_map": {}}'), "is no index of shards"),
    ],
)
def test_damage_is_one_sentence(sharded, tiny_recipe, name, change, message):
    change(sharded / name)
    with pytest.raises(ModelError, match=message) as error:
        load_base(tiny_recipe(model=str(sharded)))
    assert "\n" not in str(error.value)


def test_a_shard_that_the_index_does_not_name_is_missed(sharded, tiny_recipe):
    index = json.loads((sharded / INDEX).read_text())
    files = {k: v for k, v in index["weight_map"].items() if v != "3.safetensors"}
    (sharded / INDEX).write_text(json.dumps({"weight_map": files}))
    with pytest.raises(ModelError, match=r"missing weights, first model\."):
        load_base(tiny_recipe(model=str(sharded)))
