"""Kills and faults by a seeded schedule: every branch holds the old version or the new one, whole.

AURORA_PUSH_FAULTS=50 makes the long run: `pytest -n 0 -s tests/hub/test_hub_push_faults.py`.
"""

import copy
import os
import random
from collections import Counter

import pytest
from hub_faults import HASTE, Fault
from hub_pusher import make
from hub_writes import Repository

ROUNDS = int(os.environ.get("AURORA_PUSH_FAULTS", "4"))
REPO = "datasets/me/corpus"
#: Words of the requests of a push, and how often each is made at most.
REQUESTS = {
    "GET /api/datasets/me/corpus": 8,
    "GET /api/datasets/me/corpus/tree": 4,
    "GET /datasets/me/corpus/resolve": 2,
    "POST /api/repos/create": 1,
    "/branch/": 1,
    "validate-yaml": 1,
    "preupload": 1,
    "info/lfs/objects/batch": 1,
    "PUT /lfs/": 6,
    "/verify": 6,
    "/commit/": 1,
}
OPTIONS = ([], [], ["--revision", "v2"], ["--create-pr"])


@pytest.fixture
def hub(corpus_hub):
    return corpus_hub


def test_the_repository_is_always_the_old_version_or_the_new(hub, pusher, finished, tmp_path):
    newer = make(tmp_path / "newer", "stages.quality.min_score=0.8")
    run = Run(hub, pusher, newer)
    befores = [None, run.clean(finished)]
    wanted = [run.undisturbed(before) for before in befores]
    chance = random.Random(14)
    seen = Counter()
    for number in range(ROUNDS):
        begin, options = chance.choice([0, 1, 1]), chance.choice(OPTIONS)
        faults = [draw(chance, run) for _ in range(chance.randint(1, 3))]
        place = Place(befores[begin], options, wanted[begin])
        seen.update(run.round(befores[begin], place, faults, number))
    print(f"\n{ROUNDS} rounds:", ", ".join(f"{n} {what}" for what, n in sorted(seen.items())))


def draw(chance, run):
    """A fault of any kind at any request; the commit is met more often than others."""
    word = chance.choice([*REQUESTS, *["/commit/"] * 6])
    fault = Fault(word, skip=chance.randrange(REQUESTS[word]))
    kind = chance.choice(["kill", "kill", "answer", "cut", "other"])
    fault.when = chance.choice(["before", "middle", "after"])
    if kind == "kill":
        fault.act = run.pusher.kill
    elif kind == "answer":
        fault.when, fault.status = "before", chance.choice([429, 500, 502, 503])
        fault.headers = {"Retry-After": "1"} if fault.status == 429 else {}
    elif kind == "cut":
        fault.cuts = True
    else:
        fault.when, fault.act = "before", run.somebody
    return fault


class Run:
    """Pushes of one new version over an old one or none, and what must be there after each."""

    def __init__(self, hub, pusher, newer):
        self.hub, self.pusher, self.newer = hub, pusher, newer

    def clean(self, corpus):
        """The repository after an undisturbed push into what is there."""
        assert self.push(corpus) == 0
        return copy.deepcopy(self.hub.repositories[REPO])

    def push(self, corpus, *options):
        self.pusher.start("push", corpus, "me/corpus", *options, before=HASTE)
        code, out, err = self.pusher.wait()
        assert "Traceback" not in err, err
        self.hub.rest()
        self.said = out + err
        return code

    def reset(self, before):
        self.hub.large.clear()
        self.hub.faults.clear()
        self.hub.repositories.clear()
        if before is not None:
            self.hub.repositories[REPO] = copy.deepcopy(before)

    def somebody(self):
        """Somebody else commits to main meanwhile."""
        if repository := self.hub.repositories.get(REPO):
            repository.commit("main", {"other.txt": repr(repository.head.oid).encode()})

    def undisturbed(self, before):
        """What the new version is, pushed into what was there before."""
        self.reset(before)
        return tree(self.clean(self.newer))

    def round(self, before, place, faults, number):
        """One disturbed push and one that is not; gives what happened."""
        self.reset(before)
        self.hub.faults += faults
        options = place.options
        code = self.push(self.newer, *options)
        told = f"round {number}: {options} {faults}: {self.said}"
        place.check(self.hub.repositories.get(REPO), told, done=code == 0)
        self.hub.faults.clear()
        assert self.push(self.newer, *options) == 0, told
        place.check(self.hub.repositories[REPO], told, done=True)
        ends = {0: "succeeded", 1: "said why not"}
        met = [fault for fault in faults if not fault.times]
        return [ends.get(code, "killed"), *["faults met"] * len(met)]


class Place:
    """Where the new version must turn up, and nowhere else."""

    def __init__(self, before, options, wanted):
        self.options = options
        self.old = tree(before or Repository(private=True))
        self.branch = options[1] if options[:1] == ["--revision"] else "main"
        self.asks, self.new = "--create-pr" in options, wanted
        self.commits = 1 if before is None else len(before.branches["main"])

    def check(self, repository, told, *, done):
        if repository is None:
            assert not done, told
            return
        branches = repository.branches
        requests = [name for name in branches if name.startswith("refs/")]
        heads = {name: plain(commits[-1].files) for name, commits in branches.items()}
        target = next(iter(requests), None) if self.asks else self.branch
        for name, head in heads.items():
            assert head in ((self.old, self.new) if name == target else (self.old,)), told
        assert len(requests) <= self.asks, told
        if done:
            assert heads[target] == self.new, told
        ours = {
            one.oid for some in branches.values() for one in some if one.summary[:6] == "Upload"
        }
        assert len(ours) == (self.commits - 1) + (heads.get(target) == self.new), told


def tree(repository):
    return plain(repository.head.files)


def plain(files):
    """Without what somebody else committed meanwhile."""
    return {name: raw for name, raw in files.items() if name != "other.txt"}
