"""An adapter added to its base, against PEFT's own merge and against sums made by hand."""

import json
import shutil

import pytest
import torch
from adapter_records import make_record
from click.testing import CliRunner
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import (
    AutoModelForCausalLM,
    LlamaConfig,
    LlamaForCausalLM,
    MixtralConfig,
    MixtralForCausalLM,
)

from finetune.merge import _bytes
from finetune.merging import merge_adapter, tensors
from finetune.merging.tensors import stored_in
from schemas.errors import AuroraError, ModelError

SIZES = {
    "vocab_size": 256,
    "hidden_size": 64,
    "intermediate_size": 96,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
}
IDS = torch.arange(40).view(2, 20) * 5 % 256


@pytest.fixture(scope="module")
def bases(tmp_path_factory):
    """A Mixtral in many shards and a Llama in one file, both random and float32."""
    folder = tmp_path_factory.mktemp("bases")
    torch.manual_seed(0)
    mixtral = MixtralConfig(**SIZES, num_local_experts=4, initializer_range=0.2)
    MixtralForCausalLM(mixtral).save_pretrained(folder / "mixtral", max_shard_size="150KB")
    llama = LlamaConfig(**SIZES, tie_word_embeddings=True, initializer_range=0.2)
    LlamaForCausalLM(llama).save_pretrained(folder / "llama")
    (folder / "mixtral" / "tokenizer_config.json").write_text('{"from": "base"}')
    (folder / "mixtral" / "tokenizer.model").write_bytes(b"pieces")
    return folder


@pytest.fixture
def adapt(bases, tmp_path):
    """Make an adapter directory with a random update of the targets; gives (base, adapter)."""

    def make(name="mixtral", targets=("q_proj", "v_proj"), **options):
        torch.manual_seed(1)
        base, adapter = bases / name, tmp_path / "adapter"
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        config = LoraConfig(r=4, lora_alpha=12, target_modules=[*targets], **options)
        model = get_peft_model(model, config)
        for key, parameter in model.named_parameters():
            if "lora_" in key:
                torch.nn.init.normal_(parameter, std=0.2)
        model.save_pretrained(adapter)
        finish(adapter, base)
        return base, adapter

    return make


def finish(adapter, base):
    """The record that says: trained on `base`."""
    record = make_record()
    (architecture,) = json.loads((base / "config.json").read_text())["architectures"]
    changed = record.base.model_copy(
        update={"model": str(base), "revision": None, "architecture": architecture}
    )
    record = record.model_copy(update={"base": changed})
    (adapter / "training.json").write_text(record.model_dump_json())


@pytest.fixture
def adapt_experts(bases, tmp_path):
    """An adapter of q_proj and of every expert, named as in the model that we train."""
    torch.manual_seed(2)
    base, adapter = bases / "mixtral", tmp_path / "adapter"
    shapes = {"gate_proj": (96, 64), "up_proj": (96, 64), "down_proj": (64, 96)}
    modules = {
        f"model.layers.{layer}.mlp.experts.{expert}.{name}": shape
        for layer in range(2)
        for expert in range(4)
        for name, shape in shapes.items()
    } | {"model.layers.1.self_attn.q_proj": (64, 64)}
    pairs = {}
    for module, (rows, columns) in modules.items():
        pairs[f"base_model.model.{module}.lora_A.weight"] = 0.2 * torch.randn(4, columns)
        pairs[f"base_model.model.{module}.lora_B.weight"] = 0.2 * torch.randn(rows, 4)
    adapter.mkdir()
    save_file(pairs, adapter / "adapter_model.safetensors")
    LoraConfig(r=4, lora_alpha=12, target_modules=["q_proj"]).save_pretrained(adapter)
    finish(adapter, base)
    return base, adapter, pairs


def merge(adapter, output, **options):
    defaults = {"base": None, "shard_bytes": 200_000, "dtype": "float32"}
    return merge_adapter(adapter, output, **(defaults | options))


def logits(model):
    with torch.no_grad():
        return model.eval()(IDS).logits


def load(path, dtype=torch.float32):
    return AutoModelForCausalLM.from_pretrained(path, dtype=dtype)


