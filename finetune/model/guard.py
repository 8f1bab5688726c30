"""The checks between a loaded model and the first step.

Each failure is one sentence with its remedy: a run that would train nothing, or hold in bf16 what
was to be in 4 bits, must not begin.
"""

import math
from collections import Counter
from collections.abc import Iterator
from typing import Any

from bitsandbytes.nn import Linear4bit
from torch import nn

from finetune.adapter.record import Guard
from finetune.model.experts import refuse_fused
from finetune.model.quantizer import ROUTERS
from finetune.recipe import TrainingRecipe
from schemas.errors import ModelError

# nf4 with plain scales takes 0.5 + 4/64 = 0.5625 bytes per weight; bf16 takes 2.
EXPERT_BYTES = 0.6
# Below this a floating weight is a norm, a bias or a router. Embeddings and lm_head are known.
LARGE = 2**20


def check_base(model: Any, *, quantized: bool) -> None:
    """Check a loaded base model. Raises ModelError where weights are not in 4 bits as asked."""
    refuse_fused(model)
    if quantized:
        _check_experts(model)
        _check_large(model)
        _check_routers(model)


def inspect_model(model: Any, recipe: TrainingRecipe) -> Guard:
    """Check base and adapter together and give what was measured. Raises ModelError."""
    base = model.get_base_model()
    check_base(base, quantized=recipe.quantization != "none")
    matched = _check_adapter(model, recipe)
    _check_trainable(model)
    quantized = [m for m in base.modules() if isinstance(m, Linear4bit)]
    return Guard(
        expert_bytes_per_parameter=_bytes_per_parameter(m for _, m in _expert_layers(base)),
        bytes_per_parameter=_bytes_per_parameter(quantized or _linear(base)) or 0.0,
        matched=matched,
        trainable=sum(w.numel() for w in model.parameters() if w.requires_grad),
    )


def _linear(model: Any) -> Iterator[nn.Module]:
    return (m for n, m in model.named_modules() if type(m) is nn.Linear and ".lora_" not in n)


def _expert_layers(model: Any) -> Iterator[tuple[str, Any]]:
    for name, module in model.named_modules():
        if ".experts." in name and isinstance(module, nn.Linear) and ".lora_" not in name:
            yield name, module


def _bytes_per_parameter(modules: Any) -> float | None:
    """Bytes of the weights and what dequantises them, over the number of weights."""
    size = count = 0
    for module in modules:
        size += weight_bytes(module)
        count += module.in_features * module.out_features
    return size / count if count else None


def weight_bytes(module: Any) -> int:
    """Bytes of a linear layer's weight, with scales and code book where it is in 4 bits."""
    weight = module.weight
    size = int(weight.nbytes)
    state = getattr(weight, "quant_state", None)
    if state is None:
        return size
    # The code book is one tensor for all layers, but each layer keeps a reference: not counted.
    scales = [state.absmax]
    if state.nested:
        scales += [state.offset, state.state2.absmax]
    return size + sum(int(scale.nbytes) for scale in scales)


def _check_experts(model: Any) -> None:
    found = _bytes_per_parameter(m for _, m in _expert_layers(model))
    if found is not None and found >= EXPERT_BYTES:
        raise ModelError(
            f"the experts take {found:.2f} bytes per weight, 4 bits take less than {EXPERT_BYTES}; "
            "load the model with finetune.model.load_base"
        )


def _check_large(model: Any) -> None:
    kept = {id(m) for m in (model.get_input_embeddings(), model.get_output_embeddings())}
    for name, module in model.named_modules():
        if id(module) in kept or ".lora_" in name or name.rpartition(".")[2] in ROUTERS:
            continue
        for weight in module.parameters(recurse=False):
            linear = isinstance(module, nn.Linear)
            if weight.is_floating_point() and (linear or weight.numel() >= LARGE):
                raise ModelError(
                    f"{name} is not quantised ({str(weight.dtype).removeprefix('torch.')}, "
                    f"{weight.numel():,} weights); load the model with finetune.model.load_base"
                )


def _check_routers(model: Any) -> None:
    for name, module in model.named_modules():
        if name.rpartition(".")[2] in ROUTERS and isinstance(module, Linear4bit):
            raise ModelError(
                f"the router {name} is quantised, which sends tokens to other experts; "
                "load the model with finetune.model.load_base"
            )


def _check_adapter(model: Any, recipe: TrainingRecipe) -> dict[str, int]:
    """Adapters per target, each where it was asked for."""
    adapted = [name for name, module in model.named_modules() if hasattr(module, "lora_A")]
    found = Counter(name.rpartition(".")[2] for name in adapted)
    if not found:
        raise ModelError(
            "the model has no adapter; name modules that it has in lora_targets, "
            "and attach it with finetune.model.add_adapter"
        )
    base = model.get_base_model()
    wanted = Counter(
        name.rpartition(".")[2]
        for name, module in base.named_modules()
        if _is_asked_for(name, module, recipe)
    )
    for target in sorted(set(wanted) | set(found) | set(recipe.lora_targets)):
        if target not in recipe.lora_targets:
            raise ModelError(
                f"{target} has {found[target]} adapters and is not in lora_targets; "
                "attach the adapter with finetune.model.add_adapter"
            )
        if found[target] != wanted[target] or not found[target]:
            raise ModelError(
                f"lora_targets: {target} has {found[target]} adapters instead of {wanted[target]}; "
                "attach the adapter with finetune.model.add_adapter"
            )
    return dict(found)


def _is_asked_for(name: str, module: Any, recipe: TrainingRecipe) -> bool:
    linear = isinstance(getattr(module, "base_layer", module), nn.Linear)
    return linear and name.rpartition(".")[2] in recipe.lora_targets


def _check_trainable(model: Any) -> None:
    import torch

    for name, weight in model.named_parameters():
        lora = ".lora_" in name
        if lora and weight.dtype != torch.float32:
            raise ModelError(
                f"{name} is {str(weight.dtype).removeprefix('torch.')}, in which small steps round "
                "to nothing; cast what is trained to fp32 after building the trainer"
            )
        if lora != weight.requires_grad:
            state = "is frozen" if lora else "would be trained"
            raise ModelError(f"{name} {state}; train the adapter and nothing else")


def check_gradients(model: Any) -> None:
    """Check the gradients after a backward pass. Raises ModelError for one that shows a defect."""
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            if weight.grad is None:
                raise ModelError(f"{name} has no gradient; it is cut off from the loss")
            if not math.isfinite(float(weight.grad.norm())):
                raise ModelError(f"{name} has a gradient that is not finite; lower learning_rate")
