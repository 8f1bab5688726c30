"""A process that has imported the real client, and forks for each command: imports take seconds.

It reads requests as JSON lines from standard input: arguments, environment, code to run before,
and files for the output. It answers with the child's id at once, and with its end when it comes.
"""

import json
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path


class Pusher:
    """The other end: `start` a command line of `curate`, `wait` for its end."""

    def __init__(self, environment, folder):
        self.folder, self.pid = folder, None
        self.process = subprocess.Popen(
            [sys.executable, __file__],
            env={**environment, "PYTHONPATH": "."},
            cwd=Path(__file__).parents[2],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def start(self, *arguments, before="", **environment):
        """Begin a command; gives its process id."""
        asked = {
            "arguments": list(map(str, arguments)),
            "before": before,
            "environment": environment,
            "out": str(self.folder / "out"),
            "err": str(self.folder / "err"),
        }
        self.pid = None
        self.process.stdin.write(json.dumps(asked) + "\n")
        self.process.stdin.flush()
        self.pid = int(self.process.stdout.readline())
        return self.pid

    def kill(self):
        """End the command as nothing can be caught; for a fault's `act`."""
        while self.pid is None:
            time.sleep(0.001)
        with suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    def wait(self):
        """Exit code (negative: killed by that signal), standard output and error."""
        code = int(self.process.stdout.readline())
        return code, (self.folder / "out").read_text(), (self.folder / "err").read_text()

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=60)
        self.process.stdout.close()


def make(folder, *changes):
    """Run the sample's recipe."""
    from curation.recipes import load
    from curation.run import Options, run

    run(load("sample", changes), folder, Options(workers=1))
    return folder


def serve():
    import huggingface_hub.hf_api  # noqa: F401  # what `curate push` will need, read once

    import curation.cli.entry
    import curation.publishing  # noqa: F401

    for line in sys.stdin:
        asked = json.loads(line)
        pid = os.fork()
        if not pid:
            run(asked)
        sys.stdout.write(f"{pid}\n")
        sys.stdout.flush()
        _, status = os.waitpid(pid, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


def run(asked):
    """The child: ends with the command's exit code."""
    os.environ.update(asked["environment"])
    for name, number in (("out", 1), ("err", 2)):
        os.dup2(os.open(asked[name], os.O_CREAT | os.O_TRUNC | os.O_WRONLY), number)
    sys.argv = ["curate", *asked["arguments"]]
    code = 1
    try:
        exec(asked["before"], {})
        from curation.cli import main

        main()
    except SystemExit as end:
        code = end.code or 0
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    serve()
