"""A line for every logged step, a bar on a terminal, and a stop that loses nothing."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any

import torch
from accelerate.utils import reduce
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from transformers import TrainerCallback, TrainerState

from finetune.console import err


class Lines(TrainerCallback):  # type: ignore[misc]  # transformers is not read by mypy
    """What a person sees while it trains; on the first process only."""

    def __init__(self) -> None:
        self._bar = Progress(
            TextColumn("step"),
            MofNCompleteColumn(),
            BarColumn(),
            TimeRemainingColumn(),
            console=err,
            disable=not err.is_terminal,
        )
        self._task = self._bar.add_task("training")

    def on_train_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Show the bar, from where the run goes on."""
        if state.is_world_process_zero:
            self._bar.update(self._task, total=state.max_steps, completed=state.global_step)
            self._bar.start()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Move the bar."""
        self._bar.update(self._task, completed=state.global_step)

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any], **_: Any) -> None:
        """Print a line."""
        if state.is_world_process_zero and (line := describe(logs)):
            err.print(f"step {state.global_step}/{state.max_steps}  {line}", soft_wrap=True)

    def stop(self) -> None:
        """Put the bar away and show the cursor again."""
        self._bar.stop()


def describe(logs: dict[str, Any]) -> str:
    """One log entry as a line; empty for entries that are of no use to a person."""
    if "eval_loss" in logs:
        return f"validation {logs['eval_loss']:.4f}"
    if "loss" not in logs:
        return ""
    return (
        f"loss {logs['loss']:.4f}  gradient {logs['grad_norm']:.3g}  "
        f"rate {logs['learning_rate']:.3g}  epoch {logs['epoch']:.2f}"
    )


class Flow(TrainerCallback):  # type: ignore[misc]
    """When to log, save and stop, beyond the Trainer's own intervals."""

    def __init__(self, early_stop: int | None) -> None:
        self.early_stop = early_stop
        self.signalled: int | None = None  # the signal that asked for a stop
        self.seconds = 0.0  # spent in steps, those before a resume included
        self._began = 0.0

    def on_step_begin(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Start the clock of a step."""
        self._began = time.monotonic()

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Stop the clock; save and stop where a signal came, and log before a checkpoint."""
        self.seconds += time.monotonic() - self._began
        if _anywhere(self.signalled is not None, args):
            self.signalled = self.signalled or signal.SIGTERM
            control.should_save = control.should_training_stop = True
        # The mean since the last entry is not in a checkpoint: log it before, or a run that goes
        # on from there would log another one. A validation may bring a checkpoint of the best.
        control.should_log |= control.should_save or control.should_evaluate

    def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:
        """Stop where validation has not become better for long."""
        if stopped_early(state.log_history, self.early_stop):
            control.should_training_stop = True

    @contextmanager
    def listening(self) -> Iterator[None]:
        """Turn a first SIGTERM or Ctrl-C into a checkpoint and a stop; a second one is at once."""
        numbers = (signal.SIGTERM, signal.SIGINT)
        before = {number: signal.signal(number, self._hear) for number in numbers}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.signalled = number
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, signal.default_int_handler)


def _anywhere(flag: bool, args: Any) -> bool:
    """Whether `flag` is set in any process: they must stop after the same step."""
    if args.world_size == 1:
        return flag
    return bool(reduce(torch.tensor(float(flag), device=args.device)).item())


def stopped_early(log: list[dict[str, Any]], patience: int | None) -> bool:
    """Whether the last `patience` validations were no better than the best before them."""
    losses = [entry["eval_loss"] for entry in log if "eval_loss" in entry]
    if patience is None or len(losses) <= patience:
        return False
    return bool(min(losses[-patience:]) >= min(losses[:-patience]))


def is_over(state: TrainerState, patience: int | None) -> bool:
    """Whether nothing is left to train after this state."""
    at_end = bool(state.global_step >= state.max_steps)
    return at_end or stopped_early(state.log_history, patience)
