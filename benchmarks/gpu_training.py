"""Some steps of the real trainer on made-up rows: memory, speed, and what the kernels do."""

import time
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft.tuners.tuners_utils import BaseTunerLayer
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
    "dequantise": ("dequantize",),
    "fused 4-bit": ("gemm_4bit",),  # a few tokens: multiplies without writing the weights out
    "attention": ("flash", "fmha", "attention", "sdp", "softmax"),
    "matmul": ("gemm", "nvjet", "cutlass", "cublas", "::mm", "::addmm", "::bmm", "::linear"),
    "optimiser": ("adam", "multi_tensor", "foreach", "optimizer"),
    "gather and scatter": ("index", "gather", "scatter", "sort", "cat"),
    "copies": ("copy", "memcpy", "memset", "_to_copy"),
}


class Clock(TrainerCallback):  # type: ignore[misc]
    """Times the steps after the first, which warms up, and profiles the last.

    The last comes after `timed` steps, or sooner where `limit` (of time.monotonic) has passed.
    """

    def __init__(self, meter: Meter, timed: int, limit: float) -> None:
        self.meter, self.timed, self.limit = meter, timed, limit
        self.seconds: list[float] = []
        activity = ProfilerActivity.CUDA if meter.cuda else ProfilerActivity.CPU
        self.profiler = profile(activities=[activity])
        self.profiling = False
        self._began = 0.0

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.meter.sync()
        late = state.global_step > 1 and time.monotonic() > self.limit
        if late or state.global_step == 1 + self.timed:
            self.profiler.start()
            self.profiling = True
        self._began = time.perf_counter()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        self.meter.sync()
        control.should_training_stop = self.profiling
        if state.global_step > 1 and not self.profiling:
            self.seconds.append(time.perf_counter() - self._began)
        self.stop()

    def stop(self) -> None:
        """End the profile, if one is being taken; after an error too."""
        if self.profiling:
            self.profiling = False
            self.profiler.stop()


def measure(
    model: Any,
    tokenizer: Any,
    recipe: TrainingRecipe,
    folder: Path,
    meter: Meter,
    *,
    timed: int,
    limit: float,
) -> dict[str, Any]:
    """One step to warm up, `timed` steps (fewer after `limit`), one profiled step.

    The model comes back without an adapter, whatever happened.
    """
    steps = 1 + timed + 1
    recipe = recipe.model_copy(update={"max_steps": steps, "log_steps": 1, "eval_steps": None})
    clock = Clock(meter, timed, limit)
    try:
        adapted = add_adapter(model, recipe)
        guard = inspect_model(adapted, recipe)
        trainer = _trainer(adapted, tokenizer, recipe, folder, meter, steps)
        trainer.add_callback(clock)
        trainer.train()
        peaks = meter.peaks()
    finally:
        clock.stop()
        restore(model)
    seconds = sum(clock.seconds) / len(clock.seconds)
    tokens = recipe.batch_size * recipe.accumulation * recipe.max_length
    return {
        **peaks,
        "seconds_per_step": seconds,
        "tokens_per_second": tokens / seconds,
        "timed_steps": len(clock.seconds),
        "losses": [entry["loss"] for entry in trainer.state.log_history if "loss" in entry],
        "guard": guard.model_dump(),
        **kernels(clock.profiler, cuda=meter.cuda),
    }


def restore(model: Any) -> None:
    """The base model as it was before `add_adapter`, however far the training came."""
    for name, module in list(model.named_modules()):
        if isinstance(module, BaseTunerLayer):
            model.set_submodule(name, module.get_base_layer())
    if hasattr(model, "peft_config"):
        del model.peft_config
    model.activation_checkpointing_disable()
    model.disable_input_require_grads()
    model.requires_grad_(requires_grad=False)
    model.eval()


def _trainer(
    adapted: Any,
    tokenizer: Any,
    recipe: TrainingRecipe,
    folder: Path,
    meter: Meter,
    steps: int,
) -> AdapterTrainer:
    args = sft_config(recipe, folder, cuda=meter.cuda)
    args.save_strategy = "no"
    rows = made_up(recipe, steps, adapted.config.vocab_size)
    return AdapterTrainer(
        model=adapted,
        args=args,
        rows=rows,
        validation=None,
        parts=rows.add_column("id", list(map(str, range(len(rows))))),
        tokenizer=tokenizer,
        flow=Flow(None),
        keep_checkpoints=1,
    )


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
