"""The base checkpoint: its shards, and the small files that go with them."""

import json
from collections import Counter
from math import prod
from pathlib import Path
from typing import Any

from finetune.base import SINGLE, read_index
from finetune.merging.tensors import Stored, stored_in
from schemas.errors import ModelError


def read_config(directory: Path) -> dict[str, Any]:
    """The base's config.json. Raises ModelError where it is unreadable or says: quantised."""
    path = directory / "config.json"
    try:
        config: dict[str, Any] = json.loads(path.read_bytes())
    except (OSError, ValueError):
        raise ModelError(f"{path}: cannot be read as JSON; fetch the base again") from None
    if config.get("quantization_config"):
        raise ModelError(
            f"{directory}: is quantised; merging needs the original weights (bf16, f16 or f32)"
        )
    return config


def stored_tensors(directory: Path) -> list[Stored]:
    """All tensors of a checkpoint, shard by shard. Raises ModelError where it is incomplete."""
    weight_map = read_index(directory)
    if weight_map is None:
        return stored_in(directory / SINGLE)
    shards = sorted(set(weight_map.values()))
    found = [stored for shard in shards for stored in stored_in(directory / shard)]
    missing = weight_map.keys() - {stored.name for stored in found}
    if missing:
        raise ModelError(f"{directory}: {min(missing)} is in no shard; fetch the base again")
    return [stored for stored in found if weight_map.get(stored.name) == stored.path.name]


def common_dtype(stored: list[Stored]) -> Any:
    """The type that most of the floating weights have. What is kept otherwise is so on purpose."""
    elements: Counter[Any] = Counter()
    for one in stored:
        if one.dtype.is_floating_point:
            elements[one.dtype] += prod(one.shape)
    return elements.most_common(1)[0][0]
