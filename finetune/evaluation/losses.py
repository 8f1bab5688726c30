"""Loss of base and adapter on the corpus' validation split, paired by conversation.

For tuning on conversations this is the most sensitive measure of a gain; that the adapter does
better on data like its own says nothing about other tasks. Where training chose its best
checkpoint on this split, the adapter's loss is a little too low.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import torch

from finetune.adapter.record import TrainingRecord
from finetune.corpus import load_corpus
from finetune.evaluation.forward import hidden_states, project, without_adapter
from finetune.evaluation.result import ValidationResult
from finetune.evaluation.statistics import bootstrap_ratio
from finetune.evaluation.summary import validation_verdict
from finetune.rendering import IGNORED, Renderer
from finetune.rendering.cache import default_cache, render_corpus
from finetune.rendering.split import Limits
from schemas.errors import CorpusError

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), False),
        pa.field("tokens", pa.int64(), False),  # labelled
        pa.field("base_loss", pa.float64(), False),  # summed over them, in nats
        pa.field("adapter_loss", pa.float64(), False),
    ]
)


class Part(NamedTuple):
    """A part of a conversation as it was trained on."""

    id: str
    input_ids: list[int]
    labels: list[int]


def validation_parts(record: TrainingRecord, data: str | None, renderer: Renderer) -> list[Part]:
    """The validation split of the corpus that was trained on, rendered and split as in training.

    data: where the corpus is, if not where the recipe says. Raises CorpusError where it is another
    corpus, whose validation split may have been trained on, or has no such split.
    """
    recipe = record.recipe
    place = data or recipe.data
    corpus = load_corpus(place, record.data.revision or recipe.data_revision)
    if corpus.data.sha256 != record.data.sha256:
        raise CorpusError(
            f"{place}: is not the corpus that was trained on, {record.data.name}; name that one "
            "with --data"
        )
    if corpus.validation is None:
        raise CorpusError(f"{place}: has no validation split; leave out --validation")
    limits = Limits(recipe.max_length, recipe.too_long, recipe.carry_rounds)
    rendered = render_corpus(corpus.validation, renderer, limits, default_cache())
    return [Part(row["id"], row["input_ids"], row["labels"]) for row in rendered.parts]


def compare_losses(model: Any, parts: Iterable[Part], step: Callable[[], None]) -> pa.Table:
    """Per conversation the labelled tokens and both summed losses; `step` is called per part."""
    totals: dict[str, list[float]] = defaultdict(lambda: [0, 0.0, 0.0])
    for part in parts:
        total = totals[part.id]
        total[0] += sum(label != IGNORED for label in part.labels[1:])
        with without_adapter(model):
            total[1] += summed_loss(model, part)
        total[2] += summed_loss(model, part)
        step()
    columns = [list(column) for column in zip(*totals.values(), strict=True)]
    return pa.table([list(totals), *columns], SCHEMA)


def summed_loss(model: Any, part: Part) -> float:
    """Cross entropy in nats, summed over the labelled tokens of a part."""
    device = next(model.parameters()).device
    labels = torch.tensor(part.labels[1:], device=device)
    said = labels != IGNORED
    with torch.no_grad():
        hidden = hidden_states(model, torch.tensor([part.input_ids], device=device))[0, :-1]
        logits = project(model, hidden[said])
        return float(torch.nn.functional.cross_entropy(logits, labels[said], reduction="sum"))


def summarize_losses(table: pa.Table, seed: int) -> ValidationResult:
    """Mean losses per token, and the interval of their difference over whole conversations."""
    tokens, base, adapter = (
        table[name].to_numpy().astype(np.float64)
        for name in ("tokens", "base_loss", "adapter_loss")
    )
    difference = float((adapter - base).sum() / tokens.sum())
    interval = bootstrap_ratio(adapter - base, tokens, seed)
    return ValidationResult(
        conversations=len(table),
        tokens=int(tokens.sum()),
        base=float(base.sum() / tokens.sum()),
        adapter=float(adapter.sum() / tokens.sum()),
        difference=difference,
        difference_interval=interval,
        verdict=validation_verdict(difference, interval),
    )
