"""Whole trainings through the command: kill, resume, repeat, refuse; the launch script."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")
from safetensors.torch import load_file  # noqa: E402

from finetune.adapter.record import read_record  # noqa: E402
from finetune.console import main  # noqa: E402
from finetune.recipe import TrainingRecipe  # noqa: E402
from finetune.train import command as train  # noqa: E402
from finetune.training.failures import Interrupted, computing, saving  # noqa: E402
from schemas.errors import RecipeError  # noqa: E402

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def settings(tiny_recipe, corpus_directory, tmp_path_factory):
    """A recipe file: dropout, packing, validation, the paper's 4-bit optimizer, ten steps."""
    recipe = tiny_recipe(
        data=str(corpus_directory),
        max_length=128,
        lora_dropout=0.1,
        packing=True,
        max_steps=10,
        learning_rate=1e-2,
        optimizer="adamw_4bit",
        batch_size=1,
        accumulation=2,
        log_steps=3,
        eval_steps=5,
        save_steps=4,
    )
    path = tmp_path_factory.mktemp("settings") / "recipe.yaml"
    path.write_text(json.dumps(recipe.model_dump(mode="json")))
    return path


def in_process(*arguments):
    with pytest.raises(SystemExit) as ended:
        main(train, [str(argument) for argument in arguments])
    return ended.value.code


@pytest.fixture(scope="session")
def trained(settings, tmp_path_factory):
    """The adapter directory of a run that nothing disturbed."""
    output = tmp_path_factory.mktemp("trained") / "adapter"
    assert in_process("--config", settings, "--set", f"output={output}") == 0
    return output


def weights(output):
    return load_file(output / "adapter_model.safetensors")


def assert_same_training(output, expected):
    ours, theirs = read_record(output), read_record(expected)
    assert [(loss.step, loss.epoch) for loss in ours.losses] == [
        (loss.step, loss.epoch) for loss in theirs.losses
    ]
    for field in ("train", "validation", "grad_norm"):
        values = [[getattr(loss, field) for loss in one.losses] for one in (ours, theirs)]
        assert values[0] == pytest.approx(values[1], abs=1e-5), field
    assert ours.best_step == theirs.best_step
    assert weights(output).keys() == weights(expected).keys()
    for name, weight in weights(output).items():
        torch.testing.assert_close(weight, weights(expected)[name], atol=1e-5, rtol=0)


def wait_for(path, process, seconds=300):
    deadline = time.monotonic() + seconds
    while not path.exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_the_adapter_directory_is_whole(trained):
    record = read_record(trained)
    assert record.steps == 10
    assert record.stopped == "finished"
    assert record.best_step in (5, 10)
    assert record.guard.expert_bytes_per_parameter < 0.6
    assert record.tokens_per_second > 0
    assert record.train.whole == record.train.kept + record.train.dropped
    assert [loss.step for loss in record.losses if loss.validation is not None] == [5, 10]
    best = trained / "checkpoints" / f"checkpoint-{record.best_step}"
    assert (trained / "adapter_model.safetensors").read_bytes() == (
        best / "adapter_model.safetensors"
    ).read_bytes()
    for name in ("README.md", "assets/loss.png", "tokenizer_config.json", "adapter_config.json"):
        assert (trained / name).stat().st_size
    assert not list(trained.rglob("*.bin"))
    assert not list(trained.rglob(".writing*"))
    assert all(weight.dtype == torch.float32 for weight in weights(trained).values())


