"""Publishing an adapter, with the real client against a local server that speaks its protocol."""

import json
import re

import numpy as np
import pytest
from adapter_records import BASE, make_record
from hub_faults import HASTE
from hub_server import TOKEN
from hub_writes import Fault, Repository
from safetensors.numpy import save_file

from finetune.adapter.card import write_card
from finetune.adapter.check import check_adapter, public_record
from finetune.recipe import TrainingRecipe
from schemas.errors import ModelError

PUSH = HASTE + "from finetune.console import main; from finetune.push import command; main(command)"
PAIR = {
    f"base_model.model.model.layers.0.self_attn.q_proj.lora_{one}.weight": np.ones(
        (8, 64), np.float32
    )
    for one in "AB"
}


@pytest.fixture
def hub(writable_hub):
    return writable_hub


@pytest.fixture
def adapter(tmp_path):
    """A finished adapter, with what must stay here beside it."""
    folder = tmp_path / "adapter"
    for inside in ("checkpoints/checkpoint-9", "runs", "assets"):
        (folder / inside).mkdir(parents=True)
    recipe = TrainingRecipe(model=BASE, data="/home/me/aurora", output="/home/me/out")
    record = make_record(recipe=recipe)
    (folder / "training.json").write_text(record.model_dump_json())
    (folder / "adapter_config.json").write_text(json.dumps({"base_model_name_or_path": BASE}))
    save_file(PAIR, folder / "adapter_model.safetensors")
    for left in ("optimizer.pt", "checkpoints/checkpoint-9/optimizer.pt", "runs/log", ".env"):
        (folder / left).write_bytes(b"stays")
    (folder / "tokenizer.json").write_text("{}")
    write_card(folder, record)
    return folder


@pytest.fixture
def push(hub_process, adapter):
    def start(*options, repo="me/aurora"):
        done = hub_process(PUSH, adapter, repo, *options)
        assert "Traceback" not in done.stderr
        assert TOKEN not in done.stdout + done.stderr
        done.said = " ".join((done.stdout + done.stderr).split())
        return done

    return start


def commits(hub, branch="main"):
    return hub.repositories["models/me/aurora"].branches[branch]


def test_one_commit_to_a_new_private_repository(push, hub, adapter):
    done = push()
    assert done.returncode == 0, done.stderr
    assert "(private): pushed" in done.said
    assert hub.repositories["models/me/aurora"].private
    assert len(commits(hub)) == 2
    files = commits(hub)[-1].files
    assert sorted(files) == [
        ".gitattributes",
        "README.md",
        "adapter_config.json",
        "adapter_model.safetensors",
        "assets/loss.png",
        "tokenizer.json",
        "training.json",
    ]
    weights = (adapter / "adapter_model.safetensors").read_bytes()
    assert files["adapter_model.safetensors"] == weights
    assert weights in hub.large.values()  # stored before the commit
    assert not [name for name, raw in files.items() if b"/home/me" in raw]


def test_an_unchanged_directory_makes_no_commit_and_a_changed_one_sends_the_change(
    push, hub, adapter
):
    push()
    hub.requests.clear()
    again = push()
    assert "unchanged, no commit made" in again.said
    assert len(commits(hub)) == 2
    assert not [line for line in hub.requests if line.startswith("PUT") or "/commit/" in line]
    (adapter / "tokenizer.json").unlink()
    (adapter / "merges.txt").write_text("a b")
    assert push().returncode == 0
    files = commits(hub)[-1].files
    assert "tokenizer.json" not in files
    assert "merges.txt" in files
    assert ".gitattributes" in files  # not ours


def test_what_people_wrote_on_the_hub_stays(push, hub):
    repository = hub.repositories["models/me/aurora"] = Repository(private=True)
    page = b"---\nextra_gated_prompt: Say who you are.\n---\n\nBy hand.\n"
    repository.commit("main", {"README.md": page})
    push()
    card = commits(hub)[-1].files["README.md"].decode()
    assert "By hand." in card
    assert "extra_gated_prompt: Say who you are." in card
    assert f"base_model: {BASE}" in card
    assert "unchanged" in push().said


def test_visibility_is_never_other_than_was_said(push, hub):
    hub.repositories["models/me/aurora"] = Repository(private=False)
    refused = push()
    assert refused.returncode == 2
    assert "is public; add --public" in refused.said
    assert len(commits(hub)) == 1
    assert "(public): pushed" in push("--public").said
    hub.repositories["models/me/aurora"] = Repository(private=True)
    assert "is private" in push("--public").said


def test_a_branch_and_a_pull_request(push, hub):
    assert push("--revision", "trial").returncode == 0
    assert len(commits(hub)) == 1
    assert "adapter_config.json" in commits(hub, "trial")[-1].files
    done = push("--create-pr")
    assert "/discussions/1" in done.said
    assert len(commits(hub)) == 1
    assert push("--create-pr", "--revision", "trial").returncode == 2


def test_a_dry_run_lists_and_sends_nothing(push, hub):
    done = push("--dry-run")
    assert done.returncode == 0
    assert re.search(r"[\d,]+ +adapter_model\.safetensors", done.stdout)
    assert "optimizer" not in done.stdout
    assert "the repository would be made" in done.said
    assert all(line.startswith("GET") for line in hub.requests)


