"""W + scale · B · A for every adapted weight, from shards to shards."""

import json
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import torch

from finetune.adapter.record import TrainingRecord, read_record
from finetune.base import (
    INDEX,
    MODEL_FILES,
    SINGLE,
    TOKENIZER_FILES,
    base_directory,
    refuse_architecture,
)
from finetune.merging import base as bases
from finetune.merging.lora import Update, read_updates
from finetune.merging.places import find_places
from finetune.merging.tensors import Stored, write_header, write_rows
from schemas.errors import ModelError

_BLOCK = 2**24  # elements at once: 64 MiB in float32

Places = Mapping[str, list[tuple[int, Update]]]


@dataclass(frozen=True, slots=True)
class Merged:
    """What was written."""

    output: Path
    updated: int  # weights that the adapter changed
    tensors: int
    bytes: int
    shards: int


def merge_adapter(
    adapter: Path, output: Path, *, base: str | None, shard_bytes: int, dtype: str
) -> Merged:
    """Write the base with the adapter added as a plain checkpoint; `dtype` bfloat16 or float32.

    `base` (directory or Hub id) stands for the one in the adapter's record. The sum is computed in
    float32 and rounded once. Memory: a few blocks of 64 MiB, whatever the model. `output` appears
    when all of it is written. Raises ModelError where adapter and base do not fit.
    """
    _refuse_existing(output)
    record = read_record(adapter)
    directory = _base(base, record)
    config = bases.read_config(directory)
    refuse_architecture(str(directory), config.get("architectures"), record.base.architecture)
    stored = bases.stored_tensors(directory)
    updates = read_updates(adapter)
    by_name = {one.name: one for one in stored}
    places = find_places(updates, by_name, str(config.get("model_type")))
    partial = output.with_name(output.name + ".partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    _copy_small_files(directory, adapter, partial, config, dtype)
    shards = _shards(_typed(stored, getattr(torch, dtype)), shard_bytes)
    size = _write_shards(partial, shards, places)
    partial.rename(output)
    return Merged(output, len(updates), len(stored), size, len(shards))


def _base(named: str | None, record: TrainingRecord) -> Path:
    """Of the one that was named; else the recipe's, where it is still there, or the record's."""
    if named or Path(record.recipe.model).is_dir():
        return base_directory(named or record.recipe.model, None)
    return base_directory(record.base.model, record.base.revision)


def _refuse_existing(output: Path) -> None:
    if output.exists() and (not output.is_dir() or any(output.iterdir())):
        raise ModelError(f"{output}: exists already; name another directory or remove it")


def _typed(stored: list[Stored], dtype: Any) -> list[tuple[Stored, Any]]:
    """Each tensor with the type to write it in."""
    common = bases.common_dtype(stored)
    return [(one, dtype if one.dtype == common else one.dtype) for one in stored]


Shard = list[tuple[Stored, Any]]


def _shards(tensors: Sequence[tuple[Stored, Any]], limit: int) -> list[Shard]:
    """Consecutive tensors of at most `limit` bytes together; a larger one stands alone."""
    shards: list[Shard] = [[]]
    size = 0
    for stored, dtype in tensors:
        more = prod(stored.shape) * dtype.itemsize
        if shards[-1] and size + more > limit:
            shards.append([])
            size = 0
        shards[-1].append((stored, dtype))
        size += more
    return shards


def _write_shards(output: Path, shards: list[Shard], places: Places) -> int:
    """Write all shards and, if more than one, their index; gives the bytes of all tensors."""
    weight_map: dict[str, str] = {}
    for number, shard in enumerate(shards, 1):
        name = f"model-{number:05}-of-{len(shards):05}.safetensors"
        name = SINGLE if len(shards) == 1 else name
        with (output / name).open("wb") as file:
            write_header(file, [(stored.name, dtype, stored.shape) for stored, dtype in shard])
            for stored, dtype in shard:
                _write_tensor(file, stored, dtype, places.get(stored.name, []))
        weight_map |= {stored.name: name for stored, _ in shard}
    size: int = sum(prod(one.shape) * dtype.itemsize for shard in shards for one, dtype in shard)
    if len(shards) > 1:
        index = {"metadata": {"total_size": size}, "weight_map": weight_map}
        (output / INDEX).write_text(json.dumps(index, indent=2) + "\n")
    return size


def _write_tensor(
    file: BinaryIO, stored: Stored, dtype: Any, updates: list[tuple[int, Update]]
) -> None:
    ready = [(row, update.shape[0], *update.factors()) for row, update in updates]
    for first, block in stored.blocks(_BLOCK):
        write_rows(file, (_add(first, block, ready) if ready else block).to(dtype))


def _add(first: int, block: Any, updates: list[tuple[int, int, Any, Any]]) -> Any:
    """The block [rows, in], which begins at row `first`, plus the updates that overlap it."""
    total = block.float()
    for row, height, a, b in updates:
        start, end = max(first, row), min(first + len(block), row + height)
        if start < end:
            total[start - first : end - first].addmm_(b[start - row : end - row], a)
    return total


def _copy_small_files(
    base: Path, adapter: Path, output: Path, config: dict[str, Any], dtype: str
) -> None:
    """The configuration of the base; the tokenizer and chat template that were trained with."""
    for path in _small_files(base, adapter):
        shutil.copyfile(path, output / path.name)
    key = "torch_dtype" if "torch_dtype" in config else "dtype"
    text = json.dumps({**config, key: dtype}, indent=2, ensure_ascii=False)
    (output / "config.json").write_text(text + "\n", encoding="utf-8")


def _small_files(base: Path, adapter: Path) -> Iterator[Path]:
    """A later one replaces an earlier one of its name."""
    yield from filter(Path.is_file, (base / name for name in (*MODEL_FILES, *TOKENIZER_FILES)))
    yield from filter(Path.is_file, (adapter / name for name in TOKENIZER_FILES))
