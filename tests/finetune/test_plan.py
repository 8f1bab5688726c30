"""finetune.plan: counts of a corpus, steps as the trainer takes them, and the verdict."""

import json

import pytest

from finetune.plan import command as plan
from finetune.planning.gpus import memory_of
from finetune.planning.steps import count_steps
from schemas.errors import AuroraError

pytest.importorskip("torch")


@pytest.fixture
def recipe_file(tiny_base, tmp_path):
    """A recipe on the tiny base, as a file."""

    def write(**changes):
        recipe = {
            "model": str(tiny_base),
            "data": "corpus",
            "output": str(tmp_path / "adapter"),
            "max_length": 256,
        }
        path = tmp_path / "recipe.yaml"
        path.write_text(json.dumps(recipe | changes))
        return path

    return write


def test_the_tables(command, recipe_file, corpus_directory):
    import datasets

    datasets.disable_progress_bars()  # `quiet` comes too late where another test imported it
    recipe = recipe_file(data=str(corpus_directory), eval_steps=10, save_steps=10)
    finished = command(plan, "--config", recipe, "--gpu", "H100 80GB")
    assert finished.code == 0, finished.err
    for words in ("with a loss", "256 (recipe)", "steps per epoch", "linear weights", "Fits into"):
        assert words in finished.out
    assert finished.err == ""


@pytest.mark.parametrize("packing", [False, True])
def test_numbers_agree_with_the_trainers_rows(command, recipe_file, corpus_directory, packing):
    from finetune.corpus import load_corpus
    from finetune.model import load_tokenizer
    from finetune.recipe import read_recipe
    from finetune.training.rows import prepare_rows

    path = recipe_file(data=str(corpus_directory), packing=packing, epochs=2, warmup=0.1)
    finished = command(plan, "--config", path, "--json", "--tokens-per-second", "1000")
    assert finished.code == 0, finished.err
    found = json.loads(finished.out)
    recipe = read_recipe(path)
    rows = prepare_rows(recipe, load_corpus(recipe.data), load_tokenizer(recipe))
    account = found["tokens"]["account"]
    assert account == rows.train_account.model_dump()
    assert found["tokens"]["rows"] == len(rows.train)
    recipes = found["tokens"]["limits"]["256"]
    assert recipes == {key: account[key] for key in ("split", "parts", "repeated", "dropped")}
    seen = account["kept"] + account["repeated"]
    assert found["tokens"]["filled"] <= 1
    if packing:
        assert found["tokens"]["filled"] == pytest.approx(seen / (len(rows.train) * 256))
    assert found["seconds"] == pytest.approx(seen * 2 / 1000, rel=0.1)


def test_limits_move_one_way(command, recipe_file, corpus_directory):
    finished = command(plan, "--config", recipe_file(data=str(corpus_directory)), "--json")
    limits = json.loads(finished.out)["tokens"]["limits"]
    assert list(limits) == ["256", "512", "1024", "2048", "4096", "8192"]
    for key in ("split", "dropped"):
        counts = [one[key] for one in limits.values()]
        assert counts == sorted(counts, reverse=True)


@pytest.mark.parametrize(
    ("rows", "changes", "gpus", "expected"),
    [
        (100, {}, 1, (13, 39)),
        (100, {}, 4, (4, 12)),
        (1, {}, 1, (1, 3)),
        (100, {"max_steps": 5}, 1, (13, 5)),
        (100, {"epochs": 0.5}, 1, (13, 7)),
    ],
)
def test_steps_are_counted_as_the_trainer_counts(tiny_recipe, rows, changes, gpus, expected):
    steps = count_steps(tiny_recipe(**changes), rows, gpus=gpus, checkpoint_size=1)
    assert (steps.per_epoch, steps.total) == expected


def test_checkpoints_and_validations(tiny_recipe):
    recipe = tiny_recipe(max_steps=27, save_steps=8, eval_steps=5, warmup=0.03)
    steps = count_steps(recipe, 1000, gpus=1, checkpoint_size=1)
    # 5, 10, …, 25 and 27 are validated and may be the best; 8, 16, 24 and 27 are saved.
    assert (steps.checkpoints, steps.kept, steps.evaluations, steps.warmup) == (9, 3, 6, 1)
    never = count_steps(tiny_recipe(max_steps=27, save_steps=8), 1000, gpus=1, checkpoint_size=1)
    assert (never.checkpoints, never.kept, never.evaluations) == (4, 2, 0)


def test_what_train_refuses_the_plan_refuses(command, recipe_file, tmp_path):
    path = tmp_path / "rows.jsonl"
    turns = [{"role": role, "content": "a " * 99} for role in ("user", "assistant")]
    path.write_text(json.dumps({"messages": turns}) + "\n")
    finished = command(plan, "--config", recipe_file(data=str(path), eval_steps=5))
    assert finished.code == 1
    assert "no validation split" in finished.err
    finished = command(plan, "--config", recipe_file(data=str(path), max_length=16))
    assert finished.code == 1
    assert "no conversation fits max_length: 16" in finished.err


def test_the_table_of_splits_follows_too_long(command, recipe_file, corpus_directory):
    recipe = recipe_file(data=str(corpus_directory), too_long="drop")
    shown = command(plan, "--config", recipe).out
    assert "too_long is drop" in shown
    assert "(recipe)" not in shown


@pytest.mark.parametrize("option", ["--memory", "--tokens-per-second"])
@pytest.mark.parametrize("value", ["nan", "inf"])
def test_a_number_that_is_none_is_a_wrong_usage(command, recipe_file, option, value):
    finished = command(plan, "--config", recipe_file(), "--memory-only", option, value)
    assert finished.code == 2
    assert "finite" in finished.err


def test_a_run_that_cannot_fit_is_refused_with_the_lever(command):
    arguments = ("--config", "finetune/recipes/aurora.yaml", "--memory-only")
    finished = command(plan, *arguments, "--set", "batch_size=16", "--memory", "30")
    assert finished.code == 1
    assert "--set batch_size=8 --set accumulation=8" in finished.err
    finished = command(plan, *arguments, "--gpu", "T4")
    assert finished.code == 1
    assert "no batch_size, max_length, lora_rank, optimizer or quantization" in finished.err
    finished = command(plan, "--config", "recommended", "--memory-only", "--memory", 24)
    assert "--set batch_size=1 --set accumulation=8" in finished.err
    assert "--set max_length=256" in finished.err


@pytest.mark.parametrize("name", ["h100", "H100 80GB", "NVIDIA H100 80GB HBM3", "H100 80 GB"])
def test_gpus_go_by_several_names(name):
    assert memory_of(name) == 81559 << 20


@pytest.mark.parametrize("name", ["A100", "Voodoo 2", ""])
def test_a_gpu_that_is_not_known_or_not_one(name):
    with pytest.raises(AuroraError, match="A100 80GB"):
        memory_of(name)


def test_refusals(command, recipe_file):
    finished = command(plan, "--config", recipe_file(lora_targets=["wq"]), "--memory-only")
    assert finished.code == 1
    assert "lora_targets: wq is in no layer of MixtralForCausalLM" in finished.err
    finished = command(plan, "--config", recipe_file(model_config_file="/nope"), "--memory-only")
    assert finished.code == 1
    assert "model_config_file: /nope: no such file" in finished.err
    finished = command(plan, "--config", recipe_file(model="/nowhere/at/all"), "--memory-only")
    assert finished.code == 1
    assert "config.json" in finished.err
    both = ("--gpu", "h100", "--memory", "5")
    assert command(plan, "--config", recipe_file(), *both).code == 2
