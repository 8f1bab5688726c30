"""Experts in four bits, with the real bitsandbytes on a CPU."""

import json
import shutil

import pytest

pytest.importorskip("bitsandbytes")

import torch
from bitsandbytes.functional import dequantize_4bit
from bitsandbytes.nn import Linear4bit
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from finetune.model import add_adapter, inspect_model, load_base, make_random_model
from finetune.model.experts import ExpertList
from schemas.errors import ModelError

SMALL = {
    "vocab_size": 128,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "initializer_range": 0.2,
}
MOE = {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 64}
ARCHITECTURES = {
    "qwen3_moe": MOE,
    "qwen2_moe": {**MOE, "shared_expert_intermediate_size": 64},
    "olmoe": {"num_experts": 4, "num_experts_per_tok": 2},
    "deepseek_v3": {
        "num_key_value_heads": 4,
        "n_routed_experts": 4,
        "num_experts_per_tok": 2,
        "moe_intermediate_size": 64,
        "n_group": 1,
        "topk_group": 1,
        "first_k_dense_replace": 1,
        "q_lora_rank": 32,
        "kv_lora_rank": 32,
        "qk_rope_head_dim": 16,
        "qk_nope_head_dim": 16,
        "v_head_dim": 16,
    },
    "llama": {},
    "mistral": {},
    "qwen2": {},
    "qwen3": {},
}
TOKENS = torch.tensor([[5, 17, 99, 3, 42, 64, 8, 8, 120, 1]])


@pytest.fixture
def recipe_for(tmp_path, tiny_recipe):
    """A recipe on a random model of an architecture."""

    def recipe(architecture, **changes):
        config = {"model_type": architecture, **SMALL, **ARCHITECTURES.get(architecture, {})}
        config |= changes.pop("config", {})
        (tmp_path / "config.json").write_text(json.dumps(config))
        path = tmp_path / architecture
        return tiny_recipe(
            model=str(path), model_config_file=str(tmp_path / "config.json"), **changes
        )

    return recipe


def experts_of(model):
    return [module for module in model.modules() if isinstance(module, ExpertList)]


@pytest.mark.parametrize(("kind", "double"), [("nf4", True), ("nf4", False), ("fp4", True)])
def test_experts_are_in_four_bits(tiny_recipe, kind, double):
    recipe = tiny_recipe(quantization=kind, double_quantization=double)
    model = add_adapter(load_base(recipe), recipe)
    guard = inspect_model(model, recipe)
    assert guard.expert_bytes_per_parameter == pytest.approx(0.516 if double else 0.5625, abs=0.005)
    assert guard.matched == {"q_proj": 2, "v_proj": 2}
    assert not any(w.ndim >= 3 for w in model.parameters() if w.is_floating_point())
    weight = experts_of(model)[0][0].gate_proj.weight
    assert weight.quant_state.quant_type == kind


def test_the_tiny_model_predicts_as_its_dequantised_weights_do(tiny_recipe):
    quantized = load_base(tiny_recipe())
    plain = load_base(tiny_recipe(quantization="none"))
    for name, module in quantized.named_modules():
        if isinstance(module, Linear4bit):
            weight = dequantize_4bit(module.weight.data, module.weight.quant_state)
            assert torch.any(plain.get_submodule(name).weight.data != weight)
            plain.get_submodule(name).weight.data = weight
    torch.testing.assert_close(quantized(TOKENS).logits, plain(TOKENS).logits, atol=1e-3, rtol=1e-4)


@pytest.mark.parametrize("architecture", ["mixtral", "qwen3_moe", "qwen2_moe", "deepseek_v3"])
def test_split_experts_compute_what_the_fused_ones_do(recipe_for, architecture):
    recipe = recipe_for(architecture, quantization="none")
    split = load_base(recipe)
    fused = AutoModelForCausalLM.from_pretrained(recipe.model, dtype=torch.float32)
    assert experts_of(split)
    assert not experts_of(fused)
    torch.testing.assert_close(split(TOKENS).logits, fused(TOKENS).logits, atol=1e-5, rtol=1e-5)
    assert not getattr(split, "is_quantized", False)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_other_architectures_take_the_same_path(recipe_for, architecture):
    targets = ["o_proj"] if architecture == "deepseek_v3" else ["q_proj", "down_proj"]
    recipe = recipe_for(architecture, lora_targets=targets, lora_dropout=0.1)
    model = add_adapter(load_base(recipe), recipe)
    guard = inspect_model(model, recipe)
    assert (guard.expert_bytes_per_parameter or 0.5) < 0.6
    assert guard.bytes_per_parameter < 0.6
    assert all(guard.matched.values())
    loss = model(TOKENS, labels=TOKENS).loss
    loss.backward()
    assert torch.isfinite(loss)


