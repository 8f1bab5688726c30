"""The base model in four bits, its adapter, and the checks on both."""

from finetune.model.adapters import LoadedAdapter, load_adapter
from finetune.model.gradients import GradientWatch
from finetune.model.guard import inspect_model
from finetune.model.load import load_base, load_tokenizer
from finetune.model.lora import add_adapter
from finetune.model.random_model import make_random_model

__all__ = [
    "GradientWatch",
    "LoadedAdapter",
    "add_adapter",
    "inspect_model",
    "load_adapter",
    "load_base",
    "load_tokenizer",
    "make_random_model",
]