@pytest.mark.parametrize("name", ["mixtral", "llama"])
def test_equals_the_merge_of_peft(adapt, tmp_path, name):
    base, adapter = adapt(name)
    merge(adapter, tmp_path / "out")
    expected = PeftModel.from_pretrained(load(base), adapter).merge_and_unload()
    found = logits(load(tmp_path / "out"))
    torch.testing.assert_close(found, logits(expected), rtol=1e-5, atol=1e-4)
    assert (found - logits(load(base))).abs().max() > 0.1


def by_hand(base, pairs):
    """The stock model with every expert's slice of the fused tensors changed in place."""
    model = load(base)
    with torch.no_grad():
        for key in [key for key in pairs if ".lora_A." in key]:
            delta = 3.0 * pairs[key.replace("lora_A", "lora_B")] @ pairs[key]
            module = key.removeprefix("base_model.model.").removesuffix(".lora_A.weight")
            if "experts" not in module:
                model.get_submodule(module).weight += delta
                continue
            experts, index, last = module.rsplit(".", 2)
            experts = model.get_submodule(experts)
            if last == "down_proj":
                experts.down_proj[int(index)] += delta
            else:
                half = slice(0, 96) if last == "gate_proj" else slice(96, 192)
                experts.gate_up_proj[int(index), half] += delta
    return model


@pytest.mark.parametrize("elements", [2**24, 1000])
def test_experts_go_to_their_own_names(adapt_experts, tmp_path, monkeypatch, elements):
    base, adapter, pairs = adapt_experts
    monkeypatch.setattr("finetune.merging.merge._BLOCK", elements)  # blocks that end inside weights
    merged = merge(adapter, tmp_path / "out")
    assert merged.updated == 25
    expected = logits(by_hand(base, pairs))
    torch.testing.assert_close(logits(load(tmp_path / "out")), expected, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("block", [2**24, 1000])
def test_experts_that_are_fused_in_the_checkpoint(adapt_experts, tmp_path, monkeypatch, block):
    base, adapter, pairs = adapt_experts
    fused = tmp_path / "fused"
    fused.mkdir()
    state = {k: v.contiguous() for k, v in load(base).state_dict().items()}
    assert any(v.ndim == 3 for v in state.values())
    save_file(state, fused / "model.safetensors", metadata={"format": "pt"})
    shutil.copy(base / "config.json", fused)
    monkeypatch.setattr("finetune.merging.merge._BLOCK", block)
    merge(adapter, tmp_path / "out", base=str(fused))
    expected = logits(by_hand(base, pairs))
    torch.testing.assert_close(logits(load(tmp_path / "out")), expected, rtol=1e-5, atol=1e-4)


def test_bfloat16_is_rounded_once(adapt_experts, tmp_path):
    _, adapter, _ = adapt_experts
    merge(adapter, tmp_path / "exact")
    merge(adapter, tmp_path / "rounded", dtype="bfloat16", shard_bytes=10**9)
    exact = {}
    for shard in (tmp_path / "exact").glob("*.safetensors"):
        exact |= load_file(shard)
    rounded = load_file(tmp_path / "rounded" / "model.safetensors")
    assert exact.keys() == rounded.keys()
    assert all(torch.equal(exact[key].bfloat16(), rounded[key]) for key in exact)
    config = json.loads((tmp_path / "rounded" / "config.json").read_text())
    assert config["dtype"] == "bfloat16"


def test_the_output_is_a_checkpoint_like_the_base(adapt, tmp_path):
    base, adapter = adapt()
    (adapter / "tokenizer_config.json").write_text('{"from": "adapter"}')
    (adapter / "chat_template.jinja").write_text("template")
    merged = merge(adapter, tmp_path / "out")
    files = sorted(path.name for path in (tmp_path / "out").iterdir())
    shards = [
        f"model-{i:05}-of-{merged.shards:05}.safetensors" for i in range(1, merged.shards + 1)
    ]
    small = ["chat_template.jinja", "config.json", "generation_config.json", "tokenizer.model"]
    rest = ["model.safetensors.index.json", "tokenizer_config.json"]
    assert files == sorted(shards + small + rest)
    assert json.loads((tmp_path / "out" / "tokenizer_config.json").read_text())["from"] == "adapter"
    index = json.loads((tmp_path / "out" / "model.safetensors.index.json").read_text())
    old = json.loads((base / "model.safetensors.index.json").read_text())
    assert index["weight_map"].keys() == old["weight_map"].keys()
    sizes = [path.stat().st_size for path in (tmp_path / "out").glob("*.safetensors")]
    assert max(sizes) < 200_000 + 10_000
    assert index["metadata"]["total_size"] == merged.bytes


def test_tensors_kept_in_another_type_stay_so(adapt, bases, tmp_path):
    _, adapter = adapt("llama")
    base = tmp_path / "mixed"
    shutil.copytree(bases / "llama", base)
    state = load_file(base / "model.safetensors")
    state = {k: v if "norm" in k else v.bfloat16() for k, v in state.items()}
    save_file(state | {"steps": torch.tensor(7)}, base / "model.safetensors")
    merge(adapter, tmp_path / "out", base=str(base), dtype="bfloat16", shard_bytes=10**9)
    found = load_file(tmp_path / "out" / "model.safetensors")
    assert found["model.norm.weight"].dtype == torch.float32
    assert found["model.layers.0.self_attn.q_proj.weight"].dtype == torch.bfloat16
    assert found["steps"].item() == 7


def change_config(adapter, **changes):
    path = adapter / "adapter_config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("use_rslora", True),
        ("use_dora", True),
        ("bias", "all"),
        ("modules_to_save", ["lm_head"]),
        ("rank_pattern", {"q_proj": 8}),
        ("alpha_pattern", {"q_proj": 8}),
        ("init_lora_weights", "pissa"),
        ("target_parameters", ["mlp.experts.down_proj"]),
        ("fan_in_fan_out", True),
        ("peft_type", "LOHA"),
        ("a_variant_of_next_year", 1),
    ],
)
def test_other_kinds_of_lora_are_refused_by_name(adapt, tmp_path, key, value):
    _, adapter = adapt("llama")
    change_config(adapter, **{key: value})
    with pytest.raises(ModelError, match=key):
        merge(adapter, tmp_path / "out")
    assert not list(tmp_path.glob("out*"))


