"""From the last or best checkpoint to the adapter directory that finetune.adapter describes."""

import shutil
from importlib.metadata import version
from pathlib import Path
from typing import Any

from transformers import PreTrainedTokenizerBase, TrainerState

from finetune.adapter.card import write_card
from finetune.adapter.record import RECORD, Loss, TrainingRecord
from finetune.training import checkpoints
from finetune.training.identity import checkpoints_folder

_WEIGHTS = ("adapter_config.json", "adapter_model.safetensors")
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
    for name in _WEIGHTS:
        shutil.copyfile(chosen / name, output / name)
        checkpoints.sync(output / name)
    tokenizer.save_pretrained(str(output))
    write_card(output, record)
    checkpoints.write_synced(output / RECORD, record.model_dump_json(indent=1))


def losses(log: list[dict[str, Any]]) -> list[Loss]:
    """The log of the Trainer as the record keeps it."""
    return [
        Loss(
            step=entry["step"],
            epoch=entry["epoch"],
            train=entry.get("loss"),
            validation=entry.get("eval_loss"),
            learning_rate=entry.get("learning_rate"),
            grad_norm=entry.get("grad_norm"),
        )
        for entry in log
        if "loss" in entry or "eval_loss" in entry
    ]


def totals(log: list[dict[str, Any]]) -> tuple[float, int]:
    """Seconds spent in training steps and tokens seen, over all processes and resumes."""
    seconds = max((entry.get("seconds", 0.0) for entry in log), default=0.0)
    tokens = max((entry.get("num_tokens", 0) for entry in log), default=0)
    return seconds, int(tokens)


def outcome(state: TrainerState, early_stop: int | None) -> str:
    """Why training ended; "finished" where it came to its last step."""
    if state.global_step >= state.max_steps:
        return "finished"
    return f"no better validation loss in {early_stop} validations"


def versions() -> dict[str, str]:
    """Of this package and of the libraries that shape the result."""
    return {name: version(name) for name in _LIBRARIES}
