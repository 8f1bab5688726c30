"""The peak of a training run, by component: what is held all the time and the largest moment."""

from dataclasses import dataclass
from typing import Literal

from finetune.planning import memory
from finetune.planning.memory import Batch
from finetune.planning.shape import Shape
from finetune.recipe import TrainingRecipe

Moment = Literal["held", "layer", "head", "step"]
MOMENTS: dict[Moment, str] = {
    "held": "always",
    "layer": "layer, backward",
    "head": "LM head",
    "step": "optimiser",
}


@dataclass(frozen=True)
class Component:
    """One part of the memory, in bytes, and when it is there."""

    name: str
    size: int
    moment: Moment
    why: str


@dataclass(frozen=True)
class Estimate:
    """All components. The largest moment decides; the others fit into its place."""

    components: tuple[Component, ...]

    def of(self, moment: Moment) -> int:
        """Bytes that belong to that moment alone, or are held."""
        return sum(part.size for part in self.components if part.moment == moment)

    @property
    def moment(self) -> Moment:
        """The moment of the peak."""
        moments: tuple[Moment, ...] = ("layer", "head", "step")
        return max(moments, key=self.of)

    @property
    def tensors(self) -> int:
        """Peak of what PyTorch allocates (torch.cuda.max_memory_allocated)."""
        return self.of("held") + self.of(self.moment) - memory.CONTEXT

    @property
    def slack(self) -> int:
        """Blocks that the allocator cannot use again, a share of what comes and goes."""
        passing = self.of(self.moment) + sum(
            part.size for part in self.components if part.name.startswith("activations")
        )
        return int(passing * memory.SLACK)

    @property
    def peak(self) -> int:
        """What the GPU must have."""
        return self.of("held") + self.of(self.moment) + self.slack


def estimate(
    shape: Shape, recipe: TrainingRecipe, *, longest: int | None = None, gpus: int = 1
) -> Estimate:
    """The peak of one GPU under DistributedDataParallel. `longest`: tokens of the longest row,
    where the corpus has none as long as `max_length`.
    """
    batch = batch_of(recipe, longest)
    return Estimate(
        (*_held(shape, recipe, batch, gpus), *_passing(shape, recipe, batch)),
    )


def batch_of(recipe: TrainingRecipe, longest: int | None = None) -> Batch:
    """The largest forward pass of a run. Packed rows are laid end to end (trl's padding-free
    collator), so that attention's mask spans the whole batch.
    """
    length = recipe.max_length if longest is None else min(longest, recipe.max_length)
    if recipe.packing:
        return Batch(1, recipe.batch_size * recipe.max_length, masked=True)
    return Batch(recipe.batch_size, length, masked=recipe.batch_size > 1)


def _held(shape: Shape, recipe: TrainingRecipe, batch: Batch, gpus: int) -> list[Component]:
    def held(name: str, size: int, why: str) -> Component:
        return Component(name, size, "held", why)

    trained = memory.adapter(shape, recipe)
    layers = "recomputed: only each layer's input"
    kept = memory.layer_inputs(shape, recipe, batch)
    if not recipe.gradient_checkpointing:
        layers = "every layer's, all kept"
        kept = sum(memory.saved(shape, layer, recipe, batch) for layer in shape.layers)
    parts = [
        held("linear weights", memory.quantised_weights(shape, recipe), _held_as(recipe)),
        held("other weights", memory.plain_weights(shape, recipe), "embeddings, head, norms"),
        held("LoRA weights", trained, "fp32"),
        held("LoRA gradients", trained * (2 if gpus > 1 else 1), _gradients(gpus)),
        held("optimiser state", memory.optimizer(shape, recipe), recipe.optimizer),
        held("activations", kept, layers),
        held("activations, shared", memory.shared(shape, recipe, batch), "mask, rotary, ids"),
        held("LoRA copies", memory.adapter_copies(shape, recipe), "autocast"),
        held("CUDA context", memory.CONTEXT, "assumed"),
    ]
    return [part for part in parts if part.size]


def _passing(shape: Shape, recipe: TrainingRecipe, batch: Batch) -> list[Component]:
    saved, passing = max(
        (
            memory.saved(shape, layer, recipe, batch),
            memory.backward(shape, layer, recipe, batch),
        )
        for layer in set(shape.layers)
    )
    parts: list[Component] = [
        Component("one layer, gradients", passing, "layer", f"{batch.tokens:,} tokens"),
        Component("one weight, dequantised", memory.dequantised(shape, recipe), "layer", "largest"),
        Component(
            "LM head and loss", memory.head(shape, recipe, batch), "head", "a tile of logits"
        ),
        Component("workspace", memory.optimizer_workspace(shape, recipe), "step", recipe.optimizer),
    ]
    if recipe.gradient_checkpointing:
        parts.insert(0, Component("one layer, recomputed", saved, "layer", recipe.attention))
    return [part for part in parts if part.size]


def _held_as(recipe: TrainingRecipe) -> str:
    if recipe.quantization == "none":
        return recipe.compute_dtype
    return f"{recipe.quantization}{', double quantisation' if recipe.double_quantization else ''}"


def _gradients(gpus: int) -> str:
    return "fp32" if gpus == 1 else "fp32, and the buckets in which GPUs exchange them"
