"""A model of any shape with random weights, made in 4 bits: one matrix at most is ever bf16."""

import gc
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from bitsandbytes.functional import quantize_4bit
from bitsandbytes.nn import Linear4bit, Params4bit
from torch import nn
from transformers import AutoConfig, AutoModelForCausalLM

from finetune.model.experts import split_experts
from finetune.model.quantizer import ROUTERS
from finetune.recipe import TrainingRecipe


def build(config_file: Path, recipe: TrainingRecipe, device: torch.device) -> Any:
    """The model of a config as `load_base` would hold it, on `device`, without a checkpoint."""
    config = AutoConfig.from_pretrained(str(config_file))
    config.use_cache = False
    dtype = getattr(torch, recipe.compute_dtype)
    with torch.device("meta"):
        model = AutoModelForCausalLM.from_config(
            config, dtype=dtype, attn_implementation=recipe.attention
        )
    split_experts(model)
    for name, module in list(model.named_modules()):
        if isinstance(module, nn.Linear) and ".layers." in name and _is_quantised(name):
            model.set_submodule(name, _quantised(module, recipe, dtype, device))
    _fill(model, device)
    model.model.rotary_emb = type(model.model.rotary_emb)(config).to(device)
    # What PEFT and accelerate ask a model that `from_pretrained` quantised.
    model.is_loaded_in_4bit = True
    model.hf_device_map = {"": device}
    return model.requires_grad_(requires_grad=False).eval()


def _is_quantised(name: str) -> bool:
    return name.rpartition(".")[2] not in ROUTERS


def _quantised(
    linear: nn.Linear, recipe: TrainingRecipe, dtype: torch.dtype, device: torch.device
) -> Linear4bit:
    options = {"compress_statistics": recipe.double_quantization, "quant_type": recipe.quantization}
    weight = torch.empty(linear.weight.shape, dtype=torch.bfloat16, device=device).normal_(0, 0.02)
    packed, state = quantize_4bit(weight, **options)
    state.dtype = dtype
    rows, columns = linear.weight.shape
    module = Linear4bit(columns, rows, bias=False, compute_dtype=dtype, device="meta", **options)
    module.weight = Params4bit(
        packed,
        requires_grad=False,
        quant_state=state,
        bnb_quantized=True,
        module=module,
        **options,
    )
    module.quant_state = state
    module.support_avx512bf16_for_cpu = False
    return module


def _fill(model: nn.Module, device: torch.device) -> None:
    """Give what is still on the meta device values: matrices normal, norms one."""
    for module in model.modules():
        for name, weight in list(module.named_parameters(recurse=False)):
            if weight.is_meta:
                made = torch.empty(weight.shape, dtype=weight.dtype, device=device)
                made = made.normal_(0, 0.02) if weight.ndim > 1 else made.fill_(1)
                setattr(module, name, nn.Parameter(made, requires_grad=False))


class Meter:
    """Peak memory and seconds of a piece of work; on a CPU only the seconds."""

    def __init__(self, device: torch.device) -> None:
        self.cuda = device.type == "cuda"

    def reset(self) -> None:
        if self.cuda:
            gc.collect()
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()

    def sync(self) -> None:
        if self.cuda:
            torch.cuda.synchronize()

    def peaks(self) -> dict[str, float | None]:
        """GiB: of tensors, of what PyTorch took, of all that the GPU has in use now."""
        if not self.cuda:
            return {"allocated_gib": None, "reserved_gib": None, "in_use_gib": None}
        free, total = torch.cuda.mem_get_info()
        return {
            "allocated_gib": torch.cuda.max_memory_allocated() / 2**30,
            "reserved_gib": torch.cuda.max_memory_reserved() / 2**30,
            "in_use_gib": (total - free) / 2**30,
        }

    def milliseconds(self, work: Callable[[], object], rounds: int) -> float:
        """Of one call, the mean of `rounds` after one to warm up."""
        work()
        self.sync()
        began = time.perf_counter()
        for _ in range(rounds):
            work()
        self.sync()
        return (time.perf_counter() - began) / rounds * 1000
