"""The adapter: where it goes, how it begins, how it is saved."""

import json
import shutil

import pytest

pytest.importorskip("bitsandbytes")

import torch
from adapter_records import make_record
from safetensors.torch import load_file, save_file

from finetune.model import add_adapter, load_adapter, load_base, load_tokenizer, make_random_model
from finetune.model.lora import match_targets
from schemas.errors import ModelError

TOKENS = torch.tensor([[5, 17, 99, 3, 42, 64, 8, 8, 120, 1]])


def lora_weights(model):
    return {name: w for name, w in model.named_parameters() if ".lora_" in name}


def test_targets_are_whole_last_names(tiny_recipe):
    model = load_base(tiny_recipe())
    matched = match_targets(model, ["v_proj", "up_proj"])
    assert matched["v_proj"] == [f"model.layers.{i}.self_attn.v_proj" for i in range(2)]
    assert matched["up_proj"] == [
        f"model.layers.{i}.mlp.experts.{e}.up_proj" for i in range(2) for e in range(4)
    ]
    for name in ("proj", "up", "self_attn", "lm_head", ".*", "all-linear"):
        with pytest.raises(ModelError, match="no module is named"):
            match_targets(model, [name])


def test_a_target_must_be_in_every_layer_and_every_expert(tiny_recipe):
    model = load_base(tiny_recipe())
    del model.model.layers[1].self_attn.k_proj
    with pytest.raises(ModelError, match="k_proj is missing in 1 layers, first 1"):
        match_targets(model, ["k_proj"])
    del model.model.layers[0].mlp.experts[2].up_proj
    with pytest.raises(ModelError, match=r"up_proj is in 3 of the experts of model.layers.0"):
        match_targets(model, ["up_proj"])


def test_an_adapter_begins_in_fp32_at_zero_and_depends_on_the_seed_alone(tiny_recipe):
    def adapted(**changes):
        recipe = tiny_recipe(compute_dtype="bfloat16", **changes)
        return lora_weights(add_adapter(load_base(recipe), recipe))

    before = torch.random.get_rng_state()
    first = adapted(seed=1)
    assert torch.equal(torch.random.get_rng_state(), before)
    torch.manual_seed(99)
    again = adapted(seed=1)
    other = adapted(seed=2)
    assert all(w.dtype == torch.float32 and w.requires_grad for w in first.values())
    assert all(torch.equal(first[name], again[name]) for name in first)
    assert not any(torch.equal(first[n], other[n]) for n in first if ".lora_A." in n)
    assert not any(w.any() for n, w in first.items() if ".lora_B." in n)


def test_the_base_and_its_commit_are_in_the_config_of_the_adapter(tiny_recipe, tmp_path):
    recipe = tiny_recipe()
    base = load_base(recipe)
    add_adapter(base, recipe).save_pretrained(tmp_path / "local")
    config = json.loads((tmp_path / "local" / "adapter_config.json").read_text())
    assert (config["base_model_name_or_path"], config["revision"]) == (recipe.model, None)
    base = load_base(recipe)
    base.config._commit_hash = "c" * 40  # as load_base notes it of one from the Hub
    add_adapter(base, recipe).save_pretrained(tmp_path / "hub")
    assert (
        json.loads((tmp_path / "hub" / "adapter_config.json").read_text())["revision"] == "c" * 40
    )


def test_dropout_acts_in_training_alone(tiny_recipe):
    recipe = tiny_recipe(lora_targets=["up_proj"], lora_dropout=0.5)
    model = add_adapter(load_base(recipe), recipe)
    for name, weight in lora_weights(model).items():
        if ".lora_B." in name:
            weight.data.fill_(0.1)
    model.train()
    assert not torch.equal(model(TOKENS).logits, model(TOKENS).logits)
    model.eval()
    assert torch.equal(model(TOKENS).logits, model(TOKENS).logits)


def test_an_adapter_that_is_saved_and_loaded_gives_equal_logits(tiny_adapter, tiny_recipe):
    loaded = load_adapter(tiny_adapter)
    recipe = loaded.record.recipe
    model = add_adapter(load_base(recipe), recipe)
    own = lora_weights(model)
    for name, weight in lora_weights(loaded.model).items():
        own[name].data = weight.data.clone()
    assert torch.equal(model.eval()(TOKENS).logits, loaded.model(TOKENS).logits)
    assert not any(w.requires_grad for w in loaded.model.parameters())


def test_another_base_or_none_in_four_bits_may_be_named(tiny_adapter, tiny_base):
    loaded = load_adapter(tiny_adapter, quantization="none", base=str(tiny_base))
    module = loaded.model.get_base_model().model.layers[0].self_attn.q_proj
    assert module.base_layer.weight.is_floating_point()


def test_another_architecture_is_refused_though_all_shapes_agree(tiny_base, tiny_recipe, tmp_path):
    config = json.loads((tiny_base / "config.json").read_text())
    keep = ("vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers")
    shape = {key: config[key] for key in (*keep, "num_attention_heads", "num_key_value_heads")}
    (tmp_path / "c.json").write_text(json.dumps(shape | {"model_type": "llama"}))
    make_random_model(tmp_path / "c.json", tmp_path / "llama", seed=1)
    recipe = tiny_recipe(lora_targets=["q_proj"])
    add_adapter(load_base(recipe), recipe).save_pretrained(tmp_path / "a")
    load_tokenizer(recipe).save_pretrained(tmp_path / "a")
    record = make_record(recipe=recipe)
    (tmp_path / "a" / "training.json").write_text(record.model_dump_json())
    with pytest.raises(ModelError, match="is a LlamaForCausalLM, the adapter is for a Mixtral"):
        load_adapter(tmp_path / "a", base=str(tmp_path / "llama"))


def test_an_adapter_that_lacks_weights_is_refused(tiny_adapter, tmp_path):
    shutil.copytree(tiny_adapter, tmp_path / "a")
    file = tmp_path / "a" / "adapter_model.safetensors"
    weights = load_file(file)
    weights.pop(min(weights))
    save_file(weights, file)
    with pytest.raises(ModelError, match="1 adapter weights do not fit the base"):
        load_adapter(tmp_path / "a")
    file.unlink()
    with pytest.raises(ModelError, match=r"does not fit|missing"):
        load_adapter(tmp_path / "a")
