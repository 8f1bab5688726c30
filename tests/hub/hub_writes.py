"""The part of the Hub's protocol that the real client writes with: repositories, LFS, commits.

`WritableHub.faults` makes requests fail: the server answers with a fault's status each time that
its word is in "METHOD path", `times` times.
"""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from hub_server import TOKEN, HubServer, Reading

LARGE = 2_000  # bytes from which a file goes to LFS


@dataclass
class Fault:
    word: str
    status: int
    times: int = 1


@dataclass
class Commit:
    oid: str
    files: dict[str, bytes]
    summary: str


@dataclass
class Repository:
    """Commits of `main`, of other branches, and of pull requests; the newest last."""

    private: bool
    branches: dict[str, list[Commit]] = field(default_factory=dict)

    def __post_init__(self):
        self.branches["main"] = [Commit(_oid(b"first"), {".gitattributes": b"* text"}, "first")]

    @property
    def head(self):
        return self.branches["main"][-1]

    def at(self, revision):
        """The commit that a branch or an oid means, or None."""
        if revision in self.branches:
            return self.branches[revision][-1]
        commits = [commit for branch in self.branches.values() for commit in branch]
        return next((commit for commit in commits if commit.oid == revision), None)


class WritableHub(HubServer):
    """Repositories by `models/OWNER/NAME` or `datasets/OWNER/NAME`; stored large files by hash."""

    def __init__(self):
        super().__init__(Writing)
        self.repositories: dict[str, Repository] = {}
        self.large: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.url = f"http://127.0.0.1:{self.server_port}"


class Writing(Reading):
    def do_PUT(self):  # noqa: N802
        self.answer()

    def do_POST(self):  # noqa: N802
        self.answer()

    def answer(self):
        path = unquote(urlsplit(self.path).path)
        line = f"{self.command} {path}"
        self.server.requests.append(line)
        self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        fault = next((f for f in self.server.faults if f.word in line and f.times), None)
        if fault:
            fault.times -= 1
            return self.fail(fault.status, "Fault")
        if not path.startswith("/lfs/") and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.fail(401, "Unauthorized")
        return self.route(path.strip("/").split("/"))

    def route(self, parts):
        match parts:
            case ["api", "repos", "create"]:
                return self.create()
            case ["api", "validate-yaml"]:
                return self.send_json({"errors": [], "warnings": []})
            case ["lfs", oid]:
                return self.store(oid)
            case ["lfs", oid, "verify"]:
                return self.send_json({}, 200 if oid in self.server.large else 404)
            case [*_, _, name, "info", "lfs", "objects", "batch"] if name.endswith(".git"):
                return self.batch()
            case ["api", kind, owner, name, *rest]:
                return self.repository(f"{kind}/{owner}/{name}", rest)
        return self.fail(404, "EntryNotFound")

    def create(self):
        asked = json.loads(self.body)
        name = f"{asked['organization']}/{asked['name']}"
        key = f"{asked.get('type', 'model')}s/{name}"
        if key in self.server.repositories:
            return self.fail(409, "Conflict")
        self.server.repositories[key] = Repository(asked.get("visibility") == "private")
        return self.send_json({"url": f"{self.server.url}/{name}", "id": name, "name": name})

    def repository(self, key, rest):
        repository = self.server.repositories.get(key)
        if repository is None:
            return self.fail(404, "RepoNotFound")
        action, revision = (*rest, "revision", "main")[:2] if len(rest) != 1 else (rest[0], "main")
        if action == "branch":
            return self.branch(repository, revision)
        commit = repository.at(revision)
        if commit is None:
            return self.fail(404, "RevisionNotFound")
        if action == "preupload":
            return self.preupload(commit)
        if action == "commit":
            return self.commit(key, repository, revision)
        if action == "tree":
            return self.send_list(commit.files)
        owner_and_name = key.partition("/")[2]
        info = {"id": owner_and_name, "sha": commit.oid, "private": repository.private}
        return self.send_json(info | {"siblings": [{"rfilename": name} for name in commit.files]})

    def branch(self, repository, name):
        if name in repository.branches:
            return self.fail(409, "Conflict")
        repository.branches[name] = [repository.head]
        return self.send_json({})

    def preupload(self, commit):
        files = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if file["size"] >= LARGE else "regular",
                "shouldIgnore": False,
                "oid": self.known_oid(commit.files.get(file["path"]), file["size"] >= LARGE),
            }
            for file in json.loads(self.body)["files"]
        ]
        return self.send_json({"files": files})

    def known_oid(self, raw, large):
        if raw is None:
            return None
        return hashlib.sha256(raw).hexdigest() if large else _oid(raw)

    def batch(self):
        objects = []
        for wanted in json.loads(self.body)["objects"]:
            url = f"{self.server.url}/lfs/{wanted['oid']}"
            actions = {"upload": {"href": url}, "verify": {"href": f"{url}/verify"}}
            missing = wanted["oid"] not in self.server.large
            objects.append(wanted | ({"actions": actions} if missing else {}))
        return self.send_json({"transfer": "basic", "objects": objects})

    def store(self, oid):
        if hashlib.sha256(self.body).hexdigest() != oid:
            return self.fail(422, "BadHash")
        self.server.large[oid] = self.body
        return self.send_json({})

    def commit(self, key, repository, revision):
        lines = [json.loads(line) for line in self.body.splitlines()]
        header = lines[0]["value"]
        parent = repository.at(revision)
        if header.get("parentCommit", parent.oid) != parent.oid:
            return self.fail(412, "ParentChanged")
        files = dict(parent.files)
        for line in lines[1:]:
            self.apply(files, line["key"], line["value"])
        commit = Commit(_oid(self.body + parent.oid.encode()), files, header["summary"])
        pull = "create_pr" in parse_qs(urlsplit(self.path).query)
        branch = f"refs/pr/{len(repository.branches)}" if pull else revision
        repository.branches.setdefault(branch, []).append(commit)
        url = f"{self.server.url}/{key.removeprefix('models/')}"
        answer = {"commitUrl": f"{url}/commit/{commit.oid}", "commitOid": commit.oid}
        return self.send_json(answer | ({"pullRequestUrl": f"{url}/discussions/1"} if pull else {}))

    def apply(self, files, key, value):
        if key == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        elif key == "lfsFile":
            files[value["path"]] = self.server.large[value["oid"]]
        elif key == "deletedFile":
            del files[value["path"]]

    def send_json(self, value, status=200):
        self.send(json.dumps(value).encode(), {"Content-Type": "application/json"}, status)


def _oid(raw):
    """As git names a blob."""
    return hashlib.sha1(b"blob %d\0" % len(raw) + raw).hexdigest()
