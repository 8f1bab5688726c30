"""A recipe in the words of TRL's SFTConfig: every choice that is not the recipe's is made here."""

from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.recipe import TrainingRecipe
from schemas.errors import TrainingError

if TYPE_CHECKING:
    from trl import SFTConfig

OPTIMIZERS = {
    "adamw": "adamw_torch",
    "adamw_8bit": "adamw_bnb_8bit",
    "paged_adamw_8bit": "paged_adamw_8bit",
    "adamw_4bit": "adamw_torch_4bit",  # torchao's, which the paper's "4-bit Adam" was
}


def sft_config(recipe: TrainingRecipe, checkpoints: Path, *, cuda: bool) -> "SFTConfig":
    """What SFTTrainer is told. `checkpoints` is where it saves; no network, no truncation."""
    from trl import SFTConfig

    args = SFTConfig(
        output_dir=str(checkpoints),
        use_cpu=not cuda,
        seed=recipe.seed,
        data_seed=recipe.seed,
        disable_tqdm=True,  # progress is ours: see progress.py
        **_rows(recipe),
        **_steps(recipe),
        **_numbers(recipe),
        **_watching(recipe),
    )
    # Without a launcher, several visible GPUs would mean nn.DataParallel, which TRL refuses.
    args._n_gpu = min(args.n_gpu, 1)
    return args


def _rows(recipe: TrainingRecipe) -> dict[str, Any]:
    """Rows come rendered, checked and packed (rows.py): TRL must not touch, let alone cut them."""
    return {
        "dataset_kwargs": {"skip_prepare_dataset": True},
        "max_length": recipe.max_length if recipe.packing else None,
        "packing": recipe.packing,  # rows carry positions instead of padding
        "packing_strategy": "bfd",
        "eval_packing": False,
        "per_device_train_batch_size": recipe.batch_size,
        "per_device_eval_batch_size": recipe.batch_size,
        "gradient_accumulation_steps": recipe.accumulation,
        "average_tokens_across_devices": True,  # the loss is per token of the global batch
    }


def _steps(recipe: TrainingRecipe) -> dict[str, Any]:
    # transformers' "constant" ignores a warm-up.
    warm = recipe.schedule == "constant" and recipe.warmup > 0
    return {
        "num_train_epochs": recipe.epochs,
        "max_steps": recipe.max_steps or -1,
        "learning_rate": recipe.learning_rate,
        "lr_scheduler_type": "constant_with_warmup" if warm else recipe.schedule,
        "warmup_steps": recipe.warmup,  # below 1: a share of the steps
        "weight_decay": recipe.weight_decay,
        "max_grad_norm": recipe.max_grad_norm,
        "optim": OPTIMIZERS[recipe.optimizer],
    }


def _numbers(recipe: TrainingRecipe) -> dict[str, Any]:
    return {
        "bf16": recipe.compute_dtype == "bfloat16",
        "activation_checkpointing": recipe.gradient_checkpointing,
        "activation_checkpointing_kwargs": {"use_reentrant": False},
        # TRL's default is the architecture's own coefficient, not none.
        "router_aux_loss_coef": recipe.router_aux_loss,
        # Experts without tokens have gradients too, of zero: see finetune/model/experts.py.
        "ddp_find_unused_parameters": False,
    }


def _watching(recipe: TrainingRecipe) -> dict[str, Any]:
    return {
        "logging_steps": recipe.log_steps,
        "logging_first_step": True,
        "logging_nan_inf_filter": False,  # it would write the last finite loss instead
        "eval_strategy": "steps" if recipe.eval_steps else "no",
        "eval_steps": recipe.eval_steps,
        "metric_for_best_model": "eval_loss" if recipe.eval_steps else None,
        "greater_is_better": False if recipe.eval_steps else None,
        "save_strategy": "steps",
        "save_steps": recipe.save_steps,
        "report_to": list(recipe.report_to),
    }


def check_reporters(recipe: TrainingRecipe) -> None:
    """Raises TrainingError where `report_to` names something that is not installed."""
    for name in recipe.report_to:
        if find_spec(name) is None:
            raise TrainingError(
                f"report_to: {name} is not installed; pip install {name}, or leave it out"
            )
