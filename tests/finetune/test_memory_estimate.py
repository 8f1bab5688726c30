"""The estimate against what is really held: bytes of loaded models, and what autograd keeps."""

import json

import pytest

from finetune.planning import memory
from finetune.planning.estimate import estimate
from finetune.planning.levers import find_lever
from finetune.planning.memory import GIB, Batch
from finetune.planning.shape import read_shape

torch = pytest.importorskip("torch")

ALL = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"]
LLAMA = {
    "model_type": "llama",
    "vocab_size": 400,
    "hidden_size": 64,
    "intermediate_size": 160,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "tie_word_embeddings": False,
}
QWEN = LLAMA | {
    "model_type": "qwen3_moe",
    "head_dim": 16,
    "moe_intermediate_size": 96,
    "num_experts": 6,
    "num_experts_per_tok": 2,
    "tie_word_embeddings": True,
}


@pytest.fixture
def recipe_of(tiny_recipe, tmp_path):
    """A recipe on a random model of that config; without one, on the tiny Mixtral."""

    def make(config=None, **changes):
        if config is None:
            return tiny_recipe(**changes)
        (tmp_path / "config.json").write_text(json.dumps(config))
        place = {"model": str(tmp_path / "model"), "model_config_file": f"{tmp_path}/config.json"}
        return tiny_recipe(**place, **changes)

    return make


def linear_bytes(module):
    """Of a linear layer's weight, with all that bitsandbytes hangs on it."""
    weight = module.weight
    state = getattr(weight, "quant_state", None)
    tensors = [weight]
    if state is not None:
        tensors += [state.absmax, state.code]
        tensors += [state.offset, state.state2.absmax, state.state2.code] if state.nested else []
    return sum(tensor.nbytes for tensor in tensors)


@pytest.mark.parametrize("config", [None, LLAMA, QWEN], ids=["mixtral", "llama", "qwen3-moe"])
@pytest.mark.parametrize(
    ("quantization", "double"), [("nf4", True), ("nf4", False), ("none", True)]
)
def test_weights_are_counted_to_the_byte(recipe_of, config, quantization, double):
    from finetune.model import load_base

    recipe = recipe_of(
        config,
        quantization=quantization,
        double_quantization=double,
        compute_dtype="bfloat16",
        lora_targets=["q_proj"],
    )
    model = load_base(recipe)
    shape = read_shape(recipe)
    linear = [
        module
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear) and "layers." in name
    ]
    held = {id(module.weight) for module in linear}
    rest = [weight for weight in model.parameters() if id(weight) not in held]
    assert sum(map(linear_bytes, linear)) == memory.quantised_weights(shape, recipe)
    assert sum(t.nbytes for t in [*rest, *model.buffers()]) == memory.plain_weights(shape, recipe)


@pytest.mark.parametrize("kind", ["adamw", "adamw_8bit", "adamw_4bit"])
def test_adapter_and_optimizer_are_counted_to_the_byte(recipe_of, kind):
    from bitsandbytes.optim import AdamW8bit
    from torchao.optim import AdamW4bit

    from finetune.model import add_adapter, load_base

    recipe = recipe_of(optimizer=kind, lora_rank=64, lora_targets=["q_proj", "down_proj"])
    model = add_adapter(load_base(recipe), recipe)
    trained = [weight for weight in model.parameters() if weight.requires_grad]
    shape = read_shape(recipe)
    assert sum(weight.nbytes for weight in trained) == memory.adapter(shape, recipe)
    for weight in trained:
        weight.grad = torch.ones_like(weight)
    makers = {
        "adamw": torch.optim.AdamW,
        "adamw_8bit": AdamW8bit,
        "adamw_4bit": lambda weights: AdamW4bit(weights, block_size=256),  # as transformers does
    }
    optimizer = makers[kind](trained)
    torch.compiler.set_stance("force_eager")
    try:
        optimizer.step()
    finally:
        torch.compiler.set_stance("default")
    states = sum(state_bytes(optimizer.state[weight]) for weight in trained)
    assert states == memory.optimizer(shape, recipe)


def state_bytes(state):
    """Of the moments; not of step counters, nor of 8-bit code books that all tensors share."""
    tensors = [t for key, t in state.items() if "step" not in key and "qmap" not in key]
    return sum(
        sum(getattr(t, name).nbytes for name in ("codes", "scale", "qmap"))
        if hasattr(t, "codes")
        else t.nbytes
        for t in tensors
        if isinstance(t, torch.Tensor)
    )


@pytest.mark.parametrize("config", [None, LLAMA, QWEN], ids=["mixtral", "llama", "qwen3-moe"])
@pytest.mark.parametrize(
    "changes",
    [
        {"lora_targets": ["q_proj", "v_proj"]},
        {"lora_targets": ALL},
        {"lora_targets": ALL, "lora_dropout": 0.1},
        {"lora_targets": ["q_proj", "v_proj"], "attention": "eager"},
        {"lora_targets": ["q_proj", "v_proj"], "compute_dtype": "bfloat16"},
    ],
    ids=["attention", "all", "dropout", "eager", "bfloat16"],
)
def test_activations_are_estimated_within_a_tenth(recipe_of, config, changes, monkeypatch):
    monkeypatch.setattr(memory, "DROPPED", 4)  # on a CPU the mask is a float
    recipe = recipe_of(config, batch_size=2, max_length=128, **changes)
    shape = read_shape(recipe)
    batch = Batch(2, 128, masked=False)
    expected = sum(memory.saved(shape, layer, recipe, batch) for layer in shape.layers)
    measured = kept_by_layers(recipe, batch)
    assert expected == pytest.approx(measured, rel=0.10)


