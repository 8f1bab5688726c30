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
        assert len(setting["kernels"]) == 15
        assert setting["guard"]["expert_bytes_per_parameter"] < 0.6


def test_every_other_part_has_its_numbers(results):
    found, markdown = results
    for part in ("build", "chat", "load"):
        assert "error" not in found[part]
    assert found["chat"]["tokens_per_second"] > 0
    assert found["load"]["checkpoint_gib"] > 0
    ways = {one["way"]: one["ms"] for one in found["experts"]}
    assert len(ways) == 5
    assert all(ms > 0 for ms in ways.values())
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

    run = Run(tmp_path, tiny=True, deadline=float("inf"), steps=1, load_layers=1)
    torch.compiler.set_stance("default")

    def full():
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB.\nmore")

    run.part("chat", full)
    run.part("experts", full)
    run.deadline = 0
    run.part("load", full)
    written = json.loads((tmp_path / "gpu.json").read_text())
    assert written["chat"]["error"].startswith("OutOfMemoryError: CUDA out of memory.")
    assert written["experts"][0]["error"]
    assert written["load"] == {"skipped": "no time left"}
