"""Fixtures of the trainer's tests: a tiny model, an adapter on it, a corpus, the commands."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from finished import Finished

from finetune.adapter.record import RECORD, Base, Data, Guard, Loss, TrainingRecord
from finetune.console import main
from finetune.recipe import TrainingRecipe
from finetune.rendering.account import TokenAccount

# pytest runs a process per core: torch needs no threads besides.
os.environ.setdefault("OMP_NUM_THREADS", "1")

#: Two layers of four experts; Mistral's vocabulary, so that every token has an embedding. The large
#: spread makes a random model sure of its tokens, as a trained one is.
TINY_MIXTRAL = {
    "model_type": "mixtral",
    "vocab_size": 32000,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_local_experts": 4,
    "num_experts_per_tok": 2,
    "max_position_embeddings": 2048,
    "initializer_range": 0.2,
    "bos_token_id": 1,
    "eos_token_id": 2,
}


def pytest_collection_modifyitems(items):
    """Other packages' warnings are not ours to mend: the trainer's stack has many."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.filterwarnings("default"))


@pytest.fixture(scope="session", autouse=True)
def _caches(tmp_path_factory):
    """Nothing is left in the caches of whoever runs the tests."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("AURORA_CACHE", str(tmp_path_factory.mktemp("cache")))
        if "datasets" in sys.modules:
            folder = tmp_path_factory.mktemp("datasets")
            patch.setattr("datasets.config.HF_DATASETS_CACHE", folder)
        else:
            patch.setenv("HF_DATASETS_CACHE", str(tmp_path_factory.mktemp("datasets")))
        yield


@pytest.fixture(scope="session")
def tiny_base(tmp_path_factory) -> Path:
    """A random Mixtral of 4.4 million weights, with Mistral's tokenizer."""
    pytest.importorskip("bitsandbytes")
    from finetune.model import make_random_model
    from finetune.model.mistral_tokenizer import mistral_v1_tokenizer

    folder = tmp_path_factory.mktemp("base")
    (folder / "config.json").write_text(json.dumps(TINY_MIXTRAL))
    make_random_model(folder / "config.json", folder / "tiny", seed=1)
    mistral_v1_tokenizer().save_pretrained(folder / "tiny")
    return folder / "tiny"


@pytest.fixture(scope="session")
def tiny_recipe(tiny_base) -> Callable[..., TrainingRecipe]:
    """`tiny_recipe(lora_rank=4)`: a recipe on the tiny base, in fp32 between the 4-bit weights."""

    def recipe(**changes: object) -> TrainingRecipe:
        defaults: dict[str, object] = {
            "model": str(tiny_base),
            "data": "corpus",
            "output": "adapter",
            "compute_dtype": "float32",
            "max_length": 256,
        }
        return TrainingRecipe.model_validate({**defaults, **changes})

    return recipe


@pytest.fixture(scope="session")
def tiny_adapter(tiny_base, tiny_recipe, tmp_path_factory) -> Path:
    """A finished adapter directory; its weights are random and not zero, so that it does much."""
    import torch

    from finetune.model import add_adapter, inspect_model, load_base, load_tokenizer

    recipe = tiny_recipe(lora_targets=["q_proj", "v_proj", "gate_proj", "up_proj", "down_proj"])
    model = add_adapter(load_base(recipe), recipe)
    generator = torch.Generator().manual_seed(1)
    for name, weight in model.named_parameters():
        if ".lora_B." in name:
            weight.data.normal_(0, 0.1, generator=generator)
    directory = tmp_path_factory.mktemp("adapter") / "tiny-adapter"
    model.save_pretrained(directory)
    load_tokenizer(recipe).save_pretrained(directory)
    record = _record(recipe, inspect_model(model, recipe))
    (directory / RECORD).write_text(record.model_dump_json(indent=1))
    return directory


def _record(recipe: TrainingRecipe, guard: Guard) -> TrainingRecord:
    return TrainingRecord(
        recipe=recipe,
        base=Base(
            model="tiny",
            revision=None,
            architecture="MixtralForCausalLM",
            parameters=4_400_000,
            from_config=True,
        ),
        data=Data(name="sample", revision=None, sha256="0" * 64, licenses=["cc0-1.0"]),
        train=TokenAccount(
            conversations=10,
            parts=11,
            split=1,
            whole=1000,
            kept=990,
            repeated=5,
            dropped=10,
            trained=600,
        ),
        validation=None,
        guard=guard,
        losses=[
            Loss(step=1, epoch=0.5, train=10.4, learning_rate=1e-3, grad_norm=1.0),
            Loss(step=2, epoch=1.0, train=9.1, learning_rate=0.0, grad_norm=0.9),
        ],
        steps=2,
        best_step=None,
        stopped="finished",
        seconds=3.0,
        tokens_per_second=200.0,
        peak_memory=None,
        device="cpu",
        versions={"torch": "2.13.0"},
    )


@pytest.fixture(scope="session")
def corpus_directory(tmp_path_factory) -> Path:
    """A finished corpus with a validation split: the embedded sample, curated."""
    directory = tmp_path_factory.mktemp("corpus") / "sample"
    code = "from curation.cli import main; main()"
    arguments = ["run", "sample", "--output", directory, "--workers", "1"]
    command = [sys.executable, "-c", code, *arguments, "--set", "stages.split.validation=0.1"]
    finished = subprocess.run(command, capture_output=True, text=True, check=False)
    assert finished.returncode == 0, finished.stderr
    return directory


@pytest.fixture
def command(capsys) -> Callable[..., Finished]:
    """Run a click command of finetune in this process: `command(preview, data, "--json")`."""

    def run(called: click.Command, *arguments: object) -> Finished:
        capsys.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(called, [str(argument) for argument in arguments])
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err
        return Finished(int(ended.value.code or 0), captured.out, captured.err)

    return run
