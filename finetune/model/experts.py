"""Experts as linear layers of their own.

transformers 5 keeps all experts of a layer in two fused parameters, which bitsandbytes does not
quantise and LoRA with dropout cannot adapt. Here a layer's experts become a list of modules of
three linear layers, so that everything made for linear layers applies to them.
"""

from collections.abc import Iterator
from typing import Any

import torch
from torch import nn
from transformers.integrations import moe

from finetune.base import FUSED
from schemas.errors import ModelError

PROJECTIONS = ("gate_proj", "up_proj", "down_proj")


class Expert(nn.Module):  # type: ignore[misc]  # torch is not read by mypy
    """One gated feed-forward network: down(act(gate(x)) * up(x))."""

    def __init__(
        self, hidden: int, intermediate: int, act_fn: nn.Module, dtype: torch.dtype
    ) -> None:
        super().__init__()
        self.gate_proj = nn.Linear(hidden, intermediate, bias=False, dtype=dtype)
        self.up_proj = nn.Linear(hidden, intermediate, bias=False, dtype=dtype)
        self.down_proj = nn.Linear(intermediate, hidden, bias=False, dtype=dtype)
        self.act_fn = act_fn

    def forward(self, hidden: torch.Tensor) -> torch.Tensor:
        """(tokens, hidden) → (tokens, hidden)."""
        output: torch.Tensor = self.down_proj(
            self.act_fn(self.gate_proj(hidden)) * self.up_proj(hidden)
        )
        return output


class ExpertList(nn.ModuleList):  # type: ignore[misc]
    """The experts of one layer; called like the fused class that it stands for."""

    def forward(
        self, hidden_states: torch.Tensor, top_k_index: torch.Tensor, top_k_weights: torch.Tensor
    ) -> torch.Tensor:
        """Send each token through its experts and add their weighted outputs.

        `hidden_states` (tokens, hidden), `top_k_index` and `top_k_weights` (tokens, k) → (tokens,
        hidden). Tokens are sorted by expert, so that the device is waited for once, and the sum
        runs in a fixed order: the same input gives the same bits, on a GPU too.
        """
        chosen = top_k_index.reshape(-1)
        order = chosen.argsort(stable=True)
        counts = torch.bincount(chosen, minlength=len(self)).tolist()
        tokens = hidden_states[order // top_k_index.shape[-1]].split(counts)
        weights = top_k_weights.reshape(-1, 1)[order].split(counts)
        outputs = [
            (expert(token) * weight).to(hidden_states.dtype)
            for expert, token, weight in zip(self, tokens, weights, strict=True)
            if _is_needed(token)
        ]
        sorted_back = torch.cat(outputs)[order.argsort()]
        return sorted_back.unflatten(0, top_k_index.shape).sum(dim=1)


def _is_needed(tokens: torch.Tensor) -> bool:
    # In training an expert without tokens runs on none of them: that dequantises nothing, and its
    # adapter gets a gradient of zero instead of none, which distributed training waits for.
    return len(tokens) > 0 or torch.is_grad_enabled()


def split_experts(model: nn.Module) -> int:
    """Replace each fused layer of experts, on the meta device, by an empty ExpertList.

    Gives the number of layers. Raises ModelError for experts in a shape that is not understood.
    """
    fused = list(fused_experts(model))
    for name, module in fused:
        _check(name, module)
        model.set_submodule(name, _split(module))
    refuse_fused(model)
    return len(fused)


def fused_experts(model: nn.Module) -> Iterator[tuple[str, Any]]:
    """Modules that keep several experts in one parameter, as transformers 5 names them."""
    for name, module in model.named_modules():
        if all(isinstance(getattr(module, p, None), nn.Parameter) for p in FUSED):
            yield name, module


def is_fused_key(key: str) -> bool:
    """Whether a key of a checkpoint names all experts of a layer at once."""
    return key.endswith(tuple(f".experts.{name}" for name in FUSED))


def refuse_fused(model: nn.Module) -> None:
    """Raise ModelError where floating weights of three or more dimensions are left."""
    for name, module in model.named_modules():
        for _, weight in module.named_parameters(recurse=False):
            if weight.ndim >= 3 and weight.is_floating_point() and not _is_convolution(module):
                raise _refusal(name, module)


def _is_convolution(module: nn.Module) -> bool:
    return isinstance(module, nn.Conv1d | nn.Conv2d | nn.Conv3d)  # of hybrid attention: small


def _check(name: str, module: Any) -> None:
    """Refuse every layout but (experts, 2 x intermediate, hidden), gate before up, without bias.

    transformers' grouped kernels go by the same marks, so that they describe a class fully.
    """
    marks = {
        "has_gate": True,
        "has_bias": False,
        "is_transposed": False,
        "is_concatenated": True,
        "has_post_expert_norm": False,
    }
    plain = all(getattr(module, mark, None) is value for mark, value in marks.items())
    names = {child for child, _ in module.named_parameters()}
    fits = names == set(FUSED) and _fits(module.gate_up_proj.shape, module.down_proj.shape)
    if not (plain and fits and _has_usual_gate(module)):
        raise _refusal(name, module)


def _fits(gate_up: torch.Size, down: torch.Size) -> bool:
    return len(gate_up) == 3 and down == (gate_up[0], gate_up[2], gate_up[1] // 2)


def _has_usual_gate(module: Any) -> bool:
    """Classes that clamp or scale between the projections bring a gate function for it."""
    return hasattr(module, "act_fn") and type(module)._apply_gate is moe._default_apply_gate


def _refusal(name: str, module: nn.Module) -> ModelError:
    return ModelError(
        f"{type(module).__name__} ({name}) stores its experts in a way that this version cannot "
        "quantise; use a model with experts like Mixtral's or Qwen's, or a dense one"
    )


def _split(module: Any) -> ExpertList:
    experts, double, hidden = module.gate_up_proj.shape
    dtype = module.gate_up_proj.dtype
    with torch.device("meta"):
        return ExpertList(Expert(hidden, double // 2, module.act_fn, dtype) for _ in range(experts))