def edit(adapter, change):
    path = adapter / "adapter_model.safetensors"
    state = load_file(path)
    change(state)
    save_file(state, path)


A = "base_model.model.model.layers.0.self_attn.q_proj.lora_A.weight"
B = A.replace("lora_A", "lora_B")


@pytest.mark.parametrize(
    ("change", "word"),
    [
        (lambda s: s.pop(A), "has no LoRA A and B"),
        (lambda s: s.update({"base_model.model.lm_head.weight": torch.ones(2, 2)}), "lm_head"),
        (lambda s: s.update({A: s[A][:2].clone()}), "not of rank 4"),
        (lambda s: s.update({B: s[B][:9].clone()}), "the base has"),
        (
            lambda s: s.update({k.replace("q_proj", "z_proj"): s.pop(k) for k in (A, B)}),
            "no weight for the adapter's model.layers.0.self_attn.z_proj",
        ),
        (lambda s: s.clear(), "holds no tensors"),
    ],
)
def test_every_tensor_of_the_adapter_is_used_or_refused(adapt, tmp_path, change, word):
    _, adapter = adapt("llama")
    edit(adapter, change)
    with pytest.raises(ModelError, match=word):
        merge(adapter, tmp_path / "out")


def test_two_names_of_one_weight_are_refused(adapt_experts, tmp_path):
    _, adapter, pairs = adapt_experts
    old = "model.layers.0.mlp.experts.0.gate_proj"
    new = "model.layers.0.block_sparse_moe.experts.0.w1"
    save_file(
        pairs | {k.replace(old, new): v.clone() for k, v in pairs.items() if old in k},
        adapter / "adapter_model.safetensors",
    )
    with pytest.raises(ModelError, match="two tensors"):
        merge(adapter, tmp_path / "out")


def test_unfinished_output_is_not_mistaken_for_finished(adapt, tmp_path, monkeypatch):
    _, adapter = adapt()
    calls = []

    def full_disk(file, rows):
        calls.append(rows)
        if len(calls) > 9:
            raise OSError(28, "No space left on device")
        tensors.write_rows(file, rows)

    with monkeypatch.context() as patch:
        patch.setattr("finetune.merging.merge.write_rows", full_disk)
        with pytest.raises(OSError, match="space"):
            merge(adapter, tmp_path / "out")
    assert not (tmp_path / "out").exists()
    merge(adapter, tmp_path / "out")
    assert sorted(p.name for p in tmp_path.iterdir()) == ["adapter", "out"]
    with pytest.raises(ModelError, match="exists already"):
        merge(adapter, tmp_path / "out")


