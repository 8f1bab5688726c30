"""Every formula of the memory estimate. Bytes throughout; docs/memory.md tells the same in prose.

What a tensor costs follows from the code that keeps it: bitsandbytes 0.50 (weights, 8-bit AdamW),
torchao 0.18 (4-bit AdamW), peft 0.21 (LoRA), transformers 5.23 (layers), trl 1.16 (LM head).
T is the tokens of a forward pass, rows x length, padding included.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil

from finetune.planning.shape import Layer, Matrix, Shape
from finetune.recipe import TrainingRecipe

MIB = 1 << 20
GIB = 1 << 30

# Assumptions: no formula gives these. They are named in every estimate.
CONTEXT = 600 * MIB  # CUDA context, its modules, cuBLAS workspaces: about what H100s show when idle
SLACK = 0.10  # of what comes and goes: blocks that the caching allocator cannot use again
SKEW = 2.0  # the busiest expert's tokens over the mean

FP32 = 4
BLOCK = 64  # values per scale (bitsandbytes.functional.quantize_4bit)
NESTED_BLOCK = 256  # scales per second scale (there, compress_statistics)
CODEBOOKS = 16 * FP32, 256 * FP32 + FP32  # per weight: nf4's; the scales' own, and their mean
SMALLEST_QUANTISED = 4096  # optimiser states of smaller tensors stay fp32 (both libraries)
DROPPED = 1  # byte per value of LoRA's dropout on CUDA (native_dropout's bool mask)
OPTIMIZER_BLOCK = 256  # bitsandbytes.optim; transformers' default for torchao's too
HEAD_TOKENS, HEAD_WORDS = 4096, 32768  # one tile of logits (trl.kernels.chunked_logprob)


@dataclass(frozen=True)
class Batch:
    """A forward pass: `rows` of `length` tokens. `masked`: rows are padded or hold several parts,
    so attention gets a mask of length x length.
    """

    rows: int
    length: int
    masked: bool

    @property
    def tokens(self) -> int:
        """Of the whole pass."""
        return self.rows * self.length


def item(recipe: TrainingRecipe) -> int:
    """Bytes of a value of unquantised weights and of activations."""
    return FP32 if recipe.compute_dtype == "float32" else 2


def matrix(values: int, recipe: TrainingRecipe) -> int:
    """A linear weight as bitsandbytes lays it out: two values a byte, a scale per 64, and with
    double quantisation a byte per scale and an fp32 scale per 256 of them.
    """
    if recipe.quantization == "none":
        return values * item(recipe)
    scales = ceil(values / BLOCK)
    packed = ceil(values / 2) + CODEBOOKS[0]
    if not recipe.double_quantization:
        return packed + scales * FP32
    return packed + scales + ceil(scales / NESTED_BLOCK) * FP32 + CODEBOOKS[1]


def quantised_weights(shape: Shape, recipe: TrainingRecipe) -> int:
    """All linear weights of the layers, experts included."""
    return sum(matrix(weight.values, recipe) for weight in shape.matrices)


def plain_weights(shape: Shape, recipe: TrainingRecipe) -> int:
    """Embeddings, LM head, norms, routers, biases; rotary frequencies."""
    return shape.plain * item(recipe) + shape.buffers


def adapter_tensors(shape: Shape, recipe: TrainingRecipe) -> list[int]:
    """Sizes of LoRA's A (rank x inputs) and B (outputs x rank), in values, of every target."""
    rank = recipe.lora_rank
    targets = [weight for weight in shape.matrices if weight.name in recipe.lora_targets]
    return [size * rank for weight in targets for size in (weight.columns, weight.rows)]


def adapter(shape: Shape, recipe: TrainingRecipe) -> int:
    """LoRA weights in fp32; their gradients are as large."""
    return FP32 * sum(adapter_tensors(shape, recipe))


