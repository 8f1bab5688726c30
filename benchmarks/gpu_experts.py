"""The slowest part alone: one layer of experts, forward and backward, done in several ways.

The step dequantises every expert three times: forward, recomputed forward, backward. What is tried
here says which of these a later version should spare; nothing of it is in finetune/.
"""

from collections.abc import Callable
from typing import Any

import torch
from bitsandbytes.functional import dequantize_4bit
from torch.nn import functional

from benchmarks.gpu_model import Meter
from finetune.model.experts import PROJECTIONS

Dense = dict[str, torch.Tensor]  # projection → (experts, rows, columns)


def measure(model: Any, meter: Meter, tokens: list[int], rounds: int) -> list[dict[str, Any]]:
    """Milliseconds of each way for each number of tokens; `error` where one cannot run."""
    block = model.model.layers[0].mlp
    results = []
    for count in tokens:
        inputs = _inputs(model, block, count)
        for name, work in _ways(block.experts, *inputs).items():
            meter.reset()
            result: dict[str, Any] = {"way": name, "tokens": count}
            try:
                result["ms"] = meter.milliseconds(work, rounds)
                result |= meter.peaks()
            except Exception as error:  # noqa: BLE001  # a way that cannot run here is a finding
                result["error"] = f"{type(error).__name__}: {str(error).splitlines()[0][:200]}"
            results.append(result)
    return results


def routing(model: Any, tokens: torch.Tensor) -> dict[str, Any]:
    """Tokens of a layer's busiest expert over the mean, and experts without any, in all layers."""
    loads: list[torch.Tensor] = []

    def count(gate: Any, _: Any, output: tuple[torch.Tensor, ...]) -> None:
        loads.append(torch.bincount(output[2].flatten(), minlength=len(gate.weight)))

    handles = [layer.mlp.gate.register_forward_hook(count) for layer in model.model.layers]
    try:
        with torch.no_grad():
            model.model(tokens)
    finally:
        for handle in handles:
            handle.remove()
    busiest = [(load.max() * len(load) / load.sum()).item() for load in loads]
    return {
        "busiest_expert_over_mean": sum(busiest) / len(busiest),
        "in_the_worst_layer": max(busiest),
        "idle_experts": sum(int((load == 0).sum()) for load in loads),
        "experts": sum(len(load) for load in loads),
    }


def _inputs(model: Any, block: Any, count: int) -> tuple[torch.Tensor, ...]:
    weight = block.gate.weight
    hidden = torch.randn(count, weight.shape[1], dtype=weight.dtype, device=weight.device)
    with torch.no_grad():
        _, scores, chosen = block.gate(hidden)
    return hidden.requires_grad_(), chosen, scores


def _ways(
    experts: Any, hidden: torch.Tensor, chosen: torch.Tensor, scores: torch.Tensor
) -> dict[str, Callable[[], object]]:
    def run(forward: Callable[..., torch.Tensor], *, twice: bool) -> Callable[[], None]:
        def step() -> None:
            if twice:  # as gradient checkpointing does
                with torch.no_grad():
                    forward(hidden, chosen, scores)
            output = forward(hidden, chosen, scores)
            output.backward(torch.ones_like(output))
            hidden.grad = None

        return step

    def kept_once() -> None:
        dense = dequantise(experts)
        run(lambda *args: looped(dense, *args), twice=True)()

    def grouped_once() -> None:
        dense = dequantise(experts)
        run(lambda *args: grouped(dense, *args), twice=True)()

    return {
        "dequantise all experts of a layer": lambda: dequantise(experts),
        "as trained: ExpertList, bitsandbytes matmul": run(experts, twice=True),
        "without recomputation": run(experts, twice=False),
        "dequantised once for forward, recomputation and backward": kept_once,
        "the same, with torch._grouped_mm": grouped_once,
    }


def dequantise(experts: Any) -> Dense:
    """All matrices of a layer in the compute type, each written to its place."""
    return {
        name: _dequantised([getattr(expert, name).weight for expert in experts])
        for name in PROJECTIONS
    }


def _dequantised(weights: list[Any]) -> torch.Tensor:
    state = weights[0].quant_state
    dense = torch.empty((len(weights), *state.shape), dtype=state.dtype, device=weights[0].device)
    for place, weight in zip(dense, weights, strict=True):
        if dense.is_cuda:
            dequantize_4bit(weight, weight.quant_state, out=place)
        else:  # without a variant that writes to a place
            place.copy_(dequantize_4bit(weight, weight.quant_state))
    return dense


def _sorted(
    hidden: torch.Tensor, chosen: torch.Tensor, experts: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    flat = chosen.reshape(-1)
    order = flat.argsort(stable=True)
    counts = torch.bincount(flat, minlength=experts)
    return hidden[order // chosen.shape[-1]], order, counts


def _gathered(
    outputs: torch.Tensor, order: torch.Tensor, chosen: torch.Tensor, scores: torch.Tensor
) -> torch.Tensor:
    weighted = outputs * scores.reshape(-1, 1)[order].to(outputs.dtype)
    return weighted[order.argsort()].view(*chosen.shape, -1).sum(dim=1)


def looped(
    dense: Dense, hidden: torch.Tensor, chosen: torch.Tensor, scores: torch.Tensor
) -> torch.Tensor:
    """One expert after another on dense weights."""
    tokens, order, counts = _sorted(hidden, chosen, len(dense["gate_proj"]))
    outputs = []
    for index, part in enumerate(tokens.split(counts.tolist())):
        gate = functional.silu(functional.linear(part, dense["gate_proj"][index]))
        inner = gate * functional.linear(part, dense["up_proj"][index])
        outputs.append(functional.linear(inner, dense["down_proj"][index]))
    return _gathered(torch.cat(outputs), order, chosen, scores)


def grouped(
    dense: Dense, hidden: torch.Tensor, chosen: torch.Tensor, scores: torch.Tensor
) -> torch.Tensor:
    """All experts in three grouped products (bf16 on a GPU of compute capability 9 or later)."""
    tokens, order, counts = _sorted(hidden, chosen, len(dense["gate_proj"]))
    ends = counts.cumsum(0).to(torch.int32)

    def product(values: torch.Tensor, name: str) -> torch.Tensor:
        result: torch.Tensor = torch._grouped_mm(values, dense[name].transpose(1, 2), offs=ends)
        return result

    inner = functional.silu(product(tokens, "gate_proj")) * product(tokens, "up_proj")
    return _gathered(product(inner, "down_proj"), order, chosen, scores)
