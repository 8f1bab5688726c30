"""Some steps of the real trainer on made-up rows: memory, speed, and what the kernels do."""

import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from torch.profiler import ProfilerActivity, profile
from transformers import TrainerCallback

from benchmarks.gpu_model import Meter
from finetune.model import add_adapter, inspect_model
from finetune.recipe import TrainingRecipe
from finetune.training.progress import Flow
from finetune.training.settings import sft_config
from finetune.training.trainer import AdapterTrainer

# Kernel names of bitsandbytes, cuBLAS, PyTorch's attention and optimisers, by what they are for.
KINDS = {
    "dequantise": ("dequantize", "gemm_4bit"),
    "attention": ("flash", "fmha", "attention", "sdp", "softmax"),
    "matmul": ("gemm", "nvjet", "cutlass", "cublas", "::mm", "::addmm", "::bmm", "::linear"),
    "optimiser": ("adam", "multi_tensor", "foreach", "optimizer"),
    "gather and scatter": ("index", "gather", "scatter", "sort", "cat"),
    "copies": ("copy", "memcpy", "memset", "_to_copy"),
}


class Clock(TrainerCallback):  # type: ignore[misc]
    """Times each step and profiles the last."""

    def __init__(self, meter: Meter, steps: int) -> None:
        self.meter, self.steps = meter, steps
        self.seconds: list[float] = []
        activities = [ProfilerActivity.CPU]
        if meter.cuda:
            activities = [ProfilerActivity.CUDA]
        self.profiler = profile(activities=activities)
        self._began = 0.0

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.meter.sync()
        if state.global_step == self.steps - 1:
            self.profiler.start()
        self._began = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.meter.sync()
        self.seconds.append(time.perf_counter() - self._began)
        if state.global_step == self.steps:
            self.profiler.stop()


def measure(
    model: Any,
    tokenizer: Any,
    recipe: TrainingRecipe,
    folder: Path,
    meter: Meter,
    *,
    warm: int,
    timed: int,
) -> dict[str, Any]:
    """`warm` steps, `timed` steps, one profiled step. The model comes back without adapter."""
    meter.reset()
    steps = warm + timed + 1
    recipe = recipe.model_copy(update={"max_steps": steps, "log_steps": 1, "eval_steps": None})
    adapted = add_adapter(model, recipe)
    guard = inspect_model(adapted, recipe)
    trainer, clock = _trainer(adapted, tokenizer, recipe, folder, meter, steps)
    try:
        trainer.train()
        peaks = meter.peaks()
        losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    finally:
        adapted.gradient_checkpointing_disable()
        adapted.unload()
    seconds = sum(clock.seconds[warm : warm + timed]) / timed
    tokens = recipe.batch_size * recipe.accumulation * recipe.max_length
    return {
        **peaks,
        "seconds_per_step": seconds,
        "tokens_per_second": tokens / seconds,
        "losses": losses,
        "guard": guard.model_dump(),
        **kernels(clock.profiler, cuda=meter.cuda),
    }


def _trainer(
    adapted: Any,
    tokenizer: Any,
    recipe: TrainingRecipe,
    folder: Path,
    meter: Meter,
    steps: int,
) -> tuple[AdapterTrainer, Clock]:
    args = sft_config(recipe, folder, cuda=meter.cuda)
    args.save_strategy = "no"
    rows = made_up(recipe, steps, adapted.config.vocab_size)
    trainer = AdapterTrainer(
        model=adapted,
        args=args,
        rows=rows,
        validation=None,
        parts=rows,
        tokenizer=tokenizer,
        flow=Flow(None),
        keep_checkpoints=1,
    )
    clock = Clock(meter, steps)
    trainer.add_callback(clock)
    return trainer, clock


def made_up(recipe: TrainingRecipe, steps: int, words: int) -> Dataset:
    """Full rows of random tokens, all labelled; packed ones of four parts."""
    count = steps * recipe.batch_size * recipe.accumulation
    length = recipe.max_length
    generator = torch.Generator().manual_seed(recipe.seed)
    ids = torch.randint(3, words, (count, length), generator=generator).tolist()
    rows: dict[str, Any] = {"input_ids": ids, "labels": ids}
    if recipe.packing:
        rows["seq_lengths"] = [[length // 4] * 3 + [length - length // 4 * 3]] * count
    return Dataset.from_dict(rows)


def kernels(profiler: Any, *, cuda: bool) -> dict[str, Any]:
    """Share of a step's kernel time by kind, and the fifteen longest kernels (ms)."""
    key = "self_device_time_total" if cuda else "self_cpu_time_total"
    times = {event.key: getattr(event, key) / 1000 for event in profiler.key_averages()}
    times = {name: ms for name, ms in times.items() if ms > 0}
    total = sum(times.values()) or 1.0
    shares: dict[str, float] = {}
    for name, ms in times.items():
        kind = kind_of(name)
        shares[kind] = shares.get(kind, 0.0) + ms / total
    longest = sorted(times.items(), key=lambda pair: -pair[1])[:15]
    return {
        "shares": dict(sorted(shares.items(), key=lambda pair: -pair[1])),
        "kernels": [{"name": name[:120], "ms": ms, "share": ms / total} for name, ms in longest],
        "kernel_ms": total,
    }


def kind_of(name: str) -> str:
    lower = name.lower()
    return next((kind for kind, words in KINDS.items() if any(w in lower for w in words)), "other")
