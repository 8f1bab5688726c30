"""A local server that speaks enough of the Hub's protocol for the real client."""

import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"
TOKEN = "hf_secret_of_this_test"


class HubServer(ThreadingHTTPServer):
    """Data sets by name, each a mapping from path to bytes; o/gated asks for conditions first.

    Every data set has the revisions `main`, `COMMIT` and those in `revisions`.
    """

    def __init__(self, handler=None):
        super().__init__(("127.0.0.1", 0), handler or Reading)
        self.repos: dict[str, dict[str, bytes]] = {}
        self.revisions = {"main", COMMIT}
        self.requests: list[str] = []


def serve(server):
    """A fixture's life of a server."""
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


def environment_of(hub, folder):
    """What sends the client there; it keeps its files in `folder`."""
    return {
        "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}",
        "HF_HOME": str(folder / "hf"),
        "HF_HUB_DISABLE_XET": "1",
        "HF_TOKEN": TOKEN,
    }


class Reading(BaseHTTPRequestHandler):
    def do_HEAD(self):
        self.answer()

    def do_GET(self):
        self.answer()

    def answer(self):
        path = unquote(urlsplit(self.path).path)
        self.server.requests.append(f"{self.command} {path}")
        if "/o/gated" in path:
            return self.fail(403, "GatedRepo")
        repo = next((repo for repo in self.server.repos if f"/{repo}/" in path), None)
        if repo is None:
            return self.fail(404, "RepoNotFound")
        if not any(f"/{revision}" in path for revision in self.server.revisions):
            return self.fail(404, "RevisionNotFound")
        files = self.server.repos[repo]
        if path.startswith("/api/"):
            return self.send_list(files)
        revision, _, name = path.partition("/resolve/")[2].partition("/")
        if name not in files:
            return self.fail(404, "EntryNotFound")
        commit = COMMIT if revision == "main" else revision
        etag = f'"{hashlib.sha1(files[name]).hexdigest()}"'
        return self.send(files[name], {"ETag": etag, "X-Repo-Commit": commit})

    def send_list(self, files):
        listed = [
            {"type": "file", "path": name, "size": len(raw), "oid": hashlib.sha1(raw).hexdigest()}
            for name, raw in files.items()
        ]
        self.send(json.dumps(listed).encode(), {"Content-Type": "application/json"})

    def send(self, body, headers, status=200):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def fail(self, status, code):
        self.send(b"", {"X-Error-Code": code, "X-Error-Message": f"no: {TOKEN}"}, status)

    def log_message(self, *_):
        pass
