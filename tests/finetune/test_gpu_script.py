"""benchmarks.gpu on a CPU and a tiny shape: the flow that one day runs on a GPU."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """What a run wrote; in a process of its own, for it sets torch up for itself."""
    out = tmp_path_factory.mktemp("gpu")
    finished = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu", "--tiny", "--out", out, "--minutes", "10"],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env=os.environ | {"CUDA_VISIBLE_DEVICES": ""},
        check=False,
    )
    assert finished.returncode == 0, finished.stderr[-2000:]
    return json.loads((out / "gpu.json").read_text()), (out / "gpu.md").read_text()


def test_every_setting_is_trained_and_profiled(results):
    found, _ = results
    assert len(found["training"]) == 5
    for setting in found["training"]:
        assert "error" not in setting, setting
        assert len(setting["losses"]) == 3
        assert setting["tokens_per_second"] > 0
        assert setting["estimated_gib"] > 0
        assert sum(setting["shares"].values()) == pytest.approx(1)
        assert setting["shares"]["dequantise"] > 0
        assert setting["timed_steps"] == 1
        assert len(setting["kernels"]) == 15
        assert setting["guard"]["expert_bytes_per_parameter"] < 0.6


def test_every_other_part_has_its_numbers(results):
    found, markdown = results
    for part in ("build", "routing", "chat", "experts", "load"):
        assert "error" not in found[part], found[part]
    assert found["routing"]["busiest_expert_over_mean"] >= 1
    assert found["chat"]["tokens_per_second"] > 0
    assert found["load"]["checkpoint_gib"] > 0
    assert len(found["experts"]["ways"]) == 5
    assert all(way.get("ms", 0) > 0 for way in found["experts"]["ways"]), found["experts"]
    assert all(setting["setting"] in markdown for setting in found["training"])


def test_the_ways_to_run_experts_agree(tiny_recipe, tiny_base):
    from benchmarks import gpu_experts
    from benchmarks.gpu_model import build

    model = build(tiny_base / "config.json", tiny_recipe(), torch.device("cpu"))
    block = model.model.layers[0].mlp
    inputs = gpu_experts._inputs(model, block, 16)
    dense = gpu_experts.dequantise(block.experts)
    expected = block.experts(*inputs)
    for way in (gpu_experts.looped, gpu_experts.grouped):
        assert torch.allclose(way(dense, *inputs), expected, atol=1e-4)


def test_the_model_is_held_as_a_loaded_one(tiny_recipe, tiny_base):
    from benchmarks.gpu_model import build
    from finetune.model import load_base

    recipe = tiny_recipe(compute_dtype="bfloat16")
    built = build(tiny_base / "config.json", recipe, torch.device("cpu"))
    loaded = load_base(recipe)
    kinds = [
        {n: (type(p), p.dtype, tuple(p.shape)) for n, p in model.named_parameters()}
        for model in (built, loaded)
    ]
    assert kinds[0] == kinds[1]


def test_a_part_that_fails_is_reported_and_sinks_nothing(tmp_path):
    from benchmarks.gpu import Run

    run = Run(tmp_path, minutes=10, tiny=True)

    def full():
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nmore")

    run.part("chat", full)
    run.part("experts", full)
    run.deadline = 0
    run.part("load", full)
    written = json.loads((tmp_path / "gpu.json").read_text())
    assert written["chat"]["error"].startswith("OutOfMemoryError: CUDA out of memory.")
    assert written["experts"]["error"]
    assert written["load"] == {"skipped": "no time left"}
    assert (tmp_path / "gpu.md").read_text().count("CUDA out of memory") == 2


def test_a_setting_that_fails_leaves_the_model_as_it_was(tiny_recipe, tiny_base, tmp_path):
    from benchmarks.gpu_model import Meter, build
    from benchmarks.gpu_training import measure
    from finetune.model.mistral_tokenizer import mistral_v1_tokenizer
    from schemas.errors import TrainingError

    device = torch.device("cpu")
    model = build(tiny_base / "config.json", tiny_recipe(), device)
    weights = {name: id(weight) for name, weight in model.named_parameters()}

    def run(recipe, folder, timed):
        tokenizer = mistral_v1_tokenizer()
        limits = {"timed": timed, "limit": float("inf")}
        return measure(model, tokenizer, recipe, folder, Meter(device), **limits)

    small = {"max_length": 16, "batch_size": 1, "accumulation": 1}
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):  # the trainer cannot make its folder
        run(tiny_recipe(**small), tmp_path / "file", 1)
    assert {name: id(weight) for name, weight in model.named_parameters()} == weights
    with pytest.raises(TrainingError, match="nan"):  # in the step that is profiled
        run(tiny_recipe(**small).model_copy(update={"learning_rate": float("inf")}), tmp_path, 0)
    assert {name: id(weight) for name, weight in model.named_parameters()} == weights
    assert len(run(tiny_recipe(**small), tmp_path, 1)["losses"]) == 3


def test_a_setting_out_of_time_takes_one_timed_step(tiny_recipe, tiny_base, tmp_path):
    from benchmarks.gpu_model import Meter, build
    from benchmarks.gpu_training import measure
    from finetune.model.mistral_tokenizer import mistral_v1_tokenizer

    device = torch.device("cpu")
    recipe = tiny_recipe(max_length=16, batch_size=1, accumulation=1)
    model = build(tiny_base / "config.json", recipe, device)
    tokenizer = mistral_v1_tokenizer()
    found = measure(model, tokenizer, recipe, tmp_path, Meter(device), timed=9, limit=0)
    assert found["timed_steps"] == 1
    assert len(found["kernels"]) == 15


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("void kDequantizeBlockwise<__nv_bfloat16, 512, 64, 8, 2>(...)", "dequantise"),
        ("void gemm_4bit_sm80_m16n8k16<__nv_bfloat16, 64>(...)", "fused 4-bit"),
        ("nvjet_tst_128x256_64x4_1x2_h_bz_coopA_TNT", "matmul"),
        ("sm90_xmma_gemm_bf16bf16_bf16f32_f32_tn_n_tilesize128x128x64", "matmul"),
        ("pytorch_flash::flash_fwd_kernel<Flash_fwd_kernel_traits<128>>", "attention"),
    ],
)
def test_kernels_are_told_apart(name, kind):
    from benchmarks.gpu_training import kind_of

    assert kind_of(name) == kind


def test_one_process_trains_on_one_gpu_however_many_it_sees(tmp_path, monkeypatch, tiny_recipe):
    """transformers' answer on a machine with two GPUs and no launcher, given here by hand."""
    from functools import cached_property

    from transformers import TrainingArguments

    from finetune.training.settings import sft_config

    def two(args):
        args._n_gpu = 2
        return torch.device("cpu")

    devices = cached_property(two)
    devices.__set_name__(TrainingArguments, "_setup_devices")
    monkeypatch.setattr(TrainingArguments, "_setup_devices", devices)
    args = sft_config(tiny_recipe(), tmp_path, cuda=False)
    assert args.device.type == "cpu"
    assert args.n_gpu == 1
