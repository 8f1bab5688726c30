"""What to say when a loss or a gradient is not a number."""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch
    from datasets import Dataset

_SHOWN = 12  # ids


def conversations(inputs: "dict[str, torch.Tensor]") -> list[list[int]]:
    """The tokens of each conversation part in a batch, without padding."""
    ids = inputs["input_ids"]
    if "attention_mask" in inputs:
        kept = inputs["attention_mask"].bool()
        return [row[mask].tolist() for row, mask in zip(ids, kept, strict=True)]
    starts = (inputs["position_ids"][0] == 0).nonzero().flatten().tolist()
    ends = [*starts[1:], ids.size(1)]
    return [ids[0, start:end].tolist() for start, end in zip(starts, ends, strict=True)]


def find_ids(parts: "Dataset", wanted: Iterable[Sequence[int]]) -> list[str]:
    """Ids of the rows of `parts` whose tokens are in `wanted`: one pass, a batch at a time.

    Slow, but only a run that stops pays for it: packing keeps no ids.
    """
    tokens = {tuple(ids) for ids in wanted}
    columns = parts.select_columns(["id", "input_ids"])
    return [
        row
        for batch in columns.iter(batch_size=1000)
        for row, ids in zip(batch["id"], batch["input_ids"], strict=True)
        if tuple(ids) in tokens
    ]


def explain_stop(
    what: str, step: int, rate: float, ids: Sequence[str], log: Sequence[dict[str, Any]]
) -> str:
    """A sentence or two: what, where, which rows, and what it usually is."""
    losses = [f"{entry['loss']:.4g}" for entry in log if "loss" in entry][-5:]
    more = f" and {len(ids) - _SHOWN} more" if len(ids) > _SHOWN else ""
    rows = ", ".join(map(_plain, ids[:_SHOWN])) + more
    return (
        f"step {step}: {what}, so training stopped before any weight changed; learning rate "
        f"{rate:.3g}, losses logged before: {', '.join(losses) or 'none'}; conversations in the "
        f"batch: {rows or 'not found'}. Likely a learning rate that is too high (halve it, or add "
        "warmup), a type too narrow for this model (compute_dtype: float32), or a damaged row: "
        "look at them with finetune.preview. Repeating the command goes on from the last checkpoint"
    )


def _plain(text: str) -> str:
    """An id may hold anything; a terminal must not obey it."""
    return re.sub(r"[\x00-\x1f\x7f-\x9f]", "?", text)[:80]