def kept_by_layers(recipe, batch):
    """Bytes that autograd keeps of the decoder layers, without weights and what they share."""
    from finetune.model import add_adapter, load_base

    model = add_adapter(load_base(recipe), recipe).train()
    weights = {storage(t) for t in [*model.parameters(), *model.buffers()]}
    kept = {}

    def pack(tensor):
        if storage(tensor) not in weights:
            kept[storage(tensor)] = (tensor.untyped_storage().nbytes(), tensor)
        return tensor

    ids = torch.randint(3, 300, (batch.rows, batch.length))
    autocast = torch.autocast("cpu", torch.bfloat16, enabled=recipe.compute_dtype == "bfloat16")
    decoder = model.get_base_model().model
    embedded = decoder.embed_tokens(ids).requires_grad_()
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda t: t), autocast:
        output = decoder(inputs_embeds=embedded).last_hidden_state
    casts = memory.adapter_copies(read_shape(recipe), recipe)
    last = memory.FP32 * batch.tokens * (output.shape[-1] + 1)  # the norm after the layers
    rotary = 2 * batch.length * recipe_head(model) * memory.item(recipe)
    return sum(size for size, _ in kept.values()) - casts - last - rotary


def storage(tensor):
    return tensor.untyped_storage().data_ptr()


def recipe_head(model):
    config = model.get_base_model().config
    return getattr(config, "head_dim", None) or config.hidden_size // config.num_attention_heads


PAPER = {"model": "mistralai/Mixtral-8x7B-Instruct-v0.1", "compute_dtype": "bfloat16"}


@pytest.fixture(scope="module")
def mixtral():
    from finetune.recipe import TrainingRecipe

    recipe = TrainingRecipe(data="c", output="o", **PAPER, optimizer="adamw_4bit", max_length=1024)
    return read_shape(recipe), recipe


def test_mixtral_in_four_bits(mixtral):
    shape, recipe = mixtral
    assert shape.parameters == 46_702_792_704
    linear = memory.quantised_weights(shape, recipe)
    assert linear / sum(matrix.values for matrix in shape.matrices) == pytest.approx(0.5159, 1e-4)
    assert (linear + memory.plain_weights(shape, recipe)) / GIB == pytest.approx(22.8, abs=0.05)
    single = recipe.model_copy(update={"double_quantization": False})
    both = memory.quantised_weights(shape, single) + memory.plain_weights(shape, single)
    assert both / GIB == pytest.approx(24.8, abs=0.1)


def test_the_bars_of_the_recipes(mixtral):
    shape, recipe = mixtral
    longer = recipe.model_copy(update={"max_length": 4096})
    assert estimate(shape, recipe).peak < 28 * GIB
    assert estimate(shape, longer).peak < 32 * GIB


@pytest.mark.parametrize(
    ("key", "less", "more"),
    [
        ("gradient_checkpointing", True, False),
        ("batch_size", 2, 4),
        ("max_length", 1024, 2048),
        ("double_quantization", True, False),
        ("attention", "sdpa", "eager"),
        ("quantization", "nf4", "none"),
        ("lora_dropout", 0.0, 0.1),
    ],
)
def test_each_lever_moves_the_estimate_the_way_it_says(mixtral, key, less, more):
    shape, recipe = mixtral
    small, large = (recipe.model_copy(update={key: value}) for value in (less, more))
    assert estimate(shape, small).peak < estimate(shape, large).peak


def test_more_gpus_do_not_make_a_run_smaller(mixtral):
    shape, recipe = mixtral
    assert estimate(shape, recipe, gpus=8).peak >= estimate(shape, recipe).peak


@pytest.mark.parametrize(
    ("changes", "gib", "found"),
    [
        ({"gradient_checkpointing": False}, 40, ["gradient_checkpointing=true"]),
        ({"batch_size": 16}, 30, ["batch_size=8", "accumulation=8"]),
        ({"attention": "eager", "max_length": 8192}, 48, ["attention=sdpa"]),
        ({"quantization": "none"}, 48, ["quantization=nf4", "double_quantization=true"]),
        ({"batch_size": 1, "max_length": 8192}, 27, ["max_length=4096"]),
    ],
)
def test_the_lever_that_makes_it_fit(mixtral, changes, gib, found):
    shape, recipe = mixtral
    changed = recipe.model_copy(update=changes)
    assert estimate(shape, changed).peak > gib * GIB
    lever = find_lever(shape, changed, gib * GIB, longest=None, gpus=1)
    assert lever is not None
    assert list(lever.changes) == found
    assert lever.estimate.peak <= gib * GIB


def test_no_lever_makes_mixtral_fit_a_small_gpu(mixtral):
    shape, recipe = mixtral
    assert find_lever(shape, recipe, 16 * GIB, longest=None, gpus=1) is None
