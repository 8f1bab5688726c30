"""The shape of a model, read off its modules on the meta device: no weight is ever made."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from finetune.base import FUSED, base_config
from finetune.recipe import TrainingRecipe
from schemas.errors import ModelError

if TYPE_CHECKING:
    from torch import nn
    from transformers import PretrainedConfig, PreTrainedModel


class Matrix(NamedTuple):
    """A linear weight, `rows` outputs by `columns` inputs."""

    name: str  # the last name of its module: what a recipe's `lora_targets` name
    rows: int
    columns: int
    expert: bool = False

    @property
    def values(self) -> int:
        """How many numbers it holds."""
        return self.rows * self.columns


@dataclass(frozen=True)
class Layer:
    """A decoder layer: its linear weights, experts one by one, and the widths of its norms."""

    matrices: tuple[Matrix, ...]
    norms: tuple[int, ...]  # values per token that each normalises
    experts: int  # 0: none
    chosen: int  # experts per token

    def width(self, name: str, *, expert: bool = False) -> int:
        """Outputs of the matrices of that name for one token; 0 where there is none."""
        found = [m.rows for m in self.matrices if m.name == name and m.expert is expert]
        return max(found, default=0) if expert else sum(found)


@dataclass(frozen=True)
class Shape:
    """A causal language model as far as its memory goes."""

    architecture: str
    model_type: str  # as in config.json
    parameters: int
    layers: tuple[Layer, ...]
    hidden: int
    heads: int
    head: int  # values per attention head
    vocabulary: int
    plain: int  # parameters that stay unquantised: embeddings, head, norms, routers, biases
    buffers: int  # bytes

    @property
    def matrices(self) -> list[Matrix]:
        """Of all layers."""
        return [matrix for layer in self.layers for matrix in layer.matrices]


def read_shape(recipe: TrainingRecipe) -> Shape:
    """The shape of the recipe's model. Raises ModelError where its config cannot be had."""
    return shape_of(base_config(recipe))


def shape_of(config: "PretrainedConfig") -> Shape:
    """The shape of the model that a transformers config describes."""
    import torch
    from transformers import AutoModelForCausalLM

    try:
        with torch.device("meta"):
            model = AutoModelForCausalLM.from_config(config)
    except ValueError:
        raise ModelError(
            f"{config.model_type}: transformers has no causal language model of it"
        ) from None
    layers = tuple(_layer(layer, config) for layer in _decoder(model).layers)
    quantised = sum(matrix.values for layer in layers for matrix in layer.matrices)
    parameters = sum(parameter.numel() for parameter in model.parameters())
    heads = config.num_attention_heads
    return Shape(
        architecture=type(model).__name__,
        model_type=config.model_type,
        parameters=parameters,
        layers=layers,
        hidden=config.hidden_size,
        heads=heads,
        head=getattr(config, "head_dim", None) or config.hidden_size // heads,
        vocabulary=config.vocab_size,
        plain=parameters - quantised,
        buffers=sum(buffer.nbytes for buffer in model.buffers()),
    )


def _decoder(model: "PreTrainedModel") -> "nn.Module":
    decoder = getattr(model, model.base_model_prefix, None)
    if getattr(decoder, "layers", None) is None:
        raise ModelError(f"{type(model).__name__}: this architecture is not supported")
    return decoder


def _layer(layer: "nn.Module", config: "PretrainedConfig") -> Layer:
    matrices = tuple(_matrices(layer))
    experts = max((_experts(module) for module in layer.modules()), default=0)
    widths = {matrix.name: matrix.rows for matrix in matrices}
    per_head = {"q_norm": widths.get("q_proj", 0), "k_norm": widths.get("k_proj", 0)}
    norms = [
        per_head.get(name.rpartition(".")[2], module.weight.numel())
        for name, module in layer.named_modules()
        if type(module).__name__.endswith("Norm")
    ]
    return Layer(matrices, tuple(norms), experts, getattr(config, "num_experts_per_tok", 0) or 0)


def _matrices(layer: "nn.Module") -> Iterator[Matrix]:
    from torch import nn

    from finetune.model.quantizer import is_router

    for name, module in layer.named_modules():
        last = name.rpartition(".")[2]
        if isinstance(module, nn.Linear) and not is_router(name):
            yield Matrix(last, *module.weight.shape)
        elif _experts(module):
            yield from _fused(module)
        elif any(parameter.ndim > 2 for parameter in module.parameters(recurse=False)):
            raise ModelError(f"{type(module).__name__}: experts of this kind are not supported")


def _experts(module: "nn.Module") -> int:
    """How many experts a module holds fused, (experts, rows, columns)."""
    names = {name for name, p in module.named_parameters(recurse=False) if p.ndim == 3}
    return module.down_proj.shape[0] if names == set(FUSED) else 0


def _fused(module: "nn.Module") -> Iterator[Matrix]:
    experts, hidden, inner = module.down_proj.shape
    for _ in range(experts):
        yield Matrix("gate_proj", inner, hidden, expert=True)
        yield Matrix("up_proj", inner, hidden, expert=True)
        yield Matrix("down_proj", hidden, inner, expert=True)
