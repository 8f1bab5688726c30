"""Publishing a corpus, with the real client against a local server that speaks its protocol."""

import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import threading
from types import SimpleNamespace

import polars as pl
import pytest
import yaml
from hub_faults import HASTE, Fault, delay
from hub_pusher import make
from hub_server import TOKEN, environment_of
from hub_writes import Repository, Writing

from schemas.sections import with_sections

REPO = "datasets/me/corpus"
PAGE = """---
license: mit
extra_gated_prompt: Say who you are.
tags: [conversational, finance]
configs:
- config_name: extra
  data_files: extra/*.parquet
dataset_info:
  config_name: extra
  dataset_size: 7
---
# Hand-made

Written before there was a corpus.
"""


@pytest.fixture
def hub(corpus_hub):
    return corpus_hub


@pytest.fixture
def corpus(finished, tmp_path):
    return shutil.copytree(finished, tmp_path / "corpus", ignore=lambda *_: [".work"])


@pytest.fixture
def push(pusher, hub, corpus):
    """Push in a process of its own; what was printed, in one line."""

    def start(*options, repo="me/corpus", before=HASTE, code=0, corpus=corpus, **environment):
        pusher.start("push", corpus, repo, *options, before=before, **environment)
        ended, out, err = pusher.wait()
        assert "Traceback" not in err
        assert TOKEN not in out + err
        assert ended == code, out + err
        return SimpleNamespace(out=out, err=err, said=" ".join((out + err).split()))

    return start


def commits(hub, branch="main"):
    return hub.repositories[REPO].branches[branch]


def files(hub, branch="main"):
    return commits(hub, branch)[-1].files


def listed(corpus):
    outputs = json.loads((corpus / "manifest.json").read_bytes())["outputs"]
    return {file["path"] for file in outputs} | {"manifest.json"}


def existing(hub, private=True, **named):
    """A repository of somebody's, with these files."""
    hub.repositories[REPO] = Repository(private)
    hub.repositories[REPO].commit("main", {k: v.encode() for k, v in named.items()})
    return hub.repositories[REPO]


def test_one_commit_of_the_manifest_and_what_it_names(push, hub, corpus):
    (corpus / "notes.txt").write_text("stays here")
    done = push()
    assert "/datasets/me/corpus/commit/" in done.said
    assert "(private): pushed" in done.said
    assert hub.repositories[REPO].private
    assert len(commits(hub)) == 2
    assert files(hub).keys() - {".gitattributes"} == listed(corpus)
    for name in listed(corpus) - {"README.md", "manifest.json"}:
        assert files(hub)[name] == (corpus / name).read_bytes()
    assert b'load_dataset("me/corpus"' in files(hub)["README.md"]
    assert b"path/to/this" not in files(hub)["README.md"]


def test_unchanged_makes_no_commit_and_sends_nothing(push, hub):
    push()
    hub.requests.clear()
    assert "unchanged, no commit made" in push().said
    assert len(commits(hub)) == 2
    sent = ("PUT", "POST")
    assert not [line for line in hub.requests if line.startswith(sent)]
    assert not [
        line
        for line in hub.requests
        if "resolve" in line and "README" not in line and "manifest" not in line
    ]


def test_the_same_corpus_of_another_run_is_unchanged(push, hub, corpus, tmp_path):
    push()
    again = make(tmp_path / "again")
    with_seconds(again, 1000.0)
    assert "unchanged, no commit made" in push(corpus=again).said
    assert "unchanged" in push("--create-pr", corpus=again).said
    assert len(commits(hub)) == 2
    with_seconds(again, 1000.0, edited={"a": 1})
    assert "pushed" in push(corpus=again).said
    assert files(hub)["statistics.json"] == (again / "statistics.json").read_bytes()


def test_the_same_corpus_of_another_run_opens_no_second_pull_request(push, hub, tmp_path):
    existing(hub)
    push("--create-pr")
    again = make(tmp_path / "again")
    with_seconds(again, 1000.0)
    assert "/discussions/1 (private): unchanged" in push("--create-pr", corpus=again).said
    assert len(hub.repositories[REPO].requests) == 1


