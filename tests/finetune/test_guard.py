"""The checks before the first step: each trap of the public stack is refused in a sentence."""

import pytest

pytest.importorskip("bitsandbytes")

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, BitsAndBytesConfig

from finetune.model import add_adapter, inspect_model, load_base
from finetune.model.guard import check_base
from schemas.errors import ModelError

EXPERTS = ["q_proj", "gate_proj", "up_proj", "down_proj"]


@pytest.fixture
def adapted(tiny_recipe):
    recipe = tiny_recipe(lora_targets=EXPERTS)
    return add_adapter(load_base(recipe), recipe), recipe


def four_bit_load(path, **options):
    config = BitsAndBytesConfig(load_in_4bit=True, bnb_4bit_quant_type="nf4", **options)
    return AutoModelForCausalLM.from_pretrained(path, quantization_config=config)


def test_a_sound_model_passes(adapted):
    guard = inspect_model(*adapted)
    assert guard.matched == {"q_proj": 2, "gate_proj": 8, "up_proj": 8, "down_proj": 8}
    assert guard.trainable == 8 * (2 * 128 + 24 * 192)
    assert guard.expert_bytes_per_parameter < 0.6


def test_trap_experts_that_stay_fused(tiny_base, tiny_recipe):
    model = get_peft_model(four_bit_load(tiny_base), LoraConfig(target_modules=["q_proj"]))
    with pytest.raises(ModelError, match=r"MixtralExperts \(model.layers.0.mlp.experts\)"):
        inspect_model(model, tiny_recipe(lora_targets=["q_proj"]))


def test_trap_a_target_that_matches_nothing(tiny_recipe):
    recipe = tiny_recipe(lora_targets=["q_proj", "q_porj"])
    with pytest.raises(ModelError, match="q_porj; did you mean 'q_proj'"):
        add_adapter(load_base(recipe), recipe)


def test_trap_a_target_that_was_lost_on_the_way(adapted, tiny_recipe):
    model, _ = adapted
    with pytest.raises(ModelError, match="w1 has 0 adapters"):
        inspect_model(model, tiny_recipe(lora_targets=[*EXPERTS, "w1"]))
    with pytest.raises(ModelError, match="o_proj has 0 adapters, the model has 2"):
        inspect_model(model, tiny_recipe(lora_targets=[*EXPERTS, "o_proj"]))


def test_trap_an_adapter_in_bf16(adapted):
    model, recipe = adapted
    for name, weight in model.named_parameters():
        if ".lora_A." in name:
            weight.data = weight.data.bfloat16()
    with pytest.raises(ModelError, match=r"lora_A.* is bfloat16.*cast what is trained to fp32"):
        inspect_model(model, recipe)


def test_trap_a_router_that_nobody_asked_for(recipe_with_linear_router):
    model, recipe = recipe_with_linear_router
    with pytest.raises(ModelError, match=r"shared_expert_gate has an adapter that lora_targets"):
        inspect_model(model, recipe)


@pytest.fixture
def recipe_with_linear_router(tmp_path, tiny_recipe):
    """What `all-linear` does to Qwen's MoE: PEFT adapts the gate of the shared expert."""
    config = tmp_path / "c.json"
    config.write_text(
        '{"model_type": "qwen2_moe", "vocab_size": 128, "hidden_size": 64, "num_hidden_layers": 1,'
        '"num_attention_heads": 4, "num_key_value_heads": 2, "num_experts": 4,'
        '"num_experts_per_tok": 2, "moe_intermediate_size": 64, "intermediate_size": 64,'
        '"shared_expert_intermediate_size": 64}'
    )
    recipe = tiny_recipe(
        model=str(tmp_path / "m"), model_config_file=str(config), lora_targets=["q_proj"]
    )
    wanted = LoraConfig(target_modules=["q_proj", "shared_expert_gate"])
    return get_peft_model(load_base(recipe), wanted), recipe


@pytest.mark.parametrize("router", ["gate", "router"])
def test_trap_a_router_as_a_target(tiny_recipe, router):
    recipe = tiny_recipe(lora_targets=["q_proj", router])
    with pytest.raises(ModelError, match="is the router, which this version leaves alone"):
        add_adapter(load_base(recipe), recipe)


def test_trap_no_adapter_at_all(adapted):
    model, recipe = adapted
    for module in model.modules():
        if hasattr(module, "lora_A"):  # layers without an adapter in them
            module.lora_A.clear()
    with pytest.raises(ModelError, match="the model has no adapter"):
        inspect_model(model, recipe)


def test_trap_a_base_weight_that_would_be_trained(adapted):
    model, recipe = adapted
    model.get_base_model().lm_head.weight.requires_grad_()
    with pytest.raises(ModelError, match=r"lm_head.weight would be trained"):
        inspect_model(model, recipe)


def test_trap_a_frozen_adapter(adapted):
    model, recipe = adapted
    next(w for n, w in model.named_parameters() if ".lora_B." in n).requires_grad_(False)
    with pytest.raises(ModelError, match=r"lora_B.* is frozen"):
        inspect_model(model, recipe)


def test_trap_a_linear_weight_that_is_not_quantised(tiny_recipe):
    model = load_base(tiny_recipe(quantization="none"))
    with pytest.raises(ModelError, match=r"experts take 4.00 bytes per weight"):
        check_base(model, quantized=True)
    model = load_base(tiny_recipe())
    model.model.layers[0].self_attn.o_proj = torch.nn.Linear(64, 64)
    with pytest.raises(ModelError, match=r"layers.0.self_attn.o_proj.weight is not quantised"):
        check_base(model, quantized=True)
