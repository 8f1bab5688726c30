"""What a recipe makes of a corpus: lengths, splits at several limits, and how full rows are."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from finetune.recipe import TrainingRecipe
from finetune.rendering.account import TokenAccount
from finetune.rendering.cache import render_corpus
from finetune.rendering.forecast import Split
from finetune.rendering.split import Limits

if TYPE_CHECKING:
    from datasets import Dataset

    from finetune.rendering import Renderer

QUANTILES = (50, 90, 95, 99, 100)
_BATCH = 1000


@dataclass(frozen=True)
class Tokens:
    """A corpus as the trainer would see it. `quantiles`: percent of conversations → tokens of the
    longest of them; `filled`: share of the trained rows' places that hold a token.
    """

    account: TokenAccount
    quantiles: dict[int, int]
    longest: int  # part, in tokens
    limits: dict[int, Split]
    exact: bool  # whether `limits` are sure, or estimated from rounds that depend on their place
    rows: int
    filled: float


def count_tokens(
    conversations: "Dataset", renderer: "Renderer", recipe: TrainingRecipe, cache: Path
) -> Tokens:
    """Render as the recipe says, or read what was rendered from the cache.

    Raises AuroraError for a conversation that the recipe's policy refuses.
    """
    limits = Limits(recipe.max_length, recipe.too_long, recipe.carry_rounds)
    rendered = render_corpus(conversations, renderer, limits, cache)
    parts = _lengths(rendered.parts)
    rows, filled = _rows(rendered.parts, parts, recipe)
    return Tokens(
        account=rendered.account,
        quantiles=rendered.forecast.quantiles(QUANTILES),
        longest=int(parts.max(initial=0)),
        limits=rendered.forecast.limits,
        exact=renderer.additive,
        rows=rows,
        filled=filled,
    )


def _lengths(rows: "Dataset") -> np.ndarray[Any, np.dtype[np.int64]]:
    column = rows.select_columns(["input_ids"]).with_format("arrow")
    batches = [pc.list_value_length(t["input_ids"]) for t in column.iter(batch_size=_BATCH)]
    return np.concatenate([np.empty(0, np.int64), *(batch.to_numpy() for batch in batches)])


def _rows(
    parts: "Dataset", lengths: np.ndarray[Any, np.dtype[np.int64]], recipe: TrainingRecipe
) -> tuple[int, float]:
    """Rows of an epoch, and how full they are: packed to max_length, or padded to the longest of
    their forward pass, in the order of one shuffle.
    """
    if not lengths.size:
        return 0, 0.0
    if recipe.packing:
        from finetune.training.rows import training_rows

        rows = len(training_rows(parts, recipe.max_length, recipe.seed, packing=True))
        return rows, float(lengths.sum() / (rows * recipe.max_length))
    shuffled = np.random.default_rng(recipe.seed).permutation(lengths)
    spare = -len(shuffled) % recipe.batch_size
    batches = np.pad(shuffled, (0, spare)).reshape(-1, recipe.batch_size)
    return len(lengths), float(lengths.sum() / (batches.max(axis=1).sum() * recipe.batch_size))
