"""A model with random weights in any architecture and size, for trials without a download.

It is written shard by shard, with the keys and the experts one by one as on the Hub, so that
loading it is loading the real thing; no more than one shard is ever in memory.
"""

import json
import re
import shutil
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from filelock import FileLock
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM
from transformers.conversion_mapping import get_model_conversion_mapping
from transformers.core_model_loading import WeightRenaming

from finetune.model.experts import split_experts
from finetune.model.quantizer import expert_names, refuse_unnamed
from schemas.errors import ModelError

SHARD_BYTES = 512 * 2**20


def make_random_model(config_file: Path, directory: Path, seed: int) -> None:
    """Write a bf16 model of the shape in `config_file` to `directory`, unless that exists.

    Matrices are normal with the config's `initializer_range`, norms one, biases zero. Equal config
    and seed give equal bytes. Of several processes one writes and the others wait. Raises
    ModelError where the file is no config of a causal language model that can be loaded.
    """
    directory.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(f"{directory}.lock"):
        if directory.exists():
            return
        model, config = _skeleton(config_file)
        names = checkpoint_names(model)
        unfinished = directory.with_name(f"{directory.name}.unfinished")
        shutil.rmtree(unfinished, ignore_errors=True)
        unfinished.mkdir()
        _write(names, unfinished, seed, getattr(config, "initializer_range", 0.02))
        config.save_pretrained(unfinished)
        unfinished.rename(directory)


def _skeleton(config_file: Path) -> tuple[Any, Any]:
    try:
        config = AutoConfig.for_model(**json.loads(config_file.read_text(encoding="utf-8")))
        config.dtype = torch.bfloat16
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)
    except FileNotFoundError:
        raise ModelError(f"{config_file}: no such file; model_config_file must name one") from None
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(
            f"{config_file}: is no config of a causal language model ({reason}); "
            "start from the config.json of a model on the Hub"
        ) from None
    config.architectures = [type(model).__name__]
    return model, config


def _write(names: dict[str, torch.Tensor], directory: Path, seed: int, spread: float) -> None:
    shards = list(_shards(names))
    index: dict[str, str] = {}
    for number, shard in enumerate(shards, start=1):
        file = f"model-{number:05d}-of-{len(shards):05d}.safetensors"
        tensors = {key: _tensor(key, weight, seed, spread) for key, weight in shard.items()}
        save_file(tensors, directory / file, metadata={"format": "pt"})
        index |= dict.fromkeys(tensors, file)
    total = sum(weight.nbytes for weight in names.values())
    document = {"metadata": {"total_size": total}, "weight_map": index}
    (directory / "model.safetensors.index.json").write_text(json.dumps(document, indent=1))


def checkpoint_names(model: Any) -> dict[str, torch.Tensor]:
    """Checkpoint key → meta tensor of a model on the meta device, its experts one by one.

    Raises ModelError where the architecture does not keep them so.
    """
    conversions = get_model_conversion_mapping(model, add_legacy=False)
    reverse = [c.reverse_transform() for c in conversions[::-1] if isinstance(c, WeightRenaming)]
    names = expert_names(conversions)
    split_experts(model)
    refuse_unnamed(names, model)
    experts = {new: old for old, new in names}
    tied = set(model.all_tied_weights_keys)
    keys = {}
    for name, weight in model.state_dict().items():
        if name in tied:
            continue
        key = re.sub(
            r"(\.experts\.\d+)\.(\w+)\.", lambda m: f"{m[1]}.{experts.get(m[2], m[2])}.", name
        )
        for renaming in reverse:
            key, _ = renaming.rename_source_key(key)
        keys[key] = weight
    return keys


def _shards(weights: dict[str, torch.Tensor]) -> Iterator[dict[str, torch.Tensor]]:
    shard: dict[str, torch.Tensor] = {}
    size = 0
    for key, weight in weights.items():
        if shard and size + weight.nbytes > SHARD_BYTES:
            yield shard
            shard, size = {}, 0
        shard[key] = weight
        size += weight.nbytes
    yield shard


def _tensor(key: str, like: torch.Tensor, seed: int, spread: float) -> torch.Tensor:
    """A tensor depends on its key and the seed alone, not on the order of writing."""
    if like.ndim == 1 or not like.is_floating_point():
        fill = torch.ones if key.endswith("weight") else torch.zeros
        return fill(like.shape, dtype=like.dtype)
    generator = torch.Generator().manual_seed((seed << 32) + zlib.crc32(key.encode()))
    return torch.empty(like.shape, dtype=like.dtype).normal_(0, spread, generator=generator)
