"""TRL's SFTTrainer, with the places changed where it would lose precision, tokens or work.

- LoRA stays fp32: TRL casts it to bf16, where small updates round to nothing.
- The validation loss is per labelled token; the Trainer's is a mean of batches' means.
- A checkpoint is whole or absent; the best one is saved when it is found and kept.
- A loss or gradient that is not finite stops the run before the optimizer sees it.

It overrides methods that Trainer names with an underscore, hence the narrow pins in pyproject.toml.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import torch
from peft import PeftModel
from transformers import PreTrainedTokenizerBase, TrainerControl
from trl import SFTConfig, SFTTrainer

from finetune.console import err
from finetune.model import GradientWatch
from finetune.model.lora import to_fp32
from finetune.training import checkpoints
from finetune.training.diagnosis import conversations, explain_stop, find_ids
from finetune.training.failures import saving
from finetune.training.finish import totals
from finetune.training.launcher import tell_saved
from finetune.training.progress import Flow, Lines
from schemas.errors import TrainingError

if TYPE_CHECKING:
    from datasets import Dataset


class AdapterTrainer(SFTTrainer):  # type: ignore[misc]  # trl is not read by mypy
    """Trains the adapter of a PEFT model on rendered rows; checkpoints go to `args.output_dir`."""

    control: TrainerControl

    def __init__(
        self,
        *,
        model: PeftModel,
        args: SFTConfig,
        rows: "Dataset",
        validation: "Dataset | None",
        parts: "Dataset",
        tokenizer: PreTrainedTokenizerBase,
        flow: Flow,
        keep_checkpoints: int,
    ) -> None:
        """`rows`: what to train on (see rows.py); `parts`: the same unpacked, with ids, for a
        diagnosis; `validation`: parts of the validation split.
        """
        self._lines = Lines()
        super().__init__(
            model=model,
            args=args,
            train_dataset=rows,
            eval_dataset=validation,
            processing_class=tokenizer,
            callbacks=[flow, self._lines],
        )
        # transformers' own callback prints dictionaries.
        self.callback_handler.callbacks = [
            each
            for each in self.callback_handler.callbacks
            if type(each).__name__ != "PrinterCallback"
        ]
        to_fp32(model)  # before an optimizer sees it
        self._parts, self._flow, self._keep = parts, flow, keep_checkpoints
        self._folder = Path(args.output_dir)
        self._watch = GradientWatch(model)  # of the first steps of each process
        self._step_inputs: list[dict[str, torch.Tensor]] = []

    def _send_telemetry(self) -> None:
        """TRL reports its use to the Hub; we make no call that nobody asked for."""

    def train(self, *args: Any, **kwargs: Any) -> Any:
        """Train; however it ends, the terminal is left as it was."""
        try:
            return super().train(*args, **kwargs)
        finally:
            self._lines.stop()

    # --- a step ---

    def training_step(self, *args: Any, **kwargs: Any) -> torch.Tensor:
        """One forward and backward pass. Raises TrainingError where the loss is not finite."""
        inputs = args[1]
        self._step_inputs.append({key: inputs[key] for key in inputs if key != "labels"})
        loss: torch.Tensor = super().training_step(*args, **kwargs)
        if not torch.isfinite(loss):
            self._stop(f"the loss is {loss.item()}", self._step_inputs[-1:])
        return loss

    def _clip_grad_norm(self, model: torch.nn.Module) -> torch.Tensor:
        """The norm before clipping; the last look before weights change."""
        norm: torch.Tensor = super()._clip_grad_norm(model)
        if not torch.isfinite(torch.as_tensor(norm)):
            self._stop(f"the gradient is {float(norm)}", self._step_inputs)
        self._step_inputs.clear()
        if not self._watch.done:
            silent = self._watch.look()
            last = self._watch.done or self.state.global_step + 1 == self.state.max_steps
            if silent and last and self.args.should_save:
                self._tell_silent(silent)
        return norm

    def _tell_silent(self, silent: list[str]) -> None:
        err.print(
            f"step {self.state.global_step + 1}: no gradient has reached {len(silent)} adapter "
            f"tensors yet, first {silent[0]}: their experts had no tokens, or too few steps",
            soft_wrap=True,
        )

    def _stop(self, what: str, batch: list[dict[str, torch.Tensor]]) -> NoReturn:
        tokens = [ids for inputs in batch for ids in conversations(inputs)]
        raise TrainingError(
            explain_stop(
                what,
                self.state.global_step + 1,
                self._get_learning_rate(),
                find_ids(self._parts, tokens),
                self.state.log_history,
            )
        )

    # --- validation ---

    def evaluate(self, *_: Any, **__: Any) -> dict[str, float]:
        """Loss per labelled token of the whole validation split; each process takes a share."""
        self.model.eval()
        loss, tokens = self._validation_sums()
        metrics = {"eval_loss": loss / tokens, "eval_tokens": tokens}
        if not torch.isfinite(torch.tensor(loss)):
            raise TrainingError(
                f"step {self.state.global_step}: the validation loss is {loss}; no checkpoint was "
                "written of this step; lower learning_rate, or set compute_dtype: float32"
            )
        self.log(metrics)
        self.control = self.callback_handler.on_evaluate(
            self.args, self.state, self.control, metrics
        )
        return metrics

    @torch.no_grad()  # type: ignore[untyped-decorator]  # nor is torch
    def _validation_sums(self) -> tuple[float, int]:
        share = self.eval_dataset.shard(
            self.accelerator.num_processes, self.accelerator.process_index
        ).select_columns(["input_ids", "labels"])
        sums = torch.zeros(2, dtype=torch.float64, device=self.args.device)
        for batch in share.iter(batch_size=self.args.eval_batch_size):
            rows = [
                {"input_ids": ids, "labels": labels}
                for ids, labels in zip(batch["input_ids"], batch["labels"], strict=True)
            ]
            inputs = self._prepare_inputs(self.data_collator(rows))
            with self.compute_loss_context_manager():
                outputs = self.model(**inputs, use_cache=False, fused_lm_head=True)
            sums[0] -= outputs.log_probs.double().sum()
            sums[1] += outputs.label_mask.sum()
        loss, tokens = self.accelerator.reduce(sums).tolist()
        return loss, int(tokens)

    def _determine_best_metric(self, metrics: dict[str, float], trial: None) -> bool:
        best: bool = super()._determine_best_metric(metrics, trial)
        self.control.should_save |= best
        return best

    # --- what is kept ---

    def restore_counters(self, log: list[dict[str, Any]]) -> None:
        """Go on counting where the run that wrote `log` was."""
        self._flow.seconds, self._total_train_tokens = totals(log)

    def log(self, logs: dict[str, float], start_time: float | None = None) -> None:
        """Also the seconds spent in steps and the most GPU memory of any process, in bytes: the
        log is in every checkpoint, what a process counts is not.
        """
        logs = {**logs, "seconds": round(self._flow.seconds, 3)}
        if self.args.device.type == "cuda":
            peak = torch.tensor([torch.cuda.max_memory_allocated()], device=self.args.device)
            logs["peak_memory"] = int(self.accelerator.gather(peak).max())
        super().log(logs, start_time)

    def _save_checkpoint(self, model: torch.nn.Module, trial: None) -> None:
        """Every process writes its random state, the first one the rest; then it gets its name."""
        step, first = self.state.global_step, self.args.should_save
        directory = checkpoints.writing(self._folder, step)
        if first:
            with saving(directory):
                checkpoints.begin(self._folder, step)
        self.accelerator.wait_for_everyone()
        with saving(directory):
            self._write(directory)
        self.accelerator.wait_for_everyone()
        if first:
            with saving(directory):
                checkpoints.commit(self._folder, step)
            tell_saved()
            checkpoints.prune(self._folder, keep=self._keep, best=self.state.best_global_step)
        self.accelerator.wait_for_everyone()

    def _write(self, directory: Path) -> None:
        self._save_rng_state(str(directory))
        if self.args.should_save:
            # Not Trainer's save_model: that adds a pickle of its arguments.
            save_adapter(self.model, directory)
            self._save_optimizer_and_scheduler(str(directory))
            self.state.save_to_json(str(directory / checkpoints.STATE))


def save_adapter(model: PeftModel, directory: Path) -> None:
    """Write the LoRA weights and their configuration; asks the Hub nothing."""
    model.save_pretrained(str(directory), save_embedding_layers=False)