def with_seconds(corpus, seconds, **more):
    """As if the first stage had taken so long, and had counted otherwise."""
    path, listing = corpus / "statistics.json", corpus / "manifest.json"
    statistics, manifest = json.loads(path.read_bytes()), json.loads(listing.read_bytes())
    statistics["stages"][0] |= {"seconds": seconds, **more}
    path.write_text(json.dumps(statistics))
    entry = next(one for one in manifest["outputs"] if one["path"] == path.name)
    entry |= {
        "bytes": path.stat().st_size,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
    }
    listing.write_text(json.dumps(manifest))


def test_a_smaller_corpus_takes_its_old_files_away_and_leaves_others(push, hub, corpus):
    push()
    repository = hub.repositories[REPO]
    repository.commit("main", {"extra/mine.txt": b"mine", "data/mine.parquet": b"mine"})
    gone = next(name for name in sorted(listed(corpus)) if name.startswith("assets/"))
    drop(corpus, gone)
    done = push()
    assert "1 deleted" in done.said
    assert "data/mine.parquet: not of this corpus" in done.said
    assert gone not in files(hub)
    assert {"extra/mine.txt", "data/mine.parquet", ".gitattributes"} <= files(hub).keys()
    assert len(commits(hub)) == 4


def drop(corpus, name):
    """Make a corpus that never had the file."""
    manifest = json.loads((corpus / "manifest.json").read_bytes())
    manifest["outputs"] = [file for file in manifest["outputs"] if file["path"] != name]
    (corpus / "manifest.json").write_text(json.dumps(manifest))
    (corpus / name).unlink()


def test_a_manifest_of_others_deletes_nothing(push, hub):
    others = {"outputs": [{"path": ".gitattributes", "sha256": "0"}, {"path": "a", "sha256": "0"}]}
    existing(hub, **{"manifest.json": json.dumps(others), "a": "kept"})
    push()
    assert files(hub)["a"] == b"kept"
    assert ".gitattributes" in files(hub)


def test_a_damaged_corpus_and_a_name_that_is_none_are_refused(push, hub, corpus):
    for name in ("me/two words", "corpus", "", "datasets/me/corpus"):
        assert "OWNER/NAME" in push(repo=name, code=2).said
    assert "no name of a branch" in push("--revision", "refs/pr/1", code=2).said
    assert push("--create-pr", "--revision", "v1", code=2)
    with (corpus / "statistics.json").open("a") as file:
        file.write(" ")
    assert "statistics.json: differs" in push(code=1).said
    assert hub.requests == []


def test_visibility_is_never_other_than_was_said(push, hub):
    existing(hub, private=False)
    assert "is public; add --public" in push(code=2).said
    assert len(commits(hub)) == 2
    existing(hub, private=True)
    # Before the Hub is asked: the sample's ledger shows what was replaced.
    assert "stages.privacy.originals=false" in push("--public", code=1).said


def test_a_public_corpus_without_personal_data(push, hub, tmp_path):
    discreet = make(tmp_path / "discreet", "stages.privacy.originals=false")
    assert "(public): pushed" in push("--public", corpus=discreet).said
    assert not hub.repositories[REPO].private
    hub.repositories[REPO].private = True
    said = push("--public", corpus=discreet, code=2).said
    assert "is private; make it public in its settings" in said


def test_a_branch_is_made_from_main_and_a_pull_request_is_opened_once(push, hub):
    existing(hub, mine="of main")
    push("--revision", "v1/trial")
    assert len(commits(hub)) == 2
    assert files(hub, "v1/trial")["mine"] == b"of main"
    assert "manifest.json" in files(hub, "v1/trial")
    first = push("--create-pr")
    assert "/discussions/1 (private): pushed" in first.said
    assert "/discussions/1 (private): unchanged" in push("--create-pr").said
    assert len(hub.repositories[REPO].requests) == 1
    assert len(commits(hub)) == 2


def test_a_lost_answer_opens_no_second_pull_request(push, hub):
    existing(hub)
    hub.faults.append(Fault("/commit/", when="after"))
    assert "/discussions/1 (private): pushed" in push("--create-pr").said
    assert len(hub.repositories[REPO].requests) == 1