def test_the_router_and_the_shared_gate_stay_as_they_are(recipe_for):
    model = load_base(recipe_for("qwen2_moe", quantization="nf4"))
    block = model.model.layers[0].mlp
    assert type(block.shared_expert_gate) is torch.nn.Linear
    assert block.gate.weight.is_floating_point()
    assert isinstance(block.shared_expert.up_proj, Linear4bit)


@pytest.mark.parametrize("checkpointing", [False, True])
@pytest.mark.parametrize("autocast", [False, True])
def test_gradients_flow_through_the_experts(tiny_recipe, checkpointing, autocast):
    recipe = tiny_recipe(lora_targets=["up_proj", "down_proj"])
    model = add_adapter(load_base(recipe), recipe)
    model.train()
    if checkpointing:
        model.gradient_checkpointing_enable({"use_reentrant": False})
        model.enable_input_require_grads()
    with torch.autocast("cpu", torch.bfloat16, enabled=autocast):
        model(TOKENS, labels=TOKENS).loss.backward()
    # An expert without tokens has a gradient of zero, not none: distributed training waits for it.
    assert all(w.grad is not None for w in model.parameters() if w.requires_grad)
    assert all(torch.isfinite(w.grad).all() for w in model.parameters() if w.requires_grad)


def test_an_expert_list_gives_the_same_bits_again_whatever_the_tokens(tiny_recipe):
    experts = experts_of(load_base(tiny_recipe(quantization="none")))[0]
    hidden = torch.randn(6, 64)
    index = torch.tensor([[3, 1]] * 6)  # two experts get nothing
    weights = torch.full((6, 2), 0.5)
    output = experts(hidden, index, weights)
    expected = 0.5 * experts[3](hidden) + 0.5 * experts[1](hidden)
    torch.testing.assert_close(output, expected)
    assert torch.equal(output, experts(hidden, index, weights))
    with torch.no_grad():
        assert torch.equal(output, experts(hidden, index, weights))


def test_experts_of_another_shape_are_refused_by_name(recipe_for):
    recipe = recipe_for("gpt_oss", config={"num_local_experts": 4, "head_dim": 16})
    with pytest.raises(ModelError, match=r"GptOssExperts .* stores its experts in a way"):
        load_base(recipe)


@pytest.mark.parametrize(
    ("architecture", "config", "message"),
    [
        ("gemma2", {"head_dim": 16}, "Gemma2ForCausalLM: has no sdpa attention.*attention: eager"),
        ("gpt2", {"n_embd": 64, "n_head": 4}, "GPT2LMHeadModel: this architecture is not supp"),
        ("granitemoe", {"num_local_experts": 4}, "GraniteMoeForCausalLM stores its experts in a"),
        ("dbrx", {"d_model": 64, "n_heads": 4}, "no config of a causal language model .*rope"),
    ],
)
def test_what_is_not_supported_says_so(recipe_for, tmp_path, architecture, config, message):
    recipe = recipe_for(architecture, config=config)
    with pytest.raises(ModelError, match=message):
        add_adapter(load_base(recipe), recipe)
    assert not list(tmp_path.glob("*.unfinished"))
    # A model that could not be read is not made.
    assert (tmp_path / architecture).exists() == (architecture in ("gemma2", "gpt2"))


def test_a_fused_checkpoint_is_called_so(tiny_base, tiny_recipe, tmp_path, capfd):
    model = AutoModelForCausalLM.from_pretrained(tiny_base)
    model.save_pretrained(tmp_path / "fused", save_original_format=False)
    capfd.readouterr()
    with pytest.raises(ModelError, match=r"in one tensor \(model.layers.0.mlp.experts.down_proj\)"):
        load_base(tiny_recipe(model=str(tmp_path / "fused")))
    assert "LOAD REPORT" not in capfd.readouterr().err
    model.save_pretrained(tmp_path / "original", save_original_format=True)  # the remedy
    load_base(tiny_recipe(model=str(tmp_path / "original")))


