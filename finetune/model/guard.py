"""The checks between a loaded model and the first step.

Each failure is one sentence with its remedy: a run that would train nothing, or hold in bf16 what
was to be in 4 bits, must not begin.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import torch
from bitsandbytes.nn import Linear4bit
from torch import nn

from finetune.adapter.record import Guard
from finetune.model.experts import refuse_fused
from finetune.model.quantizer import is_router
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


def _bytes_per_parameter(modules: Iterable[Any]) -> float | None:
    """Bytes of the weights and what dequantises them, over the number of weights."""
    size = count = 0
    for module in modules:
        size += weight_bytes(module)
        count += module.in_features * module.out_features
    return size / count if count else None


def weight_bytes(module: Any) -> int:
    """Bytes of a linear layer's weight, with its scales where it is in 4 bits."""
    weight = module.weight
    size = int(weight.nbytes)
    state = getattr(weight, "quant_state", None)
    if state is None:
        return size
    # Not counted are the code books, 1.1 KB for a matrix of any size.
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
        if id(module) in kept or ".lora_" in name or is_router(name):
            continue
        for kind, weight in module.named_parameters(recurse=False):
            matrix = isinstance(module, nn.Linear) and kind == "weight"
            if weight.is_floating_point() and (matrix or weight.numel() >= LARGE):
                raise ModelError(
                    f"{name}.{kind} is not quantised ({_type(weight)}, {weight.numel():,} "
                    "weights); load the model with finetune.model.load_base"
                )


def _type(weight: torch.Tensor) -> str:
    return str(weight.dtype).removeprefix("torch.")


def _check_routers(model: Any) -> None:
    for name, module in model.named_modules():
        if is_router(name) and isinstance(module, Linear4bit):
            raise ModelError(
                f"the router {name} is quantised, which sends tokens to other experts; "
                "load the model with finetune.model.load_base"
            )


def _check_adapter(model: Any, recipe: TrainingRecipe) -> dict[str, int]:
    """Adapters per target, each where it was asked for."""
    adapted = [name for name, module in model.named_modules() if len(getattr(module, "lora_A", ()))]
    found = Counter(name.rpartition(".")[2] for name in adapted)
    if not found:
        raise ModelError(
            "the model has no adapter; name modules that it has in lora_targets, "
            "and attach it with finetune.model.add_adapter"
        )
    wanted = _wanted(model.get_base_model(), recipe.lora_targets)
    for name in adapted:
        target = name.rpartition(".")[2]
        if target not in recipe.lora_targets or is_router(name):
            raise ModelError(
                f"{name} has an adapter that lora_targets does not ask for; "
                "attach the adapter with finetune.model.add_adapter"
            )
    for target in recipe.lora_targets:
        if not found[target] or found[target] != wanted[target]:
            raise ModelError(
                f"lora_targets: {target} has {found[target]} adapters, the model has "
                f"{wanted[target]} such modules; name modules that it has, "
                "and attach the adapter with finetune.model.add_adapter"
            )
    return dict(found)


def _wanted(base: Any, targets: list[str]) -> Counter[str]:
    """How many linear modules have the last name of each target."""
    names: Counter[str] = Counter()
    for name, module in base.named_modules():
        linear = isinstance(getattr(module, "base_layer", module), nn.Linear)
        last = name.rpartition(".")[2]
        if linear and last in targets and not is_router(name):
            names[last] += 1
    return names


def _check_trainable(model: Any) -> None:
    for name, weight in model.named_parameters():
        lora = ".lora_" in name
        if lora and weight.dtype != torch.float32:
            raise ModelError(
                f"{name} is {_type(weight)}, in which small steps round to nothing; "
                "cast what is trained to fp32 after building the trainer"
            )
        if lora != weight.requires_grad:
            state = "is frozen" if lora else "would be trained"
            raise ModelError(f"{name} {state}; train the adapter and nothing else")