def optimizer(shape: Shape, recipe: TrainingRecipe) -> int:
    """Both moments of AdamW over the LoRA tensors."""
    return sum(_moments(size, recipe.optimizer) for size in adapter_tensors(shape, recipe))


def _moments(size: int, kind: str) -> int:
    if kind in ("adamw", "adamw_8bit", "paged_adamw_8bit") and (
        kind == "adamw" or size < SMALLEST_QUANTISED
    ):
        return 2 * FP32 * size
    if kind != "adamw_4bit":  # bitsandbytes.optim.optimizer.Optimizer2State.init_state
        return 2 * (size + ceil(size / OPTIMIZER_BLOCK) * FP32)
    if size < SMALLEST_QUANTISED or size % OPTIMIZER_BLOCK:  # torchao.optim.adam._new_buffer
        return 2 * FP32 * size
    return 2 * (size // 2 + size // OPTIMIZER_BLOCK * FP32 + 16 * FP32)


def optimizer_workspace(shape: Shape, recipe: TrainingRecipe) -> int:
    """Foreach AdamW makes one fp32 copy of all trained values; the others work in place."""
    return adapter(shape, recipe) if recipe.optimizer == "adamw" else 0


def adapter_copies(shape: Shape, recipe: TrainingRecipe) -> int:
    """Autocast keeps each LoRA weight in bf16 for as long as the forward pass lasts."""
    return adapter(shape, recipe) // 2 if recipe.compute_dtype == "bfloat16" else 0


def dequantised(shape: Shape, recipe: TrainingRecipe) -> int:
    """The largest linear weight in the compute type, with its scales twice in fp32
    (bitsandbytes.backends.cuda.ops._dequant_linear_fallback); one at a time lives.
    """
    if recipe.quantization == "none":
        return 0
    largest = max(weight.values for weight in shape.matrices)
    return largest * item(recipe) + 2 * FP32 * ceil(largest / BLOCK)


def layer_inputs(shape: Shape, recipe: TrainingRecipe, batch: Batch) -> int:
    """What gradient checkpointing keeps: the input of every layer."""
    return len(shape.layers) * batch.tokens * shape.hidden * item(recipe)


def shared(shape: Shape, recipe: TrainingRecipe, batch: Batch) -> int:
    """What all layers use: rotary cosines and sines, the attention mask (bool), ids and labels."""
    rotary = 2 * batch.tokens * shape.head * item(recipe)
    ids = 4 * 8 * batch.tokens
    return rotary + ids + (batch.rows * batch.length**2 if batch.masked else 0)


def saved(shape: Shape, layer: Layer, recipe: TrainingRecipe, batch: Batch) -> int:
    """What autograd keeps of one layer. bitsandbytes' matmul keeps no activation
    (autograd._functions.MatMul4Bit); an unquantised frozen one neither, its weight being constant.
    """
    norms = FP32 * batch.tokens * sum(width + 1 for width in layer.norms)
    return (
        norms
        + _attention(shape, layer, recipe, batch)
        + _mlp(shape, layer, recipe, batch)
        + _lora(layer, recipe, batch)
    )


def _attention(shape: Shape, layer: Layer, recipe: TrainingRecipe, batch: Batch) -> int:
    """Queries, keys, values; sdpa: output and log-sum-exp; eager: all scores, twice.

    With a mask transformers repeats keys and values for every query head
    (integrations.sdpa_attention), and sdpa turns the bool mask into numbers per layer.
    """
    size, tokens = item(recipe), batch.tokens
    queries = shape.heads * shape.head
    repeated = recipe.attention == "eager" or (recipe.attention == "sdpa" and batch.masked)
    keys = queries if repeated else layer.width("k_proj")
    kept = tokens * (queries + 2 * keys) * size
    scores = batch.rows * shape.heads * batch.length**2
    if recipe.attention == "eager":
        return kept + scores * (FP32 + (size if size != FP32 else 0))
    mask = batch.rows * batch.length**2 * size if repeated else 0
    return kept + tokens * queries * size + tokens * shape.heads * FP32 + mask


def _mlp(shape: Shape, layer: Layer, recipe: TrainingRecipe, batch: Batch) -> int:
    """The gate's silu keeps its input, the product both factors. Experts do so for every copy of a
    token, and keep their output for the router's gradient; the router keeps probabilities, choices.
    """
    size = item(recipe)
    dense = 3 * batch.tokens * layer.width("gate_proj") * size
    if not layer.experts:
        return dense
    copies = batch.tokens * layer.chosen
    inner = layer.width("gate_proj", expert=True)
    router = batch.tokens * layer.experts * FP32 + copies * 4 * 8
    return dense + copies * (3 * inner + shape.hidden) * size + router


def _lora(layer: Layer, recipe: TrainingRecipe, batch: Batch) -> int:
    """LoRA keeps the input of A, one for the targets that share it, and of B. With dropout each
    target keeps its own, and the mask of what was dropped.
    """
    inputs = dict(_lora_inputs(layer, recipe, batch))
    middle = sum(
        _copies(weight, layer, batch) * recipe.lora_rank
        for weight in _one_expert(layer)
        if weight.name in recipe.lora_targets
    )
    if recipe.lora_dropout:
        kept = sum(inputs.values()) * (item(recipe) + DROPPED)
    else:
        sharing = {_source(name): values for name, values in inputs.items()}
        kept = sum(sharing.values()) * item(recipe)
    return kept + middle * item(recipe)


def _lora_inputs(
    layer: Layer, recipe: TrainingRecipe, batch: Batch
) -> Iterator[tuple[tuple[str, bool], int]]:
    for weight in _one_expert(layer):
        if weight.name in recipe.lora_targets:
            yield (weight.name, weight.expert), _copies(weight, layer, batch) * weight.columns


def _source(name: tuple[str, bool]) -> tuple[str, bool]:
    """The tensor that a matrix reads."""
    shared_by = {"q_proj": "attention", "k_proj": "attention", "v_proj": "attention"}
    shared_by |= {"gate_proj": "mlp", "up_proj": "mlp"}
    return shared_by.get(name[0], name[0]), name[1]


def _one_expert(layer: Layer) -> set[Matrix]:
    return set(layer.matrices)


def _copies(weight: Matrix, layer: Layer, batch: Batch) -> int:
    return batch.tokens * (layer.chosen if weight.expert else 1)


def backward(shape: Shape, layer: Layer, recipe: TrainingRecipe, batch: Batch) -> int:
    """What a layer's backward pass makes and drops: the stream's gradient, twice, and the larger
    of attention's and the MLP's. Experts: every copy's gradient before and after its expert and
    once more in order (finetune.model.experts), and all within the busiest expert.
    """
    size = item(recipe)
    stream = 2 * batch.tokens * shape.hidden * size
    scores = batch.rows * shape.heads * batch.length**2 if recipe.attention == "eager" else 0
    attention = scores * (FP32 + 2 * size) + 4 * batch.tokens * shape.heads * shape.head * size
    inner = layer.width("gate_proj", expert=True) or layer.width("gate_proj")
    busiest = batch.tokens
    if layer.experts:
        busiest = min(busiest, ceil(busiest * layer.chosen / layer.experts * SKEW))
        stream += 3 * batch.tokens * layer.chosen * shape.hidden * size
    mlp = busiest * (4 * inner * size + shape.hidden * (3 * size + FP32))
    return stream + max(attention, mlp)


def head(shape: Shape, recipe: TrainingRecipe, batch: Batch) -> int:
    """The fused LM head of trl: the last norm, the labelled positions' hidden states (at most
    all), one tile of logits, and the hidden states' gradient in fp32 and again in the compute type.
    """
    size, values = item(recipe), batch.tokens * shape.hidden
    tile = min(batch.tokens, HEAD_TOKENS) * HEAD_WORDS * size
    return values * (FP32 + size) + tile + values * (FP32 + size)
