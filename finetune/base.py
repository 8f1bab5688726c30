"""The base model of a recipe: its files, its configuration, the template that goes with it."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from finetune.console import needs
from finetune.recipe import TrainingRecipe
from schemas.errors import ModelError

if TYPE_CHECKING:
    from transformers import PretrainedConfig

#: The config of Mixtral-8x7B-Instruct-v0.1, so that a plan or a preview needs no network.
MIXTRAL = Path(__file__).parent / "mixtral-8x7b.json"
_KNOWN = {"mistralai/Mixtral-8x7B-Instruct-v0.1": MIXTRAL}
_V1_VOCABULARY = 32000

#: How transformers 5 names the two tensors that hold all experts of a layer.
FUSED = ("gate_up_proj", "down_proj")
INDEX = "model.safetensors.index.json"
SINGLE = "model.safetensors"
TOKENIZER_FILES = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("tokenizer.model", "tokenizer.model.v1", "vocab.json", "merges.txt", "chat_template.jinja"),
)
MODEL_FILES = ("config.json", "generation_config.json", "LICENSE", "LICENSE.txt", "NOTICE")
BASE_FILES = ("*.safetensors", INDEX, *TOKENIZER_FILES, *MODEL_FILES)


def base_directory(model: str, revision: str | None, files: Sequence[str] = BASE_FILES) -> Path:
    """The directory of a base: `model` itself, or the Hub's, of which `files` are fetched.

    Only safetensors are fetched: other formats of weights can hold code. The Hub's directory has
    the name of its commit. Raises ModelError where it is neither, or the Hub does not give it.
    """
    if (Path(model) / "config.json").is_file():
        return Path(model)
    from huggingface_hub import constants, errors, snapshot_download

    transport: type[Exception] = errors.HTTPError  # type: ignore[attr-defined]  # httpx or httpx2
    try:
        fetched = snapshot_download(
            model, revision=revision, allow_patterns=list(files), ignore_patterns=["consolidated*"]
        )
    except (OSError, ValueError, transport):
        raise ModelError(
            f"{model}: is no directory with a config.json, and {constants.ENDPOINT} does not give "
            "it; check the name and revision, or run `hf auth login`"
        ) from None
    return Path(fetched)


def refuse_architecture(model: str, architectures: Sequence[str] | None, trained: str) -> None:
    """Raise ModelError where a base is not of the architecture that an adapter was `trained` on.

    Equal shapes prove nothing: a Mistral and a Llama may have them all in common.
    """
    if architectures and trained not in architectures:
        raise ModelError(
            f"{model}: is a {architectures[0]}, the adapter is for a {trained}; name the base that "
            "it was trained on with --base"
        )


def read_index(directory: Path) -> dict[str, str] | None:
    """Tensor → file of a checkpoint in several files; None where it is one.

    Raises ModelError where it is neither.
    """
    index = directory / INDEX
    if not index.is_file():
        if not (directory / SINGLE).is_file():
            raise ModelError(f"{directory}: holds no safetensors; convert or fetch the base so")
        return None
    try:
        files: dict[str, str] = json.loads(index.read_bytes())["weight_map"]
        inside = all(Path(file).name == file for file in files.values())
    except (ValueError, KeyError, TypeError, AttributeError):
        files, inside = {}, False
    if not files or not inside:
        raise ModelError(f"{index}: is no index of shards; fetch the base again")
    return files


def base_config(recipe: TrainingRecipe) -> "PretrainedConfig":
    """The base model's config.json. Raises ModelError where it cannot be had."""
    with needs("finetune"):
        from transformers import AutoConfig
    if recipe.model_config_file and not Path(recipe.model_config_file).is_file():
        raise ModelError(f"model_config_file: {recipe.model_config_file}: no such file")
    source = recipe.model_config_file or _KNOWN.get(recipe.model, recipe.model)
    revision = recipe.model_revision if source == recipe.model else None
    try:
        return AutoConfig.from_pretrained(source, revision=revision)
    except (OSError, ValueError, KeyError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise ModelError(
            f"{source}: its config.json cannot be read ({reason}); check `model` and "
            "`model_revision`, or name a directory that holds one"
        ) from None


def template_of(template: str, config: "PretrainedConfig") -> Literal["mistral-v1", "tokenizer"]:
    """What a recipe's `template` means for a base model: `auto` is v1 for Mixtral-8x7B alone.

    Mixtral-8x22B, and Mixtrals with a vocabulary extended for Chinese, have other tokens: they
    bring their own template. Raises ModelError where v1 is asked for and cannot be.
    """
    v1 = config.vocab_size == _V1_VOCABULARY
    if template == "mistral-v1" and not v1:
        raise ModelError(
            f"template: mistral-v1 has {_V1_VOCABULARY} tokens, the base model has "
            f"{config.vocab_size}; set template: tokenizer"
        )
    if template == "mistral-v1" or (template == "auto" and v1 and config.model_type == "mixtral"):
        return "mistral-v1"
    return "tokenizer"
