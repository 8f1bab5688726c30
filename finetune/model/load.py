"""Load what a recipe names: the tokenizer, and the base model in 4 bits."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, AutoTokenizer, GenerationConfig
from transformers.utils import logging

from finetune.base import base_config, base_directory, template_of
from finetune.model.checkpoint import lazy_tensors, returning_memory
from finetune.model.experts import is_fused_key
from finetune.model.guard import check_base
from finetune.model.mistral_tokenizer import mistral_v1_tokenizer
from finetune.model.quantizer import four_bit_config, unquantized_config
from finetune.model.random_model import make_random_model
from finetune.recipe import TrainingRecipe
from schemas.errors import ModelError


def load_tokenizer(recipe: TrainingRecipe) -> Any:
    """The model's tokenizer, with a token of its own for padding; embeddings keep their size.

    Where the template is Mistral's v1, it is mistral-common's, so that whatever reads the adapter
    directory sees the tokens and the template of training; every model made from a config gets it
    too. Raises ModelError where there is none, or none that fits.
    """
    _make(recipe)
    config = base_config(recipe)
    if template_of(recipe.template, config) == "mistral-v1" or recipe.model_config_file:
        tokenizer = mistral_v1_tokenizer()
    elif _brings_tokenizer(recipe.model):
        tokenizer = _pretrained_tokenizer(recipe)
    else:
        raise ModelError(f"{recipe.model}: holds no tokenizer; copy its tokenizer.json there")
    _set_padding(tokenizer, recipe.model)
    if max(tokenizer.get_vocab().values()) >= config.vocab_size:
        raise ModelError(
            f"{recipe.model}: its vocab_size is {config.vocab_size}, its tokenizer has "
            f"{len(tokenizer)} tokens; they belong to different models"
        )
    return tokenizer


def load_base(recipe: TrainingRecipe) -> Any:
    """The base model on one device, its linear weights and experts in 4 bits, checked.

    Each weight is quantised as it is read: the bf16 model never exists. Raises ModelError where
    the checkpoint is incomplete, quantised already, or in a shape that cannot be quantised.
    """
    _make(recipe)
    config = base_config(recipe)
    if getattr(config, "quantization_config", None) is not None:
        raise ModelError(
            f"{recipe.model}: is quantised already; name the original model, "
            "it is quantised as it is read"
        )
    config.use_cache = False
    model, loading = _pretrained(recipe, config)
    _refuse_incomplete(recipe.model, loading)
    model.requires_grad_(requires_grad=False)
    check_base(model, quantized=recipe.quantization != "none")
    return model


def device() -> torch.device:
    """The GPU of this process, or the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda", int(os.environ.get("LOCAL_RANK", "0")))
    return torch.device("cpu")


def _make(recipe: TrainingRecipe) -> None:
    if recipe.model_config_file:
        make_random_model(Path(recipe.model_config_file), Path(recipe.model), recipe.seed)


def _brings_tokenizer(model: str) -> bool:
    # A Hub id always tries: what it lacks is said by the Hub.
    files = ("tokenizer.json", "tokenizer.model", "tokenizer_config.json")
    return not Path(model).is_dir() or any((Path(model) / file).exists() for file in files)


def _pretrained_tokenizer(recipe: TrainingRecipe) -> Any:
    try:
        return AutoTokenizer.from_pretrained(recipe.model, revision=recipe.model_revision)
    except Exception as error:  # tokenizers has no class of its own for a damaged file
        raise _cannot_load(recipe.model, error) from error


def _set_padding(tokenizer: Any, model: str) -> None:
    """Pad with a token that no text yields, and never with EOS, which is trained."""
    if tokenizer.pad_token_id is not None and tokenizer.pad_token_id != tokenizer.eos_token_id:
        return
    if tokenizer.unk_token is None:
        raise ModelError(
            f"{model}: its tokenizer pads with EOS and has no <unk> to pad with instead; "
            "set pad_token in its tokenizer_config.json to an unused token"
        )
    tokenizer.pad_token = tokenizer.unk_token


def _pretrained(recipe: TrainingRecipe, config: Any) -> tuple[Any, dict[str, Any]]:
    if not sys.stderr.isatty():
        logging.disable_progress_bar()
    dtype = getattr(torch, recipe.compute_dtype)
    if recipe.quantization == "none":
        quantization: Any = unquantized_config()
    else:
        quantization = four_bit_config(recipe.quantization, recipe.double_quantization, dtype)
    architecture = _class_of(config)
    if recipe.attention == "sdpa" and not architecture._supports_sdpa:
        raise ModelError(f"{architecture.__name__}: has no sdpa attention; set attention: eager")
    directory = base_directory(recipe.model, recipe.model_revision)
    config.name_or_path = recipe.model
    try:
        with returning_memory(), _quietly():
            model, loading = architecture.from_pretrained(
                None,
                config=config,
                state_dict=lazy_tensors(directory),
                dtype=dtype,
                attn_implementation=recipe.attention,
                quantization_config=quantization,
                device_map={"": device()},
                output_loading_info=True,
            )
    except (OSError, ValueError, KeyError, AttributeError, ImportError) as error:
        raise _cannot_load(recipe.model, error) from None
    if (directory / "generation_config.json").is_file():
        model.generation_config = GenerationConfig.from_pretrained(directory)
    if directory != Path(recipe.model):  # the Hub's cache names a folder by its commit
        model.config._commit_hash = directory.name
    return model, loading


def _class_of(config: Any) -> Any:
    try:
        return MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
    except KeyError:
        raise ModelError(
            f"{config.model_type}: transformers has no causal language model of it"
        ) from None


@contextmanager
def _quietly() -> Iterator[None]:
    """Without transformers' report of keys that do not fit: we say it ourselves."""
    level = logging.get_verbosity()
    logging.set_verbosity_error()
    try:
        yield
    finally:
        logging.set_verbosity(level)


def _refuse_incomplete(model: str, loading: dict[str, Any]) -> None:
    fused = [key for key in loading.get("unexpected_keys") or () if is_fused_key(str(key))]
    if fused:
        raise ModelError(
            f"{model}: keeps all experts of a layer in one tensor ({min(fused)}), as transformers "
            "5 holds them in memory; name the model that it was made from, or save it again with "
            "save_pretrained(DIR, save_original_format=True)"
        )
    for problem in ("missing_keys", "unexpected_keys", "mismatched_keys"):
        keys = sorted(map(str, loading.get(problem) or ()))
        if keys:
            word = problem.removesuffix("_keys")
            raise ModelError(
                f"{model}: {len(keys)} {word} weights, first {keys[0]}; "
                "the checkpoint is damaged or of another architecture; fetch it again"
            )


def _cannot_load(model: str, error: Exception) -> ModelError:
    reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    return ModelError(f"{model}: cannot be loaded ({reason}); check `model` and `model_revision`")