def test_a_dry_run_lists_all_and_changes_nothing(push, hub, corpus):
    done = push("--dry-run")
    assert "the repository would be made" in done.said
    assert all(f" {name}" in done.out for name in listed(corpus))
    assert hub.repositories == {}
    assert all(line.startswith("GET") for line in hub.requests)
    push()
    (corpus / "assets").mkdir(exist_ok=True)
    report = json.loads(push("--dry-run", "--json").out)
    assert report["changes"] == []
    hub.repositories[REPO].commit("main", {"statistics.json": b"{}"})
    report = json.loads(push("--dry-run", "--json", "--revision", "new").out)
    size = (corpus / "statistics.json").stat().st_size
    assert report["changes"] == [{"name": "statistics.json", "action": "replace", "bytes": size}]
    assert report["creates_branch"]
    assert not report["creates_repository"]
    assert hub.repositories[REPO].branches.keys() == {"main"}
    assert json.loads(push("--json").out)["changed"]


def test_files_of_others_by_the_same_names_are_not_overwritten(push, hub):
    theirs = {"data/train-00000-of-00001.parquet": "theirs", "report.html": "theirs"}
    repository = existing(hub, **theirs)
    for options in ([], ["--dry-run"], ["--create-pr"]):
        said = push(*options, code=1).said
        assert "has another data/train-00000-of-00001.parquet and 1 more" in said
        assert "push to another repository" in said
    assert repository.head.files["report.html"] == b"theirs"
    assert not [line for line in hub.requests if line.startswith(("POST", "PUT"))]


def test_a_file_that_others_have_replaced_is_not_deleted(push, hub, corpus):
    push()
    gone = sorted(name for name in listed(corpus) if name.startswith("assets/"))[:2]
    hub.repositories[REPO].commit("main", {gone[0]: b"theirs"})
    for name in gone:
        drop(corpus, name)
    assert "1 deleted" in push().said
    assert files(hub)[gone[0]] == b"theirs"
    assert gone[1] not in files(hub)


def test_a_pull_request_is_whole_when_main_moves_meanwhile(push, hub, finished, tmp_path):
    push()
    version = hub.repositories[REPO].head.files
    newer = make(tmp_path / "newer", "stages.quality.min_score=0.8")
    push(corpus=newer)
    wanted = hub.repositories[REPO].branches["main"].pop().files

    def moves():
        hub.repositories[REPO].commit("main", {**wanted, "README.md": b"# other"})

    hub.faults.append(Fault("/preupload/", act=moves))
    push("--create-pr", corpus=newer)
    assert version != wanted
    assert hub.repositories[REPO].requests[1].files == wanted


def test_a_pull_request_that_comes_late_is_found(push, hub):
    repository = existing(hub)

    def later():
        late = repository.branches.pop("refs/pr/1")
        threading.Timer(1.0, repository.branches.__setitem__, ("refs/pr/1", late)).start()

    hub.faults.append(Fault("/commit/", when="after", act=later))
    done = push("--create-pr", before=LOOKS.format(looks=20))
    assert "/discussions/1 (private): pushed" in done.said
    assert len(repository.requests) == 1
    assert "/discussions/1 has all of it" in push("--create-pr", "--dry-run").said


def test_a_pull_request_that_never_comes_is_said_and_no_second_is_opened(push, hub):
    repository = existing(hub)
    hub.faults.append(Fault("/commit/", when="after", act=lambda: repository.branches.popitem()))
    said = push("--create-pr", before=HASTE + LOOKS.format(looks=2), code=1).said
    assert "the pull request is not to be seen yet; look there" in said
    assert len([line for line in hub.requests if "/commit/" in line]) == 1


LOOKS = "import sys, schemas.hub; sys.modules['schemas.hub.push'].LOOKS = (0.2,) * {looks}\n"


def test_a_pull_request_of_others_by_our_title_is_passed_over(push, hub):
    push("--create-pr")
    repository = hub.repositories[REPO]
    title = repository.requests[1].summary
    repository.branches["refs/pr/1"] = [repository.head]
    repository.commit("refs/pr/1", {"README.md": b"---\n- x\n---\n"}, title)
    assert "/discussions/2 (private): pushed" in push("--create-pr").said


def test_a_tag_or_a_commit_is_no_branch(push, hub):
    repository = existing(hub)
    repository.tags.append({"name": "v1", "ref": "refs/tags/v1", "targetCommit": "0" * 40})
    for options in ([], ["--dry-run"]):
        assert "is a tag of" in push("--revision", "v1", *options, code=2).said
    assert "no name of a branch" in push("--revision", "a" * 40, code=2).said