def test_a_plain_load_elsewhere_is_not_changed(tiny_base):
    config = BitsAndBytesConfig(load_in_4bit=True)
    model = AutoModelForCausalLM.from_pretrained(tiny_base, quantization_config=config)
    assert not experts_of(model)


def test_the_keys_of_a_random_mixtral_are_those_of_the_hub(tiny_base):
    index = json.loads((tiny_base / "model.safetensors.index.json").read_text())
    keys = index["weight_map"]
    assert "model.layers.1.block_sparse_moe.experts.3.w2.weight" in keys
    assert "model.layers.0.block_sparse_moe.gate.weight" in keys
    with safe_open(tiny_base / keys["lm_head.weight"], "pt") as file:
        assert file.get_tensor("lm_head.weight").dtype == torch.bfloat16


def test_a_random_model_is_the_same_again_however_it_is_sharded(tiny_base, tmp_path, monkeypatch):
    monkeypatch.setattr("finetune.model.random_model.SHARD_BYTES", 2**20)
    make_random_model(tiny_base / "config.json", tmp_path / "again", seed=1)
    shards = sorted((tmp_path / "again").glob("*.safetensors"))
    assert len(shards) > 2
    weights = {k: v for shard in shards for k, v in load_file(shard).items()}
    first = load_file(next(tiny_base.glob("*.safetensors")))
    assert weights.keys() == first.keys()
    assert all(torch.equal(weights[key], first[key]) for key in first)


def damaged(tiny_base, folder, change):
    shutil.copytree(tiny_base, folder)
    shard = next(folder.glob("*.safetensors"))
    weights = load_file(shard)
    change(weights)
    save_file(weights, folder / "model.safetensors", metadata={"format": "pt"})
    shard.unlink()
    (folder / "model.safetensors.index.json").unlink()
    return str(folder)


EXPERT = "model.layers.0.block_sparse_moe.experts.2.w1.weight"


@pytest.mark.parametrize("key", [EXPERT, "model.layers.1.self_attn.q_proj.weight"])
def test_missing_weights_are_refused(tiny_base, tiny_recipe, tmp_path, key):
    path = damaged(tiny_base, tmp_path / "m", lambda weights: weights.pop(key))
    with pytest.raises(ModelError, match="1 missing weights"):
        load_base(tiny_recipe(model=path))


def test_weights_of_another_architecture_are_refused(tiny_base, tiny_recipe, tmp_path):
    extra = {"model.layers.0.block_sparse_moe.experts.9.w1.weight": torch.zeros(128, 64)}
    path = damaged(tiny_base, tmp_path / "m", lambda weights: weights.update(extra))
    with pytest.raises(ModelError, match="1 unexpected weights"):
        load_base(tiny_recipe(model=path))


def test_a_quantised_checkpoint_is_refused(tiny_base, tiny_recipe, tmp_path):
    shutil.copytree(tiny_base, tmp_path / "q")
    config = json.loads((tmp_path / "q" / "config.json").read_text())
    config["quantization_config"] = {"quant_method": "bitsandbytes", "load_in_4bit": True}
    (tmp_path / "q" / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="quantised already"):
        load_base(tiny_recipe(model=str(tmp_path / "q")))


@pytest.mark.parametrize("text", ["not json", "{}", '{"model_type": "nonesuch"}', "[1]"])
def test_a_config_that_is_none_is_refused(tmp_path, text):
    (tmp_path / "c.json").write_text(text)
    with pytest.raises(ModelError, match="no config of a causal language model"):
        make_random_model(tmp_path / "c.json", tmp_path / "out", seed=1)
    assert not (tmp_path / "out").exists()


def test_a_model_that_is_not_there_is_said_in_a_sentence(tiny_recipe, tmp_path):
    with pytest.raises(ModelError, match=r"nothing: its config.json cannot .*check `model`"):
        load_base(tiny_recipe(model=str(tmp_path / "nothing")))
