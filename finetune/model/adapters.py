"""Load a finished adapter directory on its base model, to run it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from peft import LoraConfig
from transformers import AutoTokenizer

from finetune.adapter.record import TrainingRecord, read_record
from finetune.base import refuse_architecture
from finetune.model.load import load_base
from finetune.model.lora import AdaptedModel, match_targets, to_fp32
from schemas.errors import ModelError


@dataclass(frozen=True)
class LoadedAdapter:
    """An adapter on its base, in evaluation mode; `model.disable_adapter()` gives the base."""

    model: AdaptedModel
    tokenizer: Any
    record: TrainingRecord


def load_adapter(
    directory: Path, *, quantization: str | None = None, base: str | None = None
) -> LoadedAdapter:
    """Load what `finetune.train` wrote to `directory`, and the base model that it names.

    `quantization` and `base` (a directory or Hub id) stand in for the recipe's. Raises ModelError
    where a part is missing, or the adapter does not fit the base.
    """
    record = read_record(directory)
    recipe = record.recipe
    if quantization is not None:
        recipe = recipe.model_copy(update={"quantization": quantization})
    if base is not None:  # what the recipe says of its own base says nothing of this one
        other = {"model": base, "model_revision": None, "model_config_file": None}
        recipe = recipe.model_copy(update=other)
    tokenizer = _tokenizer(directory)
    model = load_base(recipe)
    refuse_architecture(recipe.model, [type(model).__name__], record.base.architecture)
    return LoadedAdapter(_attach(model, directory), tokenizer, record)


def _tokenizer(directory: Path) -> Any:
    try:
        return AutoTokenizer.from_pretrained(directory)
    except (OSError, ValueError, KeyError):
        raise ModelError(
            f"{directory}: its tokenizer is missing or damaged; repeat finetune.train"
        ) from None


def _attach(model: Any, directory: Path) -> AdaptedModel:
    try:
        config = LoraConfig.from_pretrained(str(directory))
        match_targets(model, sorted(config.target_modules or ()))
        adapted = AdaptedModel(model, config)
        result = adapted.load_adapter(str(directory), "default")
    except (OSError, ValueError, KeyError, TypeError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ModelError(
            f"{directory}: the adapter does not fit the base model ({reason}); name its own base"
        ) from None
    lacking = [key for key in result.missing_keys if ".lora_" in key] + result.unexpected_keys
    if lacking:
        raise ModelError(
            f"{directory}: {len(lacking)} adapter weights do not fit the base model, first "
            f"{lacking[0]}; name its own base"
        )
    to_fp32(adapted)
    adapted.requires_grad_(requires_grad=False)
    adapted.config.use_cache = True
    adapted.eval()
    return adapted
