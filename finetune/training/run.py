"""One training, from a recipe to a finished adapter directory."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from peft import PeftModel
from transformers import PreTrainedTokenizerBase, TrainerState

from finetune.adapter.record import Base, Data, Guard, TrainingRecord
from finetune.console import err
from finetune.corpus import Corpus
from finetune.model import (
    add_adapter,
    inspect_model,
    load_base,
    load_tokenizer,
    make_random_model,
)
from finetune.recipe import TrainingRecipe
from finetune.training import checkpoints
from finetune.training.failures import Interrupted, computing, saving
from finetune.training.finish import (
    losses,
    outcome,
    peak_memory,
    totals,
    versions,
    write_adapter,
)
from finetune.training.identity import Run, base_identity, checkpoints_folder, clear, enter, hold
from finetune.training.progress import Flow, is_over
from finetune.training.rows import Rows, prepare_rows
from finetune.training.settings import sft_config
from finetune.training.trainer import AdapterTrainer

if TYPE_CHECKING:
    from trl import SFTConfig


@dataclass(frozen=True)
class Model:
    """A base model with its adapter, and what was found out about it before the first step."""

    adapter: PeftModel
    tokenizer: PreTrainedTokenizerBase
    base: Base
    guard: Guard
    device: str
    versions: dict[str, str]


def train(recipe: TrainingRecipe, corpus: Corpus, *, fresh: bool) -> TrainingRecord | None:
    """Train, or go on training, until the adapter directory is whole.

    The record, on the first process; None on the others. Raises TrainingError; Interrupted after a
    signal, with the state saved.
    """
    output = Path(recipe.output)
    args = sft_config(recipe, checkpoints_folder(output), cuda=torch.cuda.is_available())
    spare_compilation(args)
    lock = None
    if args.should_save:  # the first process; if it is refused, the launcher ends the others
        lock = hold(output)
    try:
        if lock:
            _enter(recipe, corpus.data, args.world_size, fresh=fresh)
        with computing():
            return _train(recipe, corpus, args)
    finally:
        if lock:
            lock.release()


def _enter(recipe: TrainingRecipe, data: Data, processes: int, *, fresh: bool) -> None:
    """Make the output ready, to begin or to go on from its newest checkpoint, which is whole."""
    output = Path(recipe.output)
    if fresh:
        clear(output)
    if recipe.model_config_file:
        make_random_model(Path(recipe.model_config_file), Path(recipe.model), recipe.seed)
    run = Run(recipe=recipe, data=data, base=base_identity(recipe), processes=processes)
    enter(output, run)
    checkpoints.sweep(checkpoints_folder(output))
    for line in checkpoints.drop_damaged(checkpoints_folder(output)):
        err.print(f"{line}; going on from the checkpoint before", soft_wrap=True)


def _train(recipe: TrainingRecipe, corpus: Corpus, args: "SFTConfig") -> TrainingRecord | None:
    model, rows = _prepare(recipe, corpus, args)
    flow = Flow(recipe.early_stop)
    trainer = _trainer(recipe, args, model, rows, flow)
    with flow.listening():
        state = _run(trainer, recipe)
    if flow.signalled is not None:
        raise Interrupted(f"stopped after step {state.global_step}; repeat the command to go on")
    if not args.should_save:
        return None
    record = _record(recipe, corpus.data, model, rows, state)
    with saving(Path(recipe.output)):
        write_adapter(Path(recipe.output), record, model.tokenizer)
    return record


def spare_compilation(args: "SFTConfig") -> None:
    """Run torchao's 4-bit optimizer uncompiled on a CPU, where compiling takes 40 s."""
    if args.device.type == "cpu":
        torch.compiler.set_stance("force_eager")


def _prepare(recipe: TrainingRecipe, corpus: Corpus, args: "SFTConfig") -> tuple[Model, Rows]:
    with args.main_process_first(local=False):  # the others find the cache filled
        tokenizer = load_tokenizer(recipe)
        rows = prepare_rows(recipe, corpus, tokenizer)
    base = load_base(recipe)
    described = _base(recipe, base)  # before the adapter is put into it
    adapter = add_adapter(base, recipe)
    model = Model(
        adapter=adapter,
        tokenizer=tokenizer,
        base=described,
        guard=inspect_model(adapter, recipe),
        device=_device(args.world_size),
        versions=versions(),
    )
    return model, rows


def _device(processes: int) -> str:
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    return name if processes == 1 else f"{processes} × {name}"


def _base(recipe: TrainingRecipe, model: Any) -> Base:
    revision = getattr(model.config, "_commit_hash", None)
    return Base(
        model=recipe.model if revision else Path(recipe.model).name,
        revision=revision,
        architecture=type(model).__name__,
        parameters=model.num_parameters(),
        from_config=recipe.model_config_file is not None,
    )


def _trainer(
    recipe: TrainingRecipe, args: "SFTConfig", model: Model, rows: Rows, flow: Flow
) -> AdapterTrainer:
    return AdapterTrainer(
        model=model.adapter,
        args=args,
        rows=rows.train,
        validation=rows.validation,
        parts=rows.parts,
        tokenizer=model.tokenizer,
        flow=flow,
        keep_checkpoints=recipe.keep_checkpoints,
    )


def _run(trainer: AdapterTrainer, recipe: TrainingRecipe) -> TrainerState:
    """Train from the newest checkpoint, if any, to the end or to a signal."""
    newest = checkpoints.newest(Path(trainer.args.output_dir))
    if newest:
        state = TrainerState.load_from_json(str(newest / checkpoints.STATE))
        if is_over(state, recipe.early_stop):
            return state  # killed between the last checkpoint and the record
        trainer.restore_counters(state.log_history)
    trainer.train(resume_from_checkpoint=str(newest) if newest else None)
    return trainer.state


def _record(
    recipe: TrainingRecipe, data: Data, model: Model, rows: Rows, state: TrainerState
) -> TrainingRecord:
    seconds, tokens = totals(state.log_history)
    return TrainingRecord(
        recipe=recipe,
        base=model.base,
        data=data,
        train=rows.train_account,
        validation=rows.validation_account,
        guard=model.guard,
        losses=losses(state.log_history),
        steps=state.global_step,
        best_step=state.best_global_step,
        stopped=outcome(state, recipe.early_stop),
        seconds=seconds,
        tokens_per_second=tokens / seconds if seconds else 0.0,
        peak_memory=peak_memory(state.log_history),
        device=model.device,
        versions=model.versions,
    )
