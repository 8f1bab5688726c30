"""The LoRA updates of an adapter directory, checked and read on demand."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from finetune.adapter.record import CONFIG, WEIGHTS
from finetune.merging.tensors import Stored, stored_in
from schemas.errors import ModelError

_PREFIX = "base_model.model."

#: Keys of adapter_config.json that say nothing about how an update is computed from A and B, or
#: that are read below. Any other key that is set belongs to a variant we would merge wrongly.
_HARMLESS = {
    "alora_invocation_tokens": (None,),
    "bias": ("none",),
    "init_lora_weights": (True, False, "gaussian"),  # the others change the base's weights
    "megatron_core": ("megatron.core",),
    "peft_type": ("LORA",),
    "qalora_group_size": (16,),
}
_UNDERSTOOD = {
    *("lora_alpha", "r", "lora_dropout", "target_modules", "task_type", "inference_mode"),
    *("base_model_name_or_path", "revision", "peft_version", "auto_mapping", "exclude_modules"),
    *("layers_to_transform", "layers_pattern"),
}


@dataclass(frozen=True, slots=True)
class Update:
    """What is added to a weight W [out, in]: scale · B [out, r] · A [r, in]."""

    module: str  # its name in the model, such as model.layers.0.self_attn.q_proj
    a: Stored
    b: Stored
    scale: float

    @property
    def shape(self) -> tuple[int, int]:
        """Of the weight: [out, in]."""
        return self.b.shape[0], self.a.shape[1]

    def factors(self) -> tuple[Any, Any]:
        """A and scale · B, float32."""
        return self.a.read().float(), self.b.read().float() * self.scale


def read_updates(directory: Path) -> list[Update]:
    """The updates of an adapter. Raises ModelError where it is no plain LoRA or does not fit."""
    config = _read_config(directory / CONFIG)
    tensors = {stored.name: stored for stored in stored_in(directory / WEIGHTS)}
    modules = {name.partition(".lora_")[0] for name in tensors}
    scale = float(config["lora_alpha"]) / int(config["r"])
    updates = [
        _update(directory / WEIGHTS, name, tensors, int(config["r"]), scale)
        for name in sorted(modules)
    ]
    if tensors:
        raise ModelError(f"{directory / WEIGHTS}: {min(tensors)} is no LoRA A or B; not supported")
    if not updates:
        raise ModelError(f"{directory / WEIGHTS}: holds no tensors; train the adapter again")
    return updates


def _read_config(path: Path) -> dict[str, Any]:
    try:
        config = json.loads(path.read_bytes())
        strange = [key for key, value in config.items() if not _understood(key, value)]
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file; name a directory of finetune.train") from None
    except (ValueError, AttributeError):
        raise ModelError(f"{path}: is no JSON object; train the adapter again") from None
    if strange:
        raise ModelError(
            f"{path}: {strange[0]}: {json.dumps(config[strange[0]])} is not supported; only plain "
            "LoRA can be merged here. Use PEFT's merge_and_unload for this adapter"
        )
    if not config.get("r") or not config.get("lora_alpha"):
        raise ModelError(f"{path}: names no r or lora_alpha; train the adapter again")
    return dict(config)


def _understood(key: str, value: Any) -> bool:
    return not value or key in _UNDERSTOOD or value in _HARMLESS.get(key, ())


def _update(path: Path, name: str, tensors: dict[str, Stored], rank: int, scale: float) -> Update:
    """Take A and B of one module out of `tensors`."""
    a = tensors.pop(f"{name}.lora_A.weight", None)
    b = tensors.pop(f"{name}.lora_B.weight", None)
    if a is None or b is None or not name.startswith(_PREFIX):
        raise ModelError(f"{path}: {name} has no LoRA A and B of a linear layer; not supported")
    if len(a.shape) != 2 or len(b.shape) != 2 or not a.shape[0] == b.shape[1] == rank:
        raise ModelError(f"{path}: {name}: A and B are not of rank {rank}; train it again")
    return Update(name.removeprefix(_PREFIX), a, b, scale)