def test_damaged_bases_are_refused(adapt, bases, tmp_path):
    _, adapter = adapt()
    base = tmp_path / "base"

    def damaged(name, change):
        shutil.rmtree(base, ignore_errors=True)
        shutil.copytree(bases / "mixtral", base)
        change(base / name)
        with pytest.raises(ModelError) as error:
            merge(adapter, tmp_path / "out", base=str(base))
        return str(error.value)

    shard = sorted((bases / "mixtral").glob("model-*"))[1].name
    assert "cut short" in damaged(shard, lambda p: p.write_bytes(p.read_bytes()[:-1]))
    assert "no intact" in damaged(shard, lambda p: p.write_bytes(b"\xff" * 99))
    assert "no such file" in damaged(shard, lambda p: p.unlink())
    assert "is quantised" in damaged(
        "config.json", lambda p: p.write_text('{"quantization_config": {"a": 1}}')
    )
    index = "model.safetensors.index.json"
    assert "no index" in damaged(index, lambda p: p.write_text("[]"))
    assert "no safetensors" in damaged(index, lambda p: p.unlink())


def test_a_base_of_another_architecture_is_refused_though_all_shapes_agree(adapt, bases, tmp_path):
    _, adapter = adapt("llama")
    base = tmp_path / "mistral"
    shutil.copytree(bases / "llama", base)
    config = json.loads((base / "config.json").read_text())
    config |= {"model_type": "mistral", "architectures": ["MistralForCausalLM"]}
    (base / "config.json").write_text(json.dumps(config))
    with pytest.raises(ModelError, match="is a MistralForCausalLM, the adapter is for a Llama"):
        merge(adapter, tmp_path / "out", base=str(base))
    assert not list(tmp_path.glob("out*"))


def test_the_command(adapt, tmp_path):
    from finetune.merge import command

    base, adapter = adapt("llama")
    arguments = [str(adapter), str(tmp_path / "out"), "--base", str(base)]
    done = CliRunner().invoke(command, arguments)
    assert done.exit_code == 0, done.output
    assert (tmp_path / "out" / "model.safetensors").is_file()


def test_sizes_of_shards():
    assert (_bytes("4GB"), _bytes("1.5 GiB"), _bytes("200mb")) == (4 * 10**9, 3 * 2**29, 2 * 10**8)
    for wrong in ("4", "GB", "0GB", "-1GB", "4TB"):
        with pytest.raises(AuroraError, match="max-shard-size"):
            _bytes(wrong)


def test_the_writer_is_read_by_the_library_and_the_reader_reads_the_library(tmp_path):
    state = {
        "scalar": torch.tensor(3.0),
        "empty": torch.empty(0, 4),
        "half": torch.randn(3, 5).half(),
        "cube": torch.randn(2, 3, 4),
        "flags": torch.tensor([True, False]),
    }
    save_file(state, tmp_path / "a.safetensors")
    stored = stored_in(tmp_path / "a.safetensors")
    with (tmp_path / "b.safetensors").open("wb") as file:
        tensors.write_header(file, [(one.name, one.dtype, one.shape) for one in stored])
        for one in stored:
            tensors.write_rows(file, one.read())
    found = load_file(tmp_path / "b.safetensors")
    assert found.keys() == state.keys()
    assert all(torch.equal(found[key], state[key]) for key in state)


def test_an_adapter_as_the_trainer_writes_it(tiny_base, tiny_adapter, tmp_path):
    from transformers import AutoTokenizer

    from finetune.model import load_adapter

    merge(tiny_adapter, tmp_path / "out", base=str(tiny_base), dtype="bfloat16")
    adapted = load_adapter(tiny_adapter, quantization="none", base=str(tiny_base))
    merged = load(tmp_path / "out")
    expected = logits(adapted.model.float())
    assert (logits(merged) - expected).abs().max() < 0.02 * expected.abs().max()  # rounded to bf16
    messages = [{"role": "user", "content": "你好"}]
    loaded = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert loaded.apply_chat_template(messages) == adapted.tokenizer.apply_chat_template(messages)
