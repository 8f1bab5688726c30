"""Attach a LoRA adapter to exactly the modules that the recipe names.

The modules keep their names in the loaded model, experts included:
`model.layers.0.self_attn.q_proj`, `model.layers.0.mlp.experts.3.gate_proj`. An adapter on attention
is thus an ordinary one to PEFT and vLLM. One on experts is not: stock PEFT expects fused experts,
and names Mixtral's w1, w2, w3. Load it with `load_adapter`, or merge it to serve it elsewhere.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from peft import LoraConfig, PeftModelForCausalLM, TaskType
from torch import nn

from finetune.model.quantizer import ROUTERS, is_router
from finetune.recipe import TrainingRecipe
from schemas.document import nearest
from schemas.errors import ModelError


class AdaptedModel(PeftModelForCausalLM):  # type: ignore[misc]  # peft is untyped here
    """PEFT's model, which takes the names in an adapter as they are.

    By model type, PEFT rewrites the names of experts (`gate_proj` of Qwen, `w1` of Mixtral) to
    those of fused parameters, which a model with split experts does not have: the adapter would
    be lost without an error. It asks the config for the type, so that is hidden meanwhile.
    """

    def __init__(self, model: Any, config: LoraConfig, **kwargs: Any) -> None:
        with _without_type(model.config):
            super().__init__(model, config, **kwargs)

    def load_adapter(self, *args: Any, **kwargs: Any) -> Any:
        """As in PEFT; the trainer resumes through this."""
        with _without_type(self.get_base_model().config):
            return super().load_adapter(*args, **kwargs)


@contextmanager
def _without_type(config: Any) -> Iterator[None]:
    """Hide a config's class attribute `model_type` behind one of the instance."""
    config.model_type = "split-experts"
    try:
        yield
    finally:
        del config.model_type


def add_adapter(model: Any, recipe: TrainingRecipe) -> AdaptedModel:
    """Attach a new adapter in fp32; its weights depend on the recipe's seed alone.

    Raises ModelError for a target that does not exist, misses a layer or an expert, or is a router.
    """
    matched = match_targets(model, recipe.lora_targets)
    config = LoraConfig(
        task_type=TaskType.CAUSAL_LM,
        r=recipe.lora_rank,
        lora_alpha=recipe.lora_alpha,
        lora_dropout=recipe.lora_dropout,
        target_modules=list(matched),
        bias="none",
        base_model_name_or_path=recipe.model,
        revision=getattr(model.config, "_commit_hash", None),  # PEFT then loads the same weights
    )
    with torch.random.fork_rng():
        torch.manual_seed(recipe.seed)
        adapted = AdaptedModel(model, config, autocast_adapter_dtype=True)
    to_fp32(adapted)
    return adapted


def to_fp32(model: nn.Module) -> None:
    """Cast what is trained to fp32; in bf16 the steps of a small learning rate round to nothing."""
    for weight in model.parameters():
        if weight.requires_grad:
            weight.data = weight.data.float()


def match_targets(model: Any, targets: list[str]) -> dict[str, list[str]]:
    """Target → names of the linear modules of the decoder layers with that last name.

    Raises ModelError unless each target matches in every layer, and there in every expert or none.
    """
    linear = [name for name, module in model.named_modules() if _is_target(name, module)]
    known = {name.rpartition(".")[2] for name in linear}
    if not known:
        raise ModelError(
            f"{type(model).__name__}: this architecture is not supported; it has no layers of "
            "linear modules, such as model.layers.0.self_attn.q_proj"
        )
    matched = {}
    for target in targets:
        if target in ROUTERS:
            raise ModelError(
                f"lora_targets: {target} is the router, which this version leaves alone; remove it"
            )
        if target not in known:
            raise ModelError(f"lora_targets: no module is named {target}; {nearest(target, known)}")
        matched[target] = [name for name in linear if name.rpartition(".")[2] == target]
        _check_layers(model, target, matched[target])
    return matched


_LAYER = re.compile(r"(?:^|\.)layers\.(\d+)\.")
_EXPERT = re.compile(r"(.*\.experts)\.(\d+)\.")


def _is_target(name: str, module: nn.Module) -> bool:
    in_layer = _LAYER.search(name) is not None
    return isinstance(module, nn.Linear) and in_layer and not is_router(name)


def _check_layers(model: Any, target: str, names: list[str]) -> None:
    layers = {int(found[1]) for name in names if (found := _LAYER.search(name))}
    missing = sorted(set(range(model.config.get_text_config().num_hidden_layers)) - layers)
    if missing:
        raise ModelError(
            f"lora_targets: {target} is missing in {len(missing)} layers, first {missing[0]}; "
            "name a module that every layer has"
        )
    experts: dict[str, int] = {}
    for name in names:
        if found := _EXPERT.match(name):
            experts[found[1]] = experts.get(found[1], 0) + 1
    for name, count in experts.items():
        if count != len(model.get_submodule(name)):
            raise ModelError(
                f"lora_targets: {target} is in {count} of the experts of {name}; "
                "an adapter needs it in all of them"
            )
