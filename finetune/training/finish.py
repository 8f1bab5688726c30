"""From the last or best checkpoint to the adapter directory that finetune.adapter describes."""

import shutil
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase, TrainerState

from finetune.adapter.card import write_card
from finetune.adapter.record import RECORD, Loss, TrainingRecord
from finetune.training import checkpoints
from finetune.training.identity import WEIGHTS, checkpoints_folder
from schemas.errors import TrainingError

_LIBRARIES = (
    "aurora-zh",
    "torch",
    "transformers",
    "trl",
    "peft",
    "bitsandbytes",
    "accelerate",
    "datasets",
    "torchao",
)


def write_adapter(output: Path, record: TrainingRecord, tokenizer: PreTrainedTokenizerBase) -> None:
    """Copy the chosen checkpoint's weights into `output` and describe them; the record is last."""
    step = record.best_step or record.steps
    chosen = checkpoints.checkpoint(checkpoints_folder(output), step)
    if problem := checkpoints.damage(chosen):
        raise TrainingError(
            f"{chosen}: {problem}, and its weights are the adapter; put the file back and repeat "
            "the command, or begin anew with --fresh"
        )
    for name in WEIGHTS:
        shutil.copyfile(chosen / name, output / name)
        checkpoints.sync(output / name)
    tokenizer.save_pretrained(str(output))
    write_card(output, record)
    checkpoints.write_synced(output / RECORD, record.model_dump_json(indent=1))


def losses(log: list[dict[str, Any]]) -> list[Loss]:
    """The log of the Trainer as the record keeps it: one entry per step."""
    steps: dict[int, dict[str, Any]] = {}
    for entry in log:
        if "loss" in entry or "eval_loss" in entry:
            steps.setdefault(entry["step"], {}).update(entry)
    return [
        Loss(
            step=entry["step"],
            epoch=entry["epoch"],
            train=entry.get("loss"),
            validation=entry.get("eval_loss"),
            learning_rate=entry.get("learning_rate"),
            grad_norm=entry.get("grad_norm"),
        )
        for entry in steps.values()
    ]


def totals(log: list[dict[str, Any]]) -> tuple[float, int]:
    """Seconds spent in training steps and tokens seen, over all processes and resumes."""
    seconds = max((entry.get("seconds", 0.0) for entry in log), default=0.0)
    tokens = max((entry.get("num_tokens", 0) for entry in log), default=0)
    return seconds, int(tokens)


def peak_memory(log: list[dict[str, Any]]) -> int | None:
    """Most bytes on the GPU of any process, before a resume too; None on a CPU."""
    return max((entry["peak_memory"] for entry in log if "peak_memory" in entry), default=None)


def outcome(state: TrainerState, early_stop: int | None) -> str:
    """Why training ended; "finished" where it came to its last step."""
    if state.global_step >= state.max_steps:
        return "finished"
    return f"no better validation loss in {early_stop} validations"


def versions() -> dict[str, str]:
    """Of this package and of the libraries that shape the result, where they tell it."""
    found = {}
    for name in _LIBRARIES:
        with suppress(PackageNotFoundError):  # a checkout that is not installed has none
            found[name] = version(name)
    return found
