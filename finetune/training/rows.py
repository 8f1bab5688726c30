"""The rows of a training run: rendered conversations, whole or packed, never cut."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow.compute as pc
from transformers import PreTrainedTokenizerBase

from finetune.base import base_config, template_of
from finetune.corpus import Corpus
from finetune.recipe import TrainingRecipe
from finetune.rendering import choose_renderer
from finetune.rendering.account import TokenAccount
from finetune.rendering.cache import RenderedSet, default_cache, render_corpus
from finetune.rendering.rendered import Renderer
from finetune.rendering.split import Limits
from finetune.training.checks import check_parts
from schemas.errors import TrainingError

if TYPE_CHECKING:
    from datasets import Dataset

_BATCH = 1000


@dataclass(frozen=True)
class Rows:
    """What is trained and validated on, and where its tokens came from."""

    train: "Dataset"  # packed where the recipe says so
    parts: "Dataset"  # the same unpacked, with ids
    validation: "Dataset | None"
    train_account: TokenAccount
    validation_account: TokenAccount | None


def prepare_rows(
    recipe: TrainingRecipe, corpus: Corpus, tokenizer: PreTrainedTokenizerBase
) -> Rows:
    """Render both splits, or find them rendered. Raises TrainingError where nothing is left."""
    renderer = choose_renderer(template_of(recipe.template, base_config(recipe)), tokenizer)
    if renderer.pad_id != tokenizer.pad_token_id:
        raise TrainingError(
            f"{recipe.model}: its tokenizer pads with token {tokenizer.pad_token_id}, the template "
            f"{renderer.name} with {renderer.pad_id}; set pad_token in its tokenizer_config.json"
        )
    train = _render(recipe, corpus.train, renderer)
    validation = _render(recipe, corpus.validation, renderer) if recipe.eval_steps else None
    rows = training_rows(train.parts, recipe.max_length, recipe.seed, packing=recipe.packing)
    return Rows(
        train=rows,
        parts=train.parts,
        validation=validation.parts if validation else None,
        train_account=train.account,
        validation_account=validation.account if validation else None,
    )


def _render(recipe: TrainingRecipe, rows: "Dataset", renderer: Renderer) -> RenderedSet:
    limits = Limits(recipe.max_length, recipe.too_long, recipe.carry_rounds)
    rendered = render_corpus(rows, renderer, limits, default_cache())
    check_parts(recipe, len(rendered.parts))
    return rendered


def count_tokens(rows: "Dataset") -> tuple[int, int]:
    """Tokens of all rows and of the longest one. Reads a batch at a time."""
    total = longest = 0
    for table in rows.select_columns(["input_ids"]).with_format("arrow").iter(batch_size=_BATCH):
        lengths = pc.list_value_length(table["input_ids"])
        total += pc.sum(lengths).as_py() or 0
        longest = max(longest, pc.max(lengths).as_py() or 0)
    return total, longest


def training_rows(parts: "Dataset", max_length: int, seed: int, *, packing: bool) -> "Dataset":
    """Rows of `input_ids`, `labels` and, if packed, `seq_lengths`: lengths of the parts in a row.

    Packing is TRL's best fit decreasing over shuffled parts; each stays whole. Memory-mapped, like
    `parts`. Raises TrainingError if a part is longer than `max_length` or a token went missing:
    TRL cuts what is too long without a word.
    """
    total, longest = count_tokens(parts)
    if longest > max_length:
        raise TrainingError(
            f"a rendered part has {longest} tokens, more than max_length: {max_length}; this is a "
            "defect in rendering, please report it"
        )
    rows = parts.select_columns(["input_ids", "labels"])
    return _packed(rows, total, max_length, seed) if packing else rows


def _packed(rows: "Dataset", total: int, max_length: int, seed: int) -> "Dataset":
    from trl import pack_dataset

    packed: Dataset = pack_dataset(rows.shuffle(seed=seed), max_length, strategy="bfd")
    kept, _ = count_tokens(packed)
    if kept != total:
        raise TrainingError(
            f"packing kept {kept} of {total} tokens; please report it, or set packing: false"
        )
    return packed