def test_a_killed_run_that_is_repeated_equals_one_that_was_not(settings, trained, tmp_path):
    output = tmp_path / "adapter"
    arguments = ["--config", settings, "--set", f"output={output}"]
    process = subprocess.Popen(
        [sys.executable, "-m", "finetune.train", *map(str, arguments)],
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    wait_for(output / "checkpoints" / "checkpoint-4", process)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert not (output / "training.json").exists()
    (output / "checkpoints" / ".writing-9").mkdir()  # killed while it was saving
    assert in_process(*arguments) == 0
    assert_same_training(output, trained)


def test_a_signal_saves_and_the_run_goes_on(settings, trained, tmp_path, capsys, monkeypatch):
    """With the plain optimizer; the same state on disk as after a kill, but at any step."""
    from finetune.training.progress import Flow

    def stop_in_step_6(self, args, state, control, **_):
        began(self, args, state, control)
        if state.global_step == 5:
            os.kill(os.getpid(), signal.SIGTERM)

    straight, stopped = tmp_path / "straight", tmp_path / "stopped"
    arguments = ["--config", settings, "--set", "optimizer=adamw", "--set"]
    assert in_process(*arguments, f"output={straight}") == 0
    began = Flow.on_step_begin
    with monkeypatch.context() as patch:
        patch.setattr(Flow, "on_step_begin", stop_in_step_6)
        assert in_process(*arguments, f"output={stopped}") == 130
    assert "stopped after step 6; repeat the command" in capsys.readouterr().err
    assert in_process(*arguments, f"output={stopped}") == 0
    for name, weight in weights(stopped).items():
        torch.testing.assert_close(weight, weights(straight)[name], atol=1e-5, rtol=0)


@pytest.fixture
def halfway(settings, trained, tmp_path):
    """The output of a run that was killed at its end, and the arguments that go on with it."""
    output = tmp_path / "adapter"
    folder = output / "checkpoints"
    for step in (8, 10):
        shutil.copytree(trained / f"checkpoints/checkpoint-{step}", folder / f"checkpoint-{step}")
    run = json.loads((trained / "checkpoints/run.json").read_text())
    run["recipe"]["output"] = str(output)
    (folder / "run.json").write_text(json.dumps(run))
    return output, ["--config", settings, "--set", f"output={output}"]


@pytest.mark.parametrize("name", ["optimizer.pt", "rng_state.pth", "trainer_state.json"])
def test_a_damaged_checkpoint_is_not_gone_on_from(halfway, trained, command, name):
    output, arguments = halfway
    newest = output / "checkpoints" / "checkpoint-10"
    content = bytearray((newest / name).read_bytes())
    content[len(content) // 2] ^= 1
    (newest / name).write_bytes(content)
    if name == "optimizer.pt":
        ended = command(train, *arguments)
        assert ended.code == 0
        assert f"{newest}: {name} is damaged; going on from the checkpoint before" in ended.err
        assert_same_training(output, trained)
        return
    (output / "checkpoints" / "checkpoint-8" / name).unlink()
    ended = command(train, *arguments)
    assert ended.code == 1
    assert f"checkpoint-10: {name} is damaged, and no checkpoint before it is whole" in ended.err
    assert newest.exists()


def test_another_base_model_is_refused(halfway, command, tiny_base, tmp_path):
    output, arguments = halfway
    other = tmp_path / "other"
    shutil.copytree(tiny_base, other)
    run = output / "checkpoints" / "run.json"
    run.write_text(run.read_text().replace(str(tiny_base), str(other)))
    shards = list(other.glob("*.safetensors"))
    content = bytearray(shards[0].read_bytes())
    content[len(content) // 2 + 1] ^= 1
    shards[0].write_bytes(content)
    ended = command(train, *arguments, "--set", f"model={other}")
    assert ended.code == 1
    assert f"the base model {other} is another" in ended.err
    assert "learning_rate" not in ended.err


def test_fresh_leaves_nothing_of_the_run_before(trained, tmp_path):
    from finetune.training.identity import clear

    output = tmp_path / "adapter"
    shutil.copytree(trained, output)
    (output / "evaluation.json").write_text("{}")
    (output / "evaluation").mkdir()
    (output / "evaluation" / "answers.jsonl").write_text("{}")
    (output / "notes.txt").write_text("mine")
    clear(output)
    left = sorted(str(path.relative_to(output)) for path in output.rglob("*") if path.is_file())
    assert left == ["checkpoints/.lock", "notes.txt"]


def test_a_run_ends_early_with_its_best_weights_and_events(settings, tmp_path):
    pytest.importorskip("tensorboard")
    output = tmp_path / "adapter"
    changes = [f"output={output}", "learning_rate=9.0", "schedule=constant", "eval_steps=1"]
    changes += ["early_stop=1", "log_steps=1", "keep_checkpoints=1", "report_to=[tensorboard]"]
    changes += ["save_steps=1", "max_steps=20", "max_length=64", "too_long=drop"]
    assert in_process("--config", settings, *(a for c in changes for a in ("--set", c))) == 0
    record = read_record(output)
    validations = [loss.validation for loss in record.losses if loss.validation is not None]
    assert record.stopped == "no better validation loss in 1 validations"
    assert record.steps == record.best_step + 1 < 20
    assert min(validations) == validations[record.best_step - 1]
    saved = output / "checkpoints"
    best = load_file(saved / f"checkpoint-{record.best_step}/adapter_model.safetensors")
    last = load_file(saved / f"checkpoint-{record.steps}/adapter_model.safetensors")
    assert all(torch.equal(weight, best[name]) for name, weight in weights(output).items())
    assert not all(torch.equal(weight, last[name]) for name, weight in weights(output).items())
    assert any(path.stat().st_size for path in (output / "checkpoints/runs").rglob("events.*"))


def test_a_defect_is_a_sentence_and_a_log(settings, command, tmp_path, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("by chance")

    monkeypatch.setattr("finetune.training.run.load_base", broken)
    ended = command(train, "--config", settings, "--set", f"output={tmp_path / 'a'}")
    assert ended.code == 1
    assert "unexpected ZeroDivisionError (by chance); please report it" in ended.err
    assert "Traceback" in (tmp_path / "a" / "error.log").read_text()


def test_repeating_a_finished_run_says_so(settings, trained, command):
    before = (trained / "training.json").stat().st_mtime_ns
    ended = command(train, "--config", settings, "--set", f"output={trained}", "--json")
    assert ended.code == 0
    assert "finished already" in ended.err
    assert json.loads(ended.out)["steps"] == 10
    assert (trained / "training.json").stat().st_mtime_ns == before


def test_repeating_a_finished_run_writes_its_card_again(settings, trained, command):
    card = trained / "README.md"
    before = card.read_bytes()
    card.unlink()
    ended = command(train, "--config", settings, "--set", f"output={trained}", "--json")
    assert ended.code == 0
    assert card.read_bytes() == before


@pytest.mark.parametrize("value", ["!!int ''", "!!bool maybe", "!!timestamp soon", "2024-13-45"])
def test_a_recipe_with_a_value_that_is_none_is_named(tmp_path, value):
    from finetune.recipe import read_recipe

    path = tmp_path / "recipe.yaml"
    path.write_text(f"seed: {value}\n")
    with pytest.raises(RecipeError, match=r"recipe\.yaml: is not valid YAML"):
        read_recipe(path)
    with pytest.raises(RecipeError):
        read_recipe("tiny", [f"seed={value}"])


def test_a_lost_process_is_an_interruption_and_a_defect_is_not():
    with pytest.raises(Interrupted, match="repeat the command"), computing():
        raise RuntimeError("[pair.cc:547] Connection closed by peer [127.0.0.1]:29500")
    with pytest.raises(RuntimeError, match="shapes"), computing():
        raise RuntimeError("shapes differ")


def test_what_cannot_be_saved_keeps_its_reason_where_the_folder_is_gone(tmp_path):
    with pytest.raises(ValueError, match="the reason"), saving(tmp_path / "gone" / "deeper"):
        raise ValueError("the reason")


def test_another_recipe_is_refused_by_the_names_of_its_changes(
    settings, trained, command, tmp_path
):
    changed = ["--config", settings, "--set", "learning_rate=0.5", "--set", "seed=1"]
    ended = command(train, *changed, "--set", f"output={trained}")
    assert ended.code == 1
    assert "learning_rate: 0.01 → 0.5; seed: 42 → 1" in ended.err
    assert "--fresh" in ended.err
    unfinished = tmp_path / "unfinished"
    (unfinished / "checkpoints").mkdir(parents=True)
    shutil.copy(trained / "checkpoints" / "run.json", unfinished / "checkpoints")
    ended = command(train, *changed, "--set", f"output={unfinished}")
    assert ended.code == 1
    assert "holds checkpoints of another run" in ended.err
    assert "learning_rate: 0.01 → 0.5" in ended.err


def test_validation_needs_a_split(settings, corpus_directory, command, tmp_path):
    rows = next((corpus_directory / "data").glob("train-*.parquet"))
    ended = command(
        train, "--config", settings, "--set", f"data={rows}", "--set", f"output={tmp_path / 'a'}"
    )
    assert ended.code == 1
    assert "has no validation split, which eval_steps asks for" in ended.err


def test_an_output_that_is_a_corpus_is_left_alone(settings, corpus_directory, command):
    ended = command(train, "--config", settings, "--set", f"output={corpus_directory}")
    assert ended.code == 1
    assert "holds a corpus" in ended.err


def test_two_runs_do_not_share_an_output(settings, trained, command, tmp_path):
    from finetune.training.identity import hold

    output = tmp_path / "adapter"
    with hold(output):
        ended = command(train, "--config", settings, "--set", f"output={output}")
    assert ended.code == 1
    assert "another run is at work in it" in ended.err


def test_a_reporter_that_is_not_installed_is_named(settings, command, tmp_path, monkeypatch):
    monkeypatch.setattr("finetune.training.settings.find_spec", lambda name: None)
    ended = command(
        train, "--config", settings, "--set", "report_to=[wandb]", "--set", f"output={tmp_path}"
    )
    assert ended.code == 1
    assert "report_to: wandb is not installed; pip install wandb" in ended.err


def test_every_recipe_key_is_documented():
    text = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    for name in TrainingRecipe.model_fields:
        assert f"| `{name}` |" in text, name


@pytest.mark.parametrize("name", ["aurora", "recommended", "tiny"])
def test_the_shipped_recipes_are_valid(name):
    from finetune.recipe import read_recipe

    assert read_recipe(ROOT / "finetune" / "recipes" / f"{name}.yaml").output


def test_the_launcher_says_in_a_sentence_that_a_package_is_missing(tmp_path):
    python = tmp_path / "python"
    python.write_text(f'#!/bin/bash\nexec {sys.executable} -I -S "$@"\n')
    python.chmod(0o755)
    ended = subprocess.run(
        [ROOT / "finetune" / "launch.sh", "tiny"],
        env={**os.environ, "PYTHON": str(python)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert ended.returncode == 1
    assert "cannot train; pip install" in ended.stderr
    assert len(ended.stderr.splitlines()) == 1


@pytest.fixture
def launch(tmp_path):
    """Run launch.sh with a stand-in for the interpreter; gives code, stderr, calls."""

    def run(*ends, config="tiny", **environment):
        python = tmp_path / "python"
        calls = tmp_path / "calls"
        ends_file = tmp_path / "ends"
        ends_file.write_text("".join(f"{end}\n" for end in ends))
        python.write_text(
            f"""#!/bin/bash
if [[ $1 == -c ]]; then echo 0; exit; fi
echo "$PWD: $*" >> {calls}
end=$(head -n 1 {ends_file}); sed -i 1d {ends_file}
[[ $end == saved ]] && touch "$AURORA_STATUS/saved"
[[ $end == killed || $end == saved ]] && kill -KILL $$
[[ $end == 0 ]] || echo "$end" > "$AURORA_STATUS/code"
[[ $end == 0 ]] || exit 1
"""
        )
        python.chmod(0o755)
        ended = subprocess.run(
            [ROOT / "finetune" / "launch.sh", config, "--fresh"],
            env={**os.environ, "PYTHON": str(python), "PAUSE": "0", **environment},
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        return ended.returncode, ended.stderr, calls.read_text().splitlines()

    return run


def test_the_launcher_repeats_what_was_killed_and_nothing_else(launch, tmp_path):
    code, said, calls = launch("killed", "killed", "0")
    assert code == 0
    assert said.count("goes on from its last checkpoint") == 2
    assert ["--fresh" in call for call in calls] == [True, False, False]
    assert calls[0].startswith(f"{tmp_path}: -m accelerate")  # paths start where it was called
    assert calls[0].endswith("-m finetune.train --config tiny --fresh")
    _, _, calls = launch("0", config="finetune/recipes/tiny.yaml")
    assert f"--config {ROOT}/finetune/recipes/tiny.yaml " in calls[-1]


def test_the_launcher_counts_kills_without_a_new_checkpoint(launch):
    code, said, calls = launch("killed", "saved", "killed", "killed", "0", RESTARTS="1")
    assert (code, len(calls)) == (137, 4)
    assert "killed 2 times before a checkpoint was saved" in said


def test_the_launcher_ends_with_the_trainers_own_code(launch):
    code, _, calls = launch("2")
    assert (code, len(calls)) == (2, 1)