# The card.


def test_what_was_written_outside_the_sections_is_told(push, hub):
    push()
    card = files(hub)["README.md"]
    hub.repositories[REPO].commit("main", {"README.md": card + b"\nErrata by a reader.\n"})
    assert "outside its sections on the Hub is made anew" in push().said
    assert "outside" not in push().said


def front_matter(hub):
    return yaml.safe_load(files(hub)["README.md"].decode().split("---\n")[1])


def test_a_card_that_was_there_before_is_not_lost(push, hub):
    existing(hub, **{"README.md": PAGE})
    push()
    card = files(hub)["README.md"].decode()
    assert "Written before there was a corpus." in card
    matter = front_matter(hub)
    assert matter["extra_gated_prompt"] == "Say who you are."
    assert "finance" in matter["tags"]
    assert matter["license"] != "mit"
    assert [one["config_name"] for one in matter["configs"]] == ["default", "extra"]
    assert [one["config_name"] for one in matter["dataset_info"]] == ["default", "extra"]
    assert "unchanged" in push().said


def edit(text, name, words):
    """Write in a section of a card."""
    return with_sections(text, {name: words})


def test_sections_stay_where_they_were_written(push, hub, corpus):
    push()
    there = files(hub)["README.md"].decode()
    there = edit(edit(there, "about", "From the Hub."), "limits", "From the Hub too.")
    hub.repositories[REPO].commit("main", {"README.md": there.encode()})
    card = corpus / "README.md"
    card.write_text(edit(card.read_text(), "limits", "From here, path/to/this/directory."))
    done = push()
    assert "'limits' here replaces another on the Hub" in done.said
    assert "'about'" not in done.said
    pushed = files(hub)["README.md"].decode()
    assert "From the Hub." in pushed
    assert "From here, path/to/this/directory." in pushed
    assert "From the Hub too." not in pushed
    assert "unchanged" in push().said


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("---\n[oops\n---\n", "is no YAML"),
        ("---\n- a\n---\n", "is no mapping"),
        ("<!-- your text begins (about): it stays -->", "a mark is damaged"),
    ],
)
def test_a_card_that_cannot_be_understood_is_left_alone(push, hub, text, word):
    existing(hub, **{"README.md": text})
    assert word in push(code=1).said
    assert len(commits(hub)) == 2


# What comes back.

READ = """
import sys
from datasets import load_dataset
found = load_dataset("me/corpus")
here = load_dataset(sys.argv[1])
assert {split: len(rows) for split, rows in found.items()} == {s: len(r) for s, r in here.items()}
assert found.keys() == {"train", "validation"}
for split, rows in here.items():
    assert rows.features == found[split].features
    assert rows.to_list() == found[split].to_list(), split
info = found["train"].info.splits
assert info["train"].num_examples == len(found["train"])
"""
COPY = """
import sys
from huggingface_hub import snapshot_download
snapshot_download("me/corpus", repo_type="dataset", local_dir=sys.argv[1])
"""


def process(hub, folder, code, *arguments):
    subprocess.run(
        [sys.executable, "-c", code, *map(str, arguments)],
        env={**os.environ, **environment_of(hub, folder)},
        check=True,
        timeout=120,
    )


def test_load_dataset_gives_the_rows_of_the_directory(push, hub, corpus, tmp_path):
    pytest.importorskip("datasets")
    push()
    process(hub, tmp_path, READ, corpus)


def test_a_copy_of_the_repository_is_a_sound_corpus(push, hub, corpus, tmp_path, curate):
    push()
    process(hub, tmp_path, COPY, tmp_path / "copy")
    assert curate("verify", tmp_path / "copy").code == 0
    rows = pl.read_parquet(tmp_path / "copy/data/*.parquet")
    assert rows.equals(pl.read_parquet(corpus / "data/*.parquet"))


# Faults.


