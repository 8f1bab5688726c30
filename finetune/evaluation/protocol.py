"""Under which protocol base and adapter are asked, and from which files they come."""

import hashlib
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch

from finetune.base import TOKENIZER_FILES, base_directory
from finetune.evaluation.harness import Ask
from finetune.evaluation.result import Protocol
from finetune.model import LoadedAdapter

_PACKAGES = ("torch", "transformers", "peft", "bitsandbytes", "lm_eval")
_WEIGHTS = "adapter_model.safetensors"
_ADAPTER_FILES = ("adapter_config.json", *TOKENIZER_FILES)
_HELD = {"double_quantization", "compute_dtype", "attention"}  # of the recipe


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for; `finetune.evaluate` explains each."""

    benchmarks: tuple[str, ...]
    shots: int
    limit: int | None
    base: str | None
    quantization: str | None
    chat_template: bool
    validation: bool
    data: str | None
    batch_size: int
    seed: int
    fresh: bool


def protocol_of(directory: Path, loaded: LoadedAdapter, options: Options, ask: Ask) -> Protocol:
    """Everything that answers depend on but the questions."""
    record, base = loaded.record, options.base
    commit, base_files = _base(
        base or record.recipe.model, None if base else record.recipe.model_revision
    )
    template = ask.renderer.digest if ask.renderer else ""
    held = record.recipe.model_dump_json(include=_HELD)
    parts = [base_files, held, template, *map(_hash, (directory / f for f in _ADAPTER_FILES))]
    return Protocol(
        shots=ask.shots,
        limit=options.limit,
        chat_template=ask.renderer.name if ask.renderer else None,
        base=_public(base) if base else record.base.model,
        base_revision=commit,
        quantization=options.quantization or record.recipe.quantization,
        adapter_sha256=_hash(directory / _WEIGHTS),
        inputs_sha256=hashlib.sha256("\n".join(parts).encode()).hexdigest(),
        device=_device_name(loaded.model),
        versions={name: version(name) for name in _PACKAGES},
    )


def _base(model: str, revision: str | None) -> tuple[str | None, str]:
    """The commit of a base on the Hub, and what stands for the files of any.

    Shards of a directory are known by name, size and time: to hash 90 GB takes minutes.
    """
    directory = base_directory(model, revision)
    if directory != Path(model):
        return directory.name, directory.name  # snapshots/COMMIT
    stats = [(path.name, path.stat()) for path in sorted(directory.glob("*.safetensors"))]
    shards = [(name, stat.st_size, stat.st_mtime_ns) for name, stat in stats]
    return None, f"{_hash(directory / 'config.json')} {shards}"


def _hash(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else ""


def _public(base: str) -> str:
    """A base without the folders of this machine."""
    return Path(base).name if Path(base).exists() else base


def _device_name(model: Any) -> str:
    device = next(model.parameters()).device
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device.type)
