"""What a recipe makes of a corpus: lengths, splits at several limits, and how full rows are."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.compute as pc

from finetune.recipe import TrainingRecipe
from finetune.rendering.account import TokenAccount
from finetune.rendering.cache import RenderedSet, render_corpus
from finetune.rendering.split import Limits, account

if TYPE_CHECKING:
    from datasets import Dataset

    from finetune.rendering import Renderer

LENGTHS = (512, 1024, 2048, 4096, 8192)
QUANTILES = (50, 90, 95, 99, 100)
_BATCH = 1000


@dataclass(frozen=True)
class Split:
    """What one `max_length` does to the conversations: how many are split, into how many parts in
    all, tokens that later parts repeat and tokens that no part holds.
    """

    split: int
    parts: int
    repeated: int
    dropped: int


@dataclass(frozen=True)
class Tokens:
    """A corpus as the trainer would see it. `quantiles`: percent of conversations → tokens of the
    longest of them; `filled`: share of the trained rows' places that hold a token.
    """

    account: TokenAccount
    quantiles: dict[int, int]
    longest: int  # part, in tokens
    limits: dict[int, Split]
    rows: int
    filled: float


def count_tokens(
    conversations: "Dataset", renderer: "Renderer", recipe: TrainingRecipe, cache: Path
) -> Tokens:
    """Render whole and as the recipe says; what was rendered before is read from the cache.

    Raises AuroraError for a conversation that the recipe's policy refuses.
    """
    limits = Limits(recipe.max_length, recipe.too_long, recipe.carry_rounds)
    chosen = render_corpus(conversations, renderer, limits, cache)
    whole = render_corpus(conversations, renderer, Limits(), cache)
    parts = _lengths(chosen.parts)
    rows, filled = _rows(chosen.parts, parts, recipe)
    return Tokens(
        account=chosen.account,
        quantiles=_quantiles(_lengths(whole.parts)),
        longest=int(parts.max(initial=0)),
        limits=_splits(conversations, whole, renderer, recipe, cache),
        rows=rows,
        filled=filled,
    )


def _splits(
    conversations: "Dataset",
    whole: RenderedSet,
    renderer: "Renderer",
    recipe: TrainingRecipe,
    cache: Path,
) -> dict[int, Split]:
    """How `split` would treat them at several limits. Only the long ones are rendered again."""
    lengths = sorted({*LENGTHS, recipe.max_length})
    long = _longer_than(lengths[0], conversations, whole.parts)
    short = len(whole.parts) - len(long)
    table = {}
    for length in lengths:
        limits = Limits(length, "split", recipe.carry_rounds)
        one = render_corpus(long, renderer, limits, cache).account if len(long) else account([])
        table[length] = Split(one.split, short + one.parts, one.repeated, one.dropped)
    return table


def _longer_than(length: int, conversations: "Dataset", whole: "Dataset") -> "Dataset":
    """The conversations of more tokens; those that cannot be rendered are in neither set."""
    ids = np.asarray(whole["id"], dtype=object)[_lengths(whole) > length]
    chosen = set(ids.tolist())
    positions = [i for i, one in enumerate(conversations["id"]) if str(one) in chosen]
    return conversations.select(positions)


def _lengths(rows: "Dataset") -> np.ndarray[Any, np.dtype[np.int64]]:
    column = rows.select_columns(["input_ids"]).with_format("arrow")
    batches = [pc.list_value_length(t["input_ids"]) for t in column.iter(batch_size=_BATCH)]
    return np.concatenate([np.empty(0, np.int64), *(batch.to_numpy() for batch in batches)])


def _quantiles(lengths: np.ndarray[Any, np.dtype[np.int64]]) -> dict[int, int]:
    if not lengths.size:
        return {}
    values = np.percentile(lengths, QUANTILES, method="inverted_cdf")
    return {percent: int(value) for percent, value in zip(QUANTILES, values, strict=True)}


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
