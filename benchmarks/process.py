"""A command timed as a whole, with the memory of all its processes. Linux: reads /proc."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

#: Seconds between two looks at the memory. A peak that is shorter may be missed.
INTERVAL = 0.05
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Measured:
    """How a command went.

    seconds: wall time from start to exit, imports included.
    peak:    bytes resident, the greatest sum over its processes; what they share counts in each.
    code:    exit code.
    error:   the last line that it wrote to standard error.
    """

    seconds: float
    peak: int
    code: int
    error: str


def measured(command: Sequence[str], log: Path, environment: Mapping[str, str] = {}) -> Measured:
    """Run `command` to its end; what it prints goes to the file `log`."""
    began = time.perf_counter()
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, **environment},
            start_new_session=True,  # its descendants are the processes of the session
        )
        peak = 0
        while process.poll() is None:
            peak = max(peak, resident(process.pid))
            time.sleep(INTERVAL)
    seconds = time.perf_counter() - began
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return Measured(seconds, peak, process.returncode, lines[-1] if lines else "")


def resident(session: int) -> int:
    """Bytes resident in all processes of a session."""
    return sum(_resident(folder, session) for folder in Path("/proc").glob("[0-9]*"))


def _resident(folder: Path, session: int) -> int:
    try:
        # After the name, which is in brackets: state, parent, group, session (proc_pid_stat(5)).
        fields = (folder / "stat").read_text().rpartition(")")[2].split()
        if int(fields[3]) != session:
            return 0
        return int((folder / "statm").read_text().split()[1]) * _PAGE
    except (OSError, IndexError):  # it ended meanwhile
        return 0
