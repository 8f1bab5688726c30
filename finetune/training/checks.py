"""Refusals that a plan makes too: they need the recipe and the corpus, but no model."""

from typing import TYPE_CHECKING

from finetune.recipe import TrainingRecipe
from schemas.errors import TrainingError

if TYPE_CHECKING:
    from finetune.corpus import Corpus


def check_validation(recipe: TrainingRecipe, corpus: "Corpus") -> None:
    """Raises TrainingError where `eval_steps` is set and the corpus has no validation split."""
    if recipe.eval_steps and corpus.validation is None:
        raise TrainingError(
            f"{recipe.data}: has no validation split, which eval_steps asks for; curate it with "
            "`split: {validation: 0.01}`, or train with --set eval_steps=null --set early_stop=null"
        )


def check_parts(recipe: TrainingRecipe, parts: int) -> None:
    """Raises TrainingError where no part of a conversation is left to train or validate on."""
    if not parts:
        raise TrainingError(
            f"{recipe.data}: no conversation fits max_length: {recipe.max_length}; raise it"
        )