@pytest.mark.parametrize(
    "fault",
    [
        Fault("GET /api/datasets/me/corpus/tree", 500),
        Fault("GET /api/datasets/me/corpus", cuts=True),
        Fault("POST /api/repos/create", when="after"),
        Fault("validate-yaml", 502),
        Fault("preupload", 503),
        Fault("info/lfs/objects/batch", 429, headers={"Retry-After": "2"}),
        Fault("PUT /lfs/", when="middle"),
        Fault("PUT /lfs/", when="after"),
        Fault("PUT /lfs/", 500, times=3),
        Fault("/commit/", 429, times=2, headers={"Retry-After": "2"}),
        Fault("/commit/", 500, times=3),
        Fault("/commit/", when="middle"),
        Fault("/commit/", when="after"),
        Fault("/commit/", when="after", times=2),
    ],
    ids=lambda fault: f"{fault.word.rpartition('/')[2]}-{fault.status}-{fault.when}-{fault.times}",
)
def test_what_passes_is_overcome_in_one_commit(push, hub, corpus, fault):
    hub.faults.append(fault)
    assert "pushed" in push().said
    assert fault.times == 0 or fault.word == "/commit/"
    assert len(commits(hub)) == 2
    assert files(hub).keys() - {".gitattributes"} == listed(corpus)


def test_somebody_elses_commit_between_reading_and_writing_stays(push, hub, corpus):
    existing(hub)

    def other():
        hub.repositories[REPO].commit("main", {"other.txt": b"theirs"})

    hub.faults.append(Fault("/commit/", times=1, act=other))
    push()
    assert commits(hub)[2].summary == "somebody else's"
    assert len(commits(hub)) == 4
    assert files(hub)["other.txt"] == b"theirs"
    assert len([line for line in hub.requests if "/commit/" in line]) == 2  # the first was stale
    assert listed(corpus) <= files(hub).keys()


def test_patience_has_one_end(push, hub):
    hub.faults.append(Fault("PUT /lfs/", 503, 99, headers={"Retry-After": "290"}))
    assert "failing for 15 minutes" in push(code=1).said
    # Some files at a time, and few times each: without an end there would be hundreds.
    assert len([line for line in hub.requests if line.startswith("PUT")]) < 40


@pytest.mark.parametrize("place", ["refs", "info", "tree", "preupload", "batch", "commit"])
def test_an_answer_that_is_odd_is_a_sentence(push, hub, monkeypatch, place):
    existing(hub)
    monkeypatch.setattr(Writing, place, lambda self, *_: self.send_json({"odd": TOKEN}))
    said = push("--revision", "main", code=1).said
    assert "answer cannot be read" in said
    assert len(commits(hub)) == 2


def test_an_address_to_store_at_that_is_odd_is_a_sentence(push, hub, monkeypatch):
    existing(hub)
    real = Writing.send_json

    def odd(self, value, status=200):
        text = json.dumps(value).replace('"href"', '"odd"')
        return real(self, json.loads(text), status)

    monkeypatch.setattr(Writing, "send_json", odd)
    assert "answer cannot be read" in push(code=1).said


def test_a_commit_whose_answer_is_odd_is_found(push, hub, monkeypatch):
    real = Writing.commit

    def odd(self, *arguments):
        here, self.wfile = self.wfile, io.BytesIO()
        real(self, *arguments)
        self.wfile = here
        return self.send_json({"odd": 1})

    monkeypatch.setattr(Writing, "commit", odd)
    assert ": pushed" in push().said
    assert len(commits(hub)) == 2


def test_a_repository_that_shows_late_is_waited_for(push, hub):
    hub.faults.append(Fault("POST /api/repos/create", act=lambda: hub.faults.append(late)))
    late = Fault("GET /api/datasets", 404, times=2, headers={"X-Error-Code": "RepoNotFound"})
    assert ": pushed" in push().said


def test_a_repository_in_the_making_is_not_asked_for_without_end(push, hub, monkeypatch):
    text = b"Cannot create repo: another conflicting operation is in progress"
    monkeypatch.setattr(Writing, "create", lambda self: self.send(text, {}, 409))
    assert "busy with another change" in push(code=1).said
    assert len([line for line in hub.requests if "create" in line]) == 7


@pytest.mark.parametrize(
    ("headers", "word"),
    [
        ({"X-Error-Code": "GatedRepo"}, "asks for conditions"),
        ({"X-Error-Message": "Access to this resource is disabled."}, "has disabled"),
    ],
)
def test_a_repository_that_is_closed_is_a_sentence(push, hub, headers, word):
    existing(hub)
    hub.faults.append(Fault("GET /api/datasets", 403, 9, headers=headers))
    assert word in push(code=1).said


XET = "import huggingface_hub; huggingface_hub.constants.HF_HUB_DISABLE_XET = False\n"


