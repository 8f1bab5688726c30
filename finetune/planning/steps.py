"""How many steps a run takes, and what it writes on the way: as transformers' Trainer counts."""

from dataclasses import dataclass
from math import ceil

from finetune.recipe import TrainingRecipe


@dataclass(frozen=True)
class Steps:
    """`rows`: what one epoch trains on, packed or not; `checkpoints`: at most, one at each new best
    included; sizes in bytes.
    """

    rows: int
    per_epoch: int
    total: int
    warmup: int
    evaluations: int
    checkpoints: int
    kept: int
    checkpoint_size: int


def count_steps(recipe: TrainingRecipe, rows: int, *, gpus: int, checkpoint_size: int) -> Steps:
    """Each GPU takes every nth row; a last, smaller step counts as one (Trainer's
    set_initial_training_values). The last step is validated and saved, too, and each validation
    may be the best so far, which is saved.
    """
    passes = ceil(rows / (recipe.batch_size * gpus))
    per_epoch = ceil(passes / recipe.accumulation)
    total = recipe.max_steps or ceil(recipe.epochs * per_epoch)
    saved = {*range(recipe.save_steps, total, recipe.save_steps), total}
    validated: set[int] = set()
    if recipe.eval_steps:
        validated = {*range(recipe.eval_steps, total, recipe.eval_steps), total}
    checkpoints = len(saved | validated)
    best = 1 if recipe.eval_steps else 0
    return Steps(
        rows=rows,
        per_epoch=per_epoch,
        total=total,
        warmup=ceil(total * recipe.warmup),
        evaluations=len(validated),
        checkpoints=checkpoints,
        kept=min(checkpoints, recipe.keep_checkpoints + best),
        checkpoint_size=checkpoint_size,
    )
