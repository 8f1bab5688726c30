"""A tensor that never trains is noticed, whether at the first step or when its time has come."""

import pytest

pytest.importorskip("trl")

import torch
from datasets import Dataset

from finetune.model import GradientWatch, add_adapter, load_base, load_tokenizer
from finetune.training.progress import Flow
from finetune.training.rows import training_rows
from finetune.training.run import spare_compilation
from finetune.training.settings import sft_config
from finetune.training.trainer import AdapterTrainer
from schemas.errors import ModelError

TOKENS = torch.tensor([[5, 17, 99, 3, 42, 64, 8, 8, 120, 1]])
TARGETS = ["q_proj", "gate_proj", "up_proj", "down_proj"]
Q = "model.layers.0.self_attn.q_proj"


@pytest.fixture
def adapted(tiny_recipe):
    recipe = tiny_recipe(lora_targets=TARGETS)
    return add_adapter(load_base(recipe), recipe)


def weights_of(model, *parts):
    trained = ((name, w) for name, w in model.named_parameters() if w.requires_grad)
    return [w for name, w in trained if all(part in name for part in parts)]


def backward(model):
    model.zero_grad()
    model(TOKENS, labels=TOKENS).loss.backward()


def move(model):
    torch.optim.SGD([w for w in model.parameters() if w.requires_grad], lr=0.1).step()


def test_b_has_a_gradient_at_once_and_a_when_b_has_moved(adapted):
    watch = GradientWatch(adapted)
    backward(adapted)
    silent = watch.look()
    assert sum(".lora_A." in name for name in silent) == 26
    assert all(".lora_A." in name or ".experts." in name for name in silent)
    assert all(".lora_A." in name or ".experts." in name for name in watch.look())  # rate of zero
    move(adapted)
    backward(adapted)
    assert all(".experts." in name for name in watch.look())


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (None, "has no gradient"),
        (0.0, "has a gradient of zero"),
        (torch.nan, "is not finite"),
        (torch.inf, "is not finite"),
    ],
)
def test_a_defect_in_a_first_step_is_refused(adapted, value, message):
    backward(adapted)
    (weight,) = weights_of(adapted, Q, "lora_B")
    weight.grad = None if value is None else torch.full_like(weight, value)
    with pytest.raises(ModelError, match=rf"{Q}.lora_B.* {message}"):
        GradientWatch(adapted).look()


def test_an_expert_may_wait_for_tokens_but_no_part_of_a_used_one(adapted):
    backward(adapted)
    expert = "layers.1.mlp.experts.2."
    for weight in weights_of(adapted, expert):
        weight.grad.zero_()
    assert any(expert in name for name in GradientWatch(adapted).look())
    used = next(
        f"layers.1.mlp.experts.{i}."
        for i in range(4)
        if any(w.grad.any() for w in weights_of(adapted, f"layers.1.mlp.experts.{i}."))
    )
    weights_of(adapted, used, "up_proj.lora_B")[0].grad.zero_()
    with pytest.raises(ModelError, match=rf"{used}up_proj.lora_B.* of zero"):
        GradientWatch(adapted).look()


def test_a_layer_of_experts_without_any_gradient_is_refused(adapted):
    backward(adapted)
    for weight in weights_of(adapted, "layers.1.mlp.experts."):
        weight.grad.zero_()
    with pytest.raises(ModelError, match=r"layers.1.mlp.experts.*of zero"):
        GradientWatch(adapted).look()


def test_a_b_that_never_moves_is_refused_in_the_end(adapted):
    watch = GradientWatch(adapted, looks=2)
    backward(adapted)
    watch.look()
    with pytest.raises(ModelError, match=r"q_proj.lora_A.*of zero"):
        watch.look()
    assert watch.done


@pytest.fixture
def trainer(tiny_recipe, tmp_path):
    """Make the real trainer on four short parts; `max_steps` says how far it is to go."""

    def make(**changes):
        defaults = {"gradient_checkpointing": False, "max_length": 64, "log_steps": 1}
        defaults |= {"accumulation": 1, "save_steps": 2, "max_steps": 6, "lora_targets": TARGETS}
        recipe = tiny_recipe(**(defaults | changes))
        ids = [[1, *range(start, start + 19)] for start in (10, 50, 90, 130)]
        parts = Dataset.from_list(
            [{"id": str(i), "part": 0, "input_ids": x, "labels": x} for i, x in enumerate(ids)]
        )
        args = sft_config(recipe, tmp_path / "checkpoints", cuda=False)
        spare_compilation(args)
        return AdapterTrainer(
            model=add_adapter(load_base(recipe), recipe),
            args=args,
            rows=training_rows(parts, 64, 1, packing=False),
            validation=None,
            parts=parts,
            tokenizer=load_tokenizer(recipe),
            flow=Flow(None),
            keep_checkpoints=9,
        )

    return make


def cut_off(trainer, *parts):
    for weight in weights_of(trainer.model, *parts):
        weight.register_hook(torch.zeros_like)


@pytest.mark.parametrize(
    ("warmup", "parts", "step"),
    [
        (0, ["lora_A"], 1),
        (0.5, [Q, "lora_A"], 2),
        (0, ["up_proj.lora_A"], 1),
        (0, [Q, "lora_B"], 0),
    ],
)
def test_the_trainer_stops_where_a_tensor_never_trains(trainer, warmup, parts, step):
    made = trainer(warmup=warmup)
    cut_off(made, *parts)
    with pytest.raises(ModelError, match=rf"{parts[-1]}.*gradient of zero; it is cut off"):
        made.train()
    assert made.state.global_step == step


def test_a_resumed_run_is_looked_at_too(trainer, tmp_path):
    trainer(max_steps=2).train()
    newest = str(tmp_path / "checkpoints" / "checkpoint-2")
    resumed = trainer()
    resumed.train(resume_from_checkpoint=newest)
    assert resumed.state.global_step == 6
    broken = trainer(max_steps=8)
    cut_off(broken, "lora_A")  # B is not zero: at once
    with pytest.raises(ModelError, match=r"lora_A.*of zero"):
        broken.train(resume_from_checkpoint=newest)
    assert broken.state.global_step == 2


def test_experts_without_tokens_are_named_and_training_goes_on(trainer, capsys):
    made = trainer(max_steps=3)
    cut_off(made, "layers.0.mlp.experts.3.")
    made.train()
    told = capsys.readouterr().err
    assert "step 3: no gradient has reached" in told
    assert "layers.0.mlp.experts.3." in told
