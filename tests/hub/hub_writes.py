"""The part of the Hub's protocol that the real client writes with: repositories, LFS, commits.

What is pushed can be read again: trees page by page, files with their LFS hashes, ranges of bytes.
`WritableHub.faults` makes requests fail.
"""

import base64
import hashlib
import io
import json
import re
import threading
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote, urlsplit

from hub_faults import Fault
from hub_server import TOKEN, HubServer, Reading

__all__ = ["Fault", "Repository", "WritableHub"]

#: By its .gitattributes the Hub stores these as large files, and others from a size on.
LARGE = (".parquet", ".safetensors", ".png")
LARGE_BYTES = 200_000
PAGE = 4  # entries of a tree


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
    tags: list[dict[str, str]] = field(default_factory=list)

    def __post_init__(self):
        self.branches["main"] = [Commit(blob(b"first"), {".gitattributes": b"* text"}, "first")]

    @property
    def head(self):
        return self.branches["main"][-1]

    @property
    def requests(self):
        """Pull requests by number."""
        names = [name for name in self.branches if name.startswith("refs/pr/")]
        return {int(name.rpartition("/")[2]): self.branches[name][-1] for name in names}

    def at(self, revision):
        """The commit that a branch or an oid means, or None."""
        if revision in self.branches:
            return self.branches[revision][-1]
        commits = [commit for branch in self.branches.values() for commit in branch]
        return next((commit for commit in commits if commit.oid == revision), None)

    def commit(self, branch, changes, summary="somebody else's"):
        """A commit as a browser makes it: name → content, or None to delete."""
        files = {**self.branches[branch][-1].files, **changes}
        files = {name: raw for name, raw in files.items() if raw is not None}
        oid = blob(repr((summary, len(self.branches[branch]), branch)).encode())
        self.branches[branch].append(Commit(oid, files, summary))


class WritableHub(HubServer):
    """Repositories by `models/OWNER/NAME` or `datasets/OWNER/NAME`; stored large files by hash."""

    def __init__(self):
        super().__init__(Writing)
        self.repositories: dict[str, Repository] = {}
        self.large: dict[str, bytes] = {}
        self.faults: list[Fault] = []
        self.lock = threading.RLock()
        self.active = 0
        self.url = f"http://127.0.0.1:{self.server_port}"

    def rest(self):
        """Wait until no request is under way: what a killed client had sent is dealt with."""
        time.sleep(0.05)
        while self.active:
            time.sleep(0.01)

    def process_request_thread(self, request, client_address):
        with self.lock:
            self.active += 1
        try:
            super().process_request_thread(request, client_address)
        finally:
            with self.lock:
                self.active -= 1

    def handle_error(self, request, client_address):
        """A client that was killed is no error here."""