@pytest.mark.parametrize(("status", "word"), [(401, "answers 401"), (403, "write access")])
def test_a_token_that_may_not_store_is_said_with_xet_too(push, hub, status, word):
    pytest.importorskip("hf_xet")
    existing(hub)
    hub.faults.append(Fault("xet-write-token", status, 99))
    assert word in push(before=HASTE + XET, code=1).said
    assert len([line for line in hub.requests if "preupload" in line]) == 1


def test_a_storage_that_fails_is_asked_twice(push, hub, monkeypatch):
    pytest.importorskip("hf_xet")
    existing(hub)
    real = Writing.repository

    def refusing(self, key, rest):
        if rest[:1] != ["xet-write-token"]:
            return real(self, key, rest)
        place = {"casUrl": f"{self.server.url}/cas", "accessToken": "x", "exp": 9_999_999_999}
        return self.send_json(place)

    monkeypatch.setattr(Writing, "repository", refusing)
    assert "large files could not be stored" in push(before=HASTE + XET, code=1).said
    assert len([line for line in hub.requests if "preupload" in line]) == 2


SLEEPS = "import time, sys; time.sleep = lambda s: print('slept', s, file=sys.stderr)\n"


def test_what_the_hub_asks_to_wait_is_waited(push, hub):
    hub.faults.append(Fault("/commit/", 429, headers={"Retry-After": "17"}))
    done = push(before=SLEEPS)
    assert float(done.err.split()[1]) >= 17


@pytest.mark.parametrize("word", ["/commit/", "preupload"])
def test_a_wait_without_end_is_a_sentence(push, hub, word):
    hub.faults.append(Fault(word, 429, headers={"Retry-After": "86400"}))
    done = push(before=SLEEPS, code=1)
    assert "asks to wait 86,400 seconds" in done.said
    assert "slept" not in done.err


def test_an_answer_that_never_comes_counts_as_lost(push, hub):
    hub.faults.append(Fault("/commit/", when="after", act=delay(1.5)))
    push(before=HASTE + "from schemas.hub import session; session.TIMEOUT = 0.5\n")
    assert len(commits(hub)) == 2


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        (Fault("/commit/", 412, 99), "somebody else keeps changing"),
        (Fault("/commit/", 500, 99), "answers 500"),
        (Fault("/commit/", 409, 99), "busy"),
        (Fault("/commit/", 413, 99), "too large"),
        (Fault("/commit/", 422, 99), "refuses the content"),
        (Fault("POST /api/repos/create", 403), "write access"),
        (Fault("GET /api/datasets", 401), "hf auth login"),
        (Fault("GET /api/datasets", 404, skip=2, times=99), "no such repository or revision"),
        (Fault("info/lfs/objects/batch", 403), "write access"),
        (Fault("PUT /lfs/", 403, 99), "write access"),
        (Fault("validate-yaml", 400, 99), "answer cannot be read"),
    ],
)
def test_a_failure_is_one_sentence_and_leaves_no_half_commit(push, hub, fault, word):
    hub.faults.append(fault)
    done = push(code=1)
    assert word in done.said
    assert len(done.err.splitlines()) == 1
    assert all(len(one.branches["main"]) == 1 for one in hub.repositories.values())


def test_a_gitignore_there_that_keeps_files_out_is_said(push, hub):
    existing(hub, **{".gitignore": "data/"})
    assert ".gitignore keeps data/" in push(code=1).said
    assert len(commits(hub)) == 2


def test_a_hub_that_cannot_be_reached(push, hub):
    away = "import huggingface_hub; huggingface_hub.constants.ENDPOINT = 'http://127.0.0.1:9'\n"
    assert "cannot be reached" in push(before=HASTE + away, code=1).said
    assert "HF_HUB_OFFLINE" in push(before=OFFLINE, code=1).said
    assert hub.requests == []


OFFLINE = "import huggingface_hub; huggingface_hub.constants.HF_HUB_OFFLINE = True\n"


def test_no_token_and_one_that_can_be_none(push, hub):
    assert "needs a token" in push(code=1, HF_TOKEN="").said
    done = push(code=1, HF_TOKEN="hf_秘密")
    assert "characters that no token has" in done.said
    assert "秘密" not in done.said
    assert hub.requests == []