def test_an_adapter_or_model_of_others_is_left_alone(push, hub):
    repository = hub.repositories["models/me/aurora"] = Repository(private=True)
    repository.commit("main", {"merges.txt": b"theirs"})
    push()
    assert commits(hub)[-1].files["merges.txt"] == b"theirs"
    repository = hub.repositories["models/me/aurora"] = Repository(private=True)
    repository.commit("main", {"tokenizer.json": b"theirs"})
    refused = push()
    assert refused.returncode == 1
    assert "has another tokenizer.json that no push of Aurora put there" in refused.said


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        (Fault("/commit/", 412, 99), "somebody else keeps changing"),
        (Fault("/commit/", 500, 99), "answers 500"),
        (Fault("POST /api/repos/create", 403), "write access"),
        (Fault("GET /api/models", 401), "hf auth login"),
        (Fault("info/lfs/objects/batch", 403), "write access"),
    ],
)
def test_a_failure_is_one_sentence_and_leaves_no_half_commit(push, hub, fault, word):
    hub.faults.append(fault)
    done = push()
    assert done.returncode == 1
    assert word in done.said
    assert len(done.stderr.splitlines()) == 1
    assert all(len(repository.branches["main"]) == 1 for repository in hub.repositories.values())
    if fault.status == 500:
        fault.times = 0
        assert push().returncode == 0  # repeated when it is over


def test_what_passes_is_waited_for(push, hub):
    hub.faults += [
        Fault("POST /api/repos/create", 500),
        Fault("PUT /lfs/", when="middle"),
        Fault("/commit/", when="after"),
    ]
    done = push()
    assert "(private): pushed" in done.said
    assert len(commits(hub)) == 2


def test_a_hub_that_cannot_be_reached_and_a_name_that_is_none(push, hub, hub_environment):
    for name in ("me/two words", "aurora", "", "models/me/aurora"):
        done = push(repo=name)
        assert done.returncode == 2
        assert "OWNER/NAME" in done.said
        assert push("--dry-run", repo=name).returncode == 2
    assert hub.requests == []
    hub_environment["HF_ENDPOINT"] = "http://127.0.0.1:9"
    hub_environment["HF_HUB_DOWNLOAD_TIMEOUT"] = "1"
    done = push()
    assert done.returncode == 1
    assert "cannot be reached" in done.said


def test_a_token_that_can_be_none_is_said_without_it(push, hub, hub_environment):
    hub_environment["HF_TOKEN"] = "hf_秘密"
    done = push()
    assert done.returncode == 1
    assert "characters that no token has" in done.said
    assert "秘密" not in done.said
    assert hub.requests == []


def test_the_published_record_names_no_path():
    private = "../../secret-client/corpus"
    recipe = TrainingRecipe(model="work/base", data=private, output="client/out")
    base = make_record().base.model_copy(update={"model": "base", "revision": None})
    raw = public_record(make_record(recipe=recipe, base=base)).decode()
    shown = json.loads(raw)["recipe"]
    assert [shown[key] for key in ("model", "data", "output")] == ["base", "corpus", "out"]
    assert "client" not in raw
    recipe = recipe.model_copy(update={"model": BASE})
    assert json.loads(public_record(make_record(recipe=recipe)))["recipe"]["model"] == BASE


def broken(name, content):
    return lambda folder: (folder / name).write_bytes(content)


def weights(state):
    return lambda folder: save_file(state, folder / "adapter_model.safetensors")


CONFIG = "adapter_config.json"


def test_a_local_base_is_not_of_the_hub_whatever_it_looks_like(adapter):
    local = "output/my-mixtral"
    record = make_record(recipe=TrainingRecipe(model=local, data="a", output="b"))
    base = record.base.model_copy(update={"model": local, "revision": None})
    record = record.model_copy(update={"base": base})
    (adapter / "training.json").write_text(record.model_dump_json())
    write_card(adapter, record)
    (adapter / CONFIG).write_text(json.dumps({"base_model_name_or_path": local}))
    with pytest.raises(ModelError, match="not the base's Hub id"):
        check_adapter(adapter)
    (adapter / CONFIG).write_text(json.dumps({"base_model_name_or_path": BASE}))  # the remedy
    check_adapter(adapter)


def random_base(folder):
    base = make_record().base.model_copy(update={"from_config": True})
    record = make_record(base=base)
    (folder / "training.json").write_text(record.model_dump_json())


@pytest.mark.parametrize(
    ("damage", "name", "word"),
    [
        (lambda f: (f / "training.json").unlink(), "adapter", "no finished adapter"),
        (broken(CONFIG, b'{"base_model_name_or_path": "/models/m"}'), CONFIG, "Hub id"),
        (broken(CONFIG, b'{"base_model_name_or_path": "finetune/model"}'), CONFIG, "Hub id"),
        (broken(CONFIG, b"{}"), CONFIG, "names no base"),
        (broken("adapter_model.safetensors", b"\0" * 64), "adapter_model", "no intact"),
        (
            weights({k: v * np.float32("nan") for k, v in PAIR.items()}),
            "adapter_model",
            "not finite",
        ),
        (
            weights({k: v.astype(np.float16) for k, v in PAIR.items()}),
            "adapter_model",
            "not float32",
        ),
        (weights({"exp_avg": np.ones(2)}), "adapter_model", "exp_avg"),
        (broken("evaluation.json", b"{}"), "evaluation.json", "damaged"),
        (broken("README.md", b"# no metadata"), "README.md", "metadata"),
        (broken("README.md", b"---\ndate: 2024-13-45\n---\n"), "README.md", "metadata"),
        (random_base, "adapter", "random model"),
        (broken("README.md", b"---\nbase_model: /home/me/m\n---\n"), "README.md", "Hub id"),
    ],
)
def test_an_unsound_directory_is_refused_before_anything_is_sent(adapter, damage, name, word):
    check_adapter(adapter)
    damage(adapter)
    with pytest.raises(ModelError) as error:
        check_adapter(adapter)
    assert name in str(error.value)
    assert word in str(error.value)