class Writing(Reading):
    def do_PUT(self):  # noqa: N802
        self.answer()

    def do_POST(self):  # noqa: N802
        self.answer()

    def answer(self):
        path = unquote(urlsplit(self.path).path)
        line = f"{self.command} {path}"
        self.server.requests.append(line)
        fault = next((fault for fault in self.server.faults if fault.meets(line)), None)
        length = int(self.headers.get("Content-Length", 0))
        if fault and fault.when == "middle":
            self.rfile.read(length // 2)
            fault.act()
            return self.cut()
        self.body = self.rfile.read(length)
        if fault and fault.when == "before":
            fault.act()
            if fault.cuts:
                return self.cut()
            if fault.status:
                return self.fail(fault.status, "Fault", fault.headers)
        if fault and fault.when == "after":
            self.wfile = io.BytesIO()  # the answer goes nowhere
        with self.server.lock:
            self.authorized(path)
        if fault and fault.when == "after":
            fault.act()
            self.cut()
        return None

    def cut(self):
        """End the connection without an answer."""
        self.close_connection = True
        self.connection.shutdown(2)

    def authorized(self, path):
        if not path.startswith("/lfs/") and self.headers.get("Authorization") != f"Bearer {TOKEN}":
            return self.fail(401, "Unauthorized")
        return self.route(path.strip("/").split("/"))

    def route(self, parts):
        match parts:
            case ["api", "repos", "create"]:
                return self.create()
            case ["api", "validate-yaml"]:
                return self.validate()
            case ["lfs", oid]:
                return self.store(oid)
            case ["lfs", oid, "verify"]:
                return self.send_json({}, 200 if oid in self.server.large else 404)
            case [*_, _, name, "info", "lfs", "objects", "batch"] if name.endswith(".git"):
                return self.batch()
            case ["api", ("models" | "datasets") as kind, owner, name, *rest]:
                return self.repository(f"{kind}/{owner}/{name}", rest)
            case ["datasets", owner, name, "resolve", *rest]:
                return self.resolve(f"datasets/{owner}/{name}", rest)
            case [owner, name, "resolve", *rest]:
                return self.resolve(f"models/{owner}/{name}", rest)
        return self.fail(404, "EntryNotFound")

    def create(self):
        asked = json.loads(self.body)
        name = f"{asked['organization']}/{asked['name']}"
        key = f"{asked.get('type', 'model')}s/{name}"
        if key in self.server.repositories:
            return self.fail(409, "Conflict")
        self.server.repositories[key] = Repository(asked.get("visibility") == "private")
        return self.send_json({"url": f"{self.server.url}/{name}", "id": name, "name": name})

    def validate(self):
        """The Hub refuses a card whose licence it does not know."""
        text = json.loads(self.body)["content"]
        if "license: no-such-licence" in text:
            return self.send_json({"errors": [{"message": f"no: {TOKEN}"}]}, 400)
        return self.send_json({"errors": [], "warnings": [{"message": f"hm: {TOKEN}"}]})

    def repository(self, key, rest):
        repository = self.server.repositories.get(key)
        if repository is None:
            return self.fail(404, "RepoNotFound")
        action, *rest = rest or ["revision"]
        if action == "refs":
            return self.refs(repository)
        if action == "discussions":
            return self.discussions(key, repository)
        if action == "branch":
            return self.branch(repository, "/".join(rest))
        # A slash in a branch came quoted, and unquoted is like any other.
        revision, inner = self.split(repository, rest or ["main"])
        commit = repository.at(revision)
        if commit is None:
            return self.fail(404, "RevisionNotFound")
        answers = {
            "preupload": lambda: self.preupload(commit),
            "commit": lambda: self.commit(key, repository, revision),
            "tree": lambda: self.tree(commit, inner),
            "paths-info": lambda: self.paths_info(commit),
            "revision": lambda: self.info(key, repository, commit),
        }
        return answers.get(action, lambda: self.fail(404, "EntryNotFound"))()

    def split(self, repository, parts):
        """Revision and the path behind it."""
        for end in range(len(parts), 0, -1):
            if repository.at("/".join(parts[:end])):
                return "/".join(parts[:end]), "/".join(parts[end:])
        return "/".join(parts), ""

    def info(self, key, repository, commit):
        name = key.partition("/")[2]
        info = {"id": name, "sha": commit.oid, "private": repository.private}
        siblings = [{"rfilename": file} for file in commit.files]
        return self.send_json(info | {"siblings": siblings, "tags": [], "downloads": 0})

    def refs(self, repository):
        listed = [
            {"name": name, "ref": f"refs/heads/{name}", "targetCommit": commits[-1].oid}
            for name, commits in repository.branches.items()
            if not name.startswith("refs/")
        ]
        return self.send_json({"branches": listed, "converts": [], "tags": repository.tags})

    def discussions(self, key, repository):
        kind, _, name = key.partition("/")
        listed = [
            {
                "num": number,
                "title": commit.summary,
                "author": {"name": "me"},
                "createdAt": "2026-01-01T00:00:00.000Z",
                "status": "open",
                "repo": {"name": name, "type": kind[:-1]},
                "isPullRequest": True,
            }
            for number, commit in repository.requests.items()
        ]
        return self.send_json({"discussions": listed, "count": len(listed), "start": 0})

    def branch(self, repository, name):
        if name in repository.branches:
            return self.fail(409, "Conflict")
        repository.branches[name] = [repository.head]
        return self.send_json({})

    def tree(self, commit, folder):
        query = parse_qs(urlsplit(self.path).query)
        entries = self.entries(commit, folder, query.get("recursive") == ["true"])
        start = int(query.get("cursor", ["0"])[0])
        following = dict(query, cursor=[str(start + PAGE)])
        address = urlsplit(self.path).path
        words = "&".join(f"{key}={value[0]}" for key, value in following.items())
        headers = {"Content-Type": "application/json"}
        if start + PAGE < len(entries):
            headers["Link"] = f'<{self.server.url}{address}?{words}>; rel="next"'
        return self.send(json.dumps(entries[start : start + PAGE]).encode(), headers)

    def entries(self, commit, folder, recursive):
        inside = f"{folder}/" if folder else ""
        files = {name: raw for name, raw in commit.files.items() if name.startswith(inside)}
        folders = {
            name[: slash.start()]
            for name in files
            for slash in re.finditer("/", name)
            if slash.start() >= len(inside)
        }
        listed = [describe(name, raw) for name, raw in files.items()]
        listed += [{"type": "directory", "path": f, "size": 0, "oid": "0"} for f in folders]
        listed.sort(key=lambda entry: entry["path"])
        return [e for e in listed if recursive or "/" not in e["path"].removeprefix(inside)]

    def paths_info(self, commit):
        asked = json.loads(self.body)["paths"]
        everything = self.entries(commit, "", recursive=True)
        return self.send_json([entry for entry in everything if entry["path"] in asked])

    def resolve(self, key, rest):
        repository = self.server.repositories.get(key)
        if repository is None:
            return self.fail(404, "RepoNotFound")
        revision, name = self.split(repository, rest)
        commit = repository.at(revision)
        if commit is None:
            return self.fail(404, "RevisionNotFound")
        if name not in commit.files:
            return self.fail(404, "EntryNotFound")
        raw = commit.files[name]
        entry = describe(name, raw)
        etag = entry["lfs"]["oid"] if "lfs" in entry else entry["oid"]
        headers = {"ETag": f'"{etag}"', "X-Repo-Commit": commit.oid, "Accept-Ranges": "bytes"}
        part = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range") or "")
        if not part:
            return self.send(raw, headers)
        end = min(int(part[2] or len(raw)), len(raw) - 1)
        headers["Content-Range"] = f"bytes {part[1]}-{end}/{len(raw)}"
        return self.send(raw[int(part[1]) : end + 1], headers, 206)

    def preupload(self, commit):
        ignored = commit.files.get(".gitignore", b"").decode().split()
        files = [
            {
                "path": file["path"],
                "uploadMode": "lfs" if is_large(file["path"], file["size"]) else "regular",
                "shouldIgnore": any(file["path"].startswith(word) for word in ignored),
                "oid": self.known_oid(file["path"], commit.files.get(file["path"]), file["size"]),
            }
            for file in json.loads(self.body)["files"]
        ]
        return self.send_json({"files": files})

    def known_oid(self, name, raw, size):
        if raw is None:
            return None
        return hashlib.sha256(raw).hexdigest() if is_large(name, size) else blob(raw)

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
        pull = "create_pr" in parse_qs(urlsplit(self.path).query)
        if pull:  # it may begin anywhere
            parent = repository.at(header.get("parentCommit", parent.oid))
        elif header.get("parentCommit", parent.oid) != parent.oid:
            return self.fail(412, "ParentChanged")
        files = dict(parent.files)
        for line in lines[1:]:
            if not self.apply(files, line["key"], line["value"]):
                return self.fail(422, "NoSuchObject")
        commit = Commit(blob(self.body + parent.oid.encode()), files, header["summary"])
        number = len(repository.requests) + 1
        branch = f"refs/pr/{number}" if pull else revision
        repository.branches.setdefault(branch, []).append(commit)
        url = f"{self.server.url}/{key.removeprefix('models/')}"
        answer = {"commitUrl": f"{url}/commit/{commit.oid}", "commitOid": commit.oid}
        page = {"pullRequestUrl": f"{url}/discussions/{number}"} if pull else {}
        return self.send_json(answer | page)

    def apply(self, files, key, value):
        """Whether the operation could be: a large file is stored, a deleted one was there."""
        if key == "file":
            files[value["path"]] = base64.b64decode(value["content"])
        elif key == "lfsFile" and value["oid"] in self.server.large:
            files[value["path"]] = self.server.large[value["oid"]]
        elif key == "deletedFile" and value["path"] in files:
            del files[value["path"]]
        else:
            return False
        return True

    def fail(self, status, code, headers=None):
        said = {"X-Error-Code": code, "X-Error-Message": f"no: {TOKEN}"}
        self.send(b"", said | (headers or {}), status)

    def send_json(self, value, status=200):
        self.send(json.dumps(value).encode(), {"Content-Type": "application/json"}, status)


def is_large(name, size):
    return size > 0 and (name.endswith(LARGE) or size >= LARGE_BYTES)


def describe(name, raw):
    """A file as a tree lists it."""
    entry = {"type": "file", "path": name, "size": len(raw), "oid": blob(raw)}
    if not is_large(name, len(raw)):
        return entry
    digest = hashlib.sha256(raw).hexdigest()
    pointer = b"oid sha256:" + digest.encode()
    large = {"oid": digest, "size": len(raw), "pointerSize": len(pointer)}
    return entry | {"oid": blob(pointer), "lfs": large}


def blob(raw):
    """As git names a blob."""
    return hashlib.sha1(b"blob %d\0" % len(raw) + raw).hexdigest()
