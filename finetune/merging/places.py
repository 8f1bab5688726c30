"""Where a module's weight lies in a checkpoint: the names in files are not those in memory.

Mixtral's experts are `mlp.experts.0.gate_proj` in the model that we train, and in files either
`block_sparse_moe.experts.0.w1.weight`, or one slice of the 3-D tensors that transformers 5 holds in
memory (`mlp.experts.gate_up_proj` [experts, 2 · inner, hidden], gate before up; `down_proj`).
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from finetune.merging.lora import Update
from finetune.merging.tensors import Stored
from schemas.errors import ModelError

_EXPERT = re.compile(r"(.+)\.mlp\.experts\.(\d+)\.(gate_proj|up_proj|down_proj)")
_MIXTRAL = {"gate_proj": "w1", "down_proj": "w2", "up_proj": "w3"}
#: Model types whose fused experts have the layout above; others transpose or interleave.
_FUSED = {"mixtral", "qwen2_moe", "qwen3_moe", "olmoe"}


class Place(NamedTuple):
    """A block of rows of a stored tensor."""

    tensor: str
    row: int
    shape: tuple[int, int]


def find_places(
    updates: Sequence[Update], stored: Mapping[str, Stored], model_type: str
) -> dict[str, list[tuple[int, Update]]]:
    """Tensor name → (first row, update). Each update has one place and each place one update.

    Raises ModelError for an update that fits nowhere, or two that claim the same rows.
    """
    found: dict[str, list[tuple[int, Update]]] = {}
    taken: set[Place] = set()
    for update in updates:
        place = next((p for p in _candidates(update.module, stored, model_type)), None)
        if place is None:
            raise ModelError(
                f"the base has no weight for the adapter's {update.module}; name the base that it "
                "was trained on with --base"
            )
        if place.shape != update.shape:
            raise ModelError(
                f"{update.module}: the adapter is for a weight of {list(update.shape)}, the base "
                f"has {list(place.shape)}; name the base that it was trained on with --base"
            )
        if place in taken:
            raise ModelError(f"{place.tensor}: two tensors of the adapter claim it; train it again")
        taken.add(place)
        found.setdefault(place.tensor, []).append((place.row, update))
    return found


def _candidates(module: str, stored: Mapping[str, Stored], model_type: str) -> Iterator[Place]:
    for name in _names(module):
        if name in stored and len(stored[name].shape) == 2:
            yield Place(name, 0, (stored[name].rows, stored[name].columns))
    expert = _EXPERT.fullmatch(module)
    if expert and model_type in _FUSED:
        yield from _fused(stored, expert[1], int(expert[2]), expert[3])


def _names(module: str) -> Iterator[str]:
    yield f"{module}.weight"
    if expert := _EXPERT.fullmatch(module):
        layer, index, last = expert.groups()
        yield f"{layer}.block_sparse_moe.experts.{index}.{_MIXTRAL[last]}.weight"


def _fused(stored: Mapping[str, Stored], layer: str, index: int, last: str) -> Iterator[Place]:
    both = last != "down_proj"
    for block in ("mlp", "block_sparse_moe"):
        name = f"{layer}.{block}.experts.{'gate_up_proj' if both else 'down_proj'}"
        if name not in stored or len(stored[name].shape) != 3 or index >= stored[name].shape[0]:
            continue
        rows = stored[name].shape[1]
        height = rows // 2 if both else rows
        first = index * rows + (height if last == "up_proj" else 0)
        yield Place(name, first, (height, stored[name].columns))
