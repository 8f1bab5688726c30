"""Which change of the recipe would make a run fit, the one that costs least first."""

from collections.abc import Iterator
from dataclasses import dataclass

from finetune.planning.estimate import Estimate, estimate
from finetune.planning.shape import Shape
from finetune.recipe import TrainingRecipe

SHORT = 512  # below it, much of a corpus is lost
SHORTEST = 16  # the least max_length of a recipe


@dataclass(frozen=True)
class Lever:
    """Changes that together make a run fit, as the command line takes them, and the estimate."""

    changes: tuple[str, ...]
    estimate: Estimate


def find_lever(
    shape: Shape, recipe: TrainingRecipe, memory: int, *, longest: int | None, gpus: int
) -> Lever | None:
    """The first lever that fits into `memory` bytes: each alone, then all up to each together,
    and last those that cost much. None where nothing helps.
    """
    for changes in (*_alone(recipe), *_together(recipe)):
        changed = recipe.model_copy(update=changes)
        found = estimate(shape, changed, longest=longest, gpus=gpus)
        if found.peak <= memory:
            return Lever(tuple(f"{key}={_yaml(value)}" for key, value in changes.items()), found)
    return None


def _alone(recipe: TrainingRecipe) -> Iterator[dict[str, object]]:
    yield from (changes for _, changes in _steps(recipe))


def _together(recipe: TrainingRecipe) -> Iterator[dict[str, object]]:
    """Kinds added up in their order: all before at their strongest, the last at each strength."""
    steps = [*_steps(recipe), *_last_steps(recipe)]
    for position, (kind, changes) in enumerate(steps):
        before = dict(steps[:position])
        before.pop(kind, None)
        yield {key: value for part in (*before.values(), changes) for key, value in part.items()}


def _steps(recipe: TrainingRecipe) -> Iterator[tuple[str, dict[str, object]]]:
    """Kind of lever and its changes. None alters what is learned but the last two kinds."""
    if recipe.attention == "eager":
        yield "attention", {"attention": "sdpa"}
    if not recipe.gradient_checkpointing:
        yield "checkpointing", {"gradient_checkpointing": True}
    for size in _halves(recipe.batch_size):
        rows = recipe.batch_size * recipe.accumulation
        if rows % size == 0:
            yield "batch", {"batch_size": size, "accumulation": rows // size}
    if recipe.optimizer == "adamw":
        yield "optimizer", {"optimizer": "adamw_8bit"}
    if recipe.quantization != "none" and not recipe.double_quantization:
        yield "double", {"double_quantization": True}
    if recipe.quantization == "none":
        yield "quantization", {"quantization": "nf4", "double_quantization": True}
    for length in _halves(recipe.max_length):
        if length >= SHORT:
            yield "length", {"max_length": length}


def _last_steps(recipe: TrainingRecipe) -> Iterator[tuple[str, dict[str, object]]]:
    """Those that nobody wants, down to what a recipe may say: after all others."""
    for length in _halves(recipe.max_length):
        if SHORTEST <= length < SHORT:
            yield "length", {"max_length": length}
    for rank in _halves(recipe.lora_rank):
        alpha = recipe.lora_alpha * rank / recipe.lora_rank  # updates keep their scale
        yield "rank", {"lora_rank": rank, "lora_alpha": alpha}


def _halves(number: int) -> Iterator[int]:
    while number > 1:
        number //= 2
        yield number


def _yaml(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
