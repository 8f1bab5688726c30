"""Near-duplicates by ours and by three other tools: time, memory, and who is right.

    python -m benchmarks.dedup [--data FOLDER] [--rows N] [--key prompt|conversation]
                               [--threshold T] [--workers N] [--tool TOOL]… [--python TOOL=PATH]…

All get the same rows: a planted set of N rows (`benchmarks.planted`) and, with --data, the real
conversations of a folder beside it. Each runs as a process of its own and is timed from start to
exit, the interpreter's start, imports, reading and writing included; ours is `curate run`, which
writes a whole corpus directory. The tables:

    rows/s, s      wall time of the whole process
    MB             the greatest sum of resident memory over its processes (10^6 bytes)
    dropped        rows left out
    recall         share of the planted pairs within the threshold of which a row is gone
    precision      share of the dropped rows that a kept row is within the threshold of
    lost           dropped rows that no kept row is within the threshold of

against the exact Jaccard of `benchmarks.truth`; then recall and lost rows by kind of planted
family. How the others are set up is told in `benchmarks/tools`.

Tools that are not installed are passed over. datatrove and data-juicer bring many dependencies:
give each an environment of its own and name its interpreter, --python datatrove=PATH.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import get_args

from rich.console import Console
from rich.table import Table

from benchmarks import curate
from benchmarks.judge import BELOW, Judge, Verdict
from benchmarks.planted import planted
from benchmarks.process import Measured, measured
from benchmarks.rows import Key, Row, messages, part, real, write_lines

OURS = "ours"
SCRIPTS = Path(__file__).parent / "tools"


@dataclass(frozen=True, slots=True)
class Tool:
    """Another tool.

    script: runs it. module: must be importable for that. needs: what pip is to install.
    """

    script: str
    module: str
    needs: str


TOOLS = {
    "datasketch": Tool("datasketch_lsh.py", "datasketch", "datasketch"),
    "datatrove": Tool(
        "datatrove_minhash.py", "datatrove", "datatrove orjson regex tokenizers 'xxhash<4'"
    ),
    "data-juicer": Tool("datajuicer_minhash.py", "data_juicer", "py-data-juicer aiohttp"),
}


@dataclass(frozen=True, slots=True)
class Task:
    """What every tool is to do, in a folder of its own.

    pythons: the interpreter of each tool that has one of its own.
    """

    rows: Sequence[Row]
    key: Key
    threshold: float
    workers: int
    pythons: dict[str, str]

    def parts(self) -> Iterator[tuple[int, Sequence[Row]]]:
        """As many runs of rows as there are workers, each with the number of its first row."""
        size = -(-len(self.rows) // self.workers)
        for start in range(0, len(self.rows), size):
            yield start, self.rows[start : start + size]


class UnavailableError(Exception):
    """A tool that is not installed, or that failed."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a tool went, and the rows it dropped."""

    measured: Measured
    dropped: Collection[int]
    note: str = ""


def run(name: str, task: Task, folder: Path) -> Outcome:
    """Run one tool in an empty folder; raises UnavailableError."""
    return ours(task, folder) if name == OURS else foreign(name, task, folder)


def ours(task: Task, folder: Path) -> Outcome:
    files = {folder / f"rows-{start:09}.jsonl": (start, rows) for start, rows in task.parts()}
    for path, (_, rows) in files.items():
        write_lines(path, ({"messages": messages(row)} for row in rows))
    recipe, output = folder / "recipe.yaml", folder / "corpus"
    curate.write_recipe(recipe, list(files), key=task.key, threshold=task.threshold)
    command = curate.command(recipe, output, task.workers)
    took = _succeeded(measured(command, folder / "log", curate.ENVIRONMENT))
    starts = {path.name: start for path, (start, _) in files.items()}
    dropped = [starts[name] + place for name, place in curate.dropped(output)]
    return Outcome(
        took, dropped, f"deduplication, in all workers: {curate.dedup_seconds(output):.1f} s"
    )


def foreign(name: str, task: Task, folder: Path) -> Outcome:
    tool, python = TOOLS[name], task.pythons.get(name, sys.executable)
    probe = f"import importlib.util as u, sys; sys.exit(u.find_spec({tool.module!r}) is None)"
    if subprocess.run([python, "-c", probe], check=False).returncode:
        raise UnavailableError(f"not installed: {python} -m pip install {tool.needs}")
    (folder / "texts").mkdir()
    for start, rows in task.parts():
        texts = ("\n".join(part(row, task.key)) for row in rows)
        lines = ({"id": str(number), "text": text} for number, text in enumerate(texts, start))
        write_lines(folder / "texts" / f"{start:09}.jsonl", lines)
    arguments = [str(folder), str(task.threshold), str(task.workers)]
    took = _succeeded(measured([python, str(SCRIPTS / tool.script), *arguments], folder / "log"))
    return Outcome(took, json.loads((folder / "dropped.json").read_text()))


def _succeeded(took: Measured) -> Measured:
    if took.code:
        raise UnavailableError(f"failed: {took.error}")
    return took


def main() -> None:
    options = _options()
    console = Console(width=None if sys.stdout.isatty() else 130)
    background = list(real(options.data)) if options.data else []
    made = planted(options.rows, bases=background)
    rows = [*made.rows, *background]
    pythons = dict(one.split("=", 1) for one in options.python)
    task = Task(rows, options.key, options.threshold, options.workers, pythons)
    judge = Judge(rows, options.key, made.pairs, options.threshold)
    went: dict[str, Outcome | UnavailableError] = {}
    for name in options.tool or [OURS, *TOOLS]:
        folder = Path(tempfile.mkdtemp(prefix="aurora-bench-"))
        try:
            went[name] = run(name, task, folder)
        except UnavailableError as error:
            went[name] = error
        finally:
            shutil.rmtree(folder)
    verdicts = {
        name: judge.verdict(one.dropped) for name, one in went.items() if isinstance(one, Outcome)
    }
    console.print(_summary(task, went, verdicts))
    notes = {n: one.note if isinstance(one, Outcome) else str(one) for n, one in went.items()}
    console.print(*(f"{name}: {note}" for name, note in notes.items() if note), sep="\n")
    kinds = [*made.kinds, *["real"] * len(background)]
    console.print(_by_kind(kinds, verdicts))


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.dedup")
    parser.add_argument(
        "--data", type=Path, help="folder of real data, laid out as benchmarks.rows"
    )
    parser.add_argument("--rows", type=int, default=20_000, help="planted rows, about")
    parser.add_argument("--key", choices=get_args(Key), default="conversation")
    parser.add_argument("--threshold", type=float, default=0.8)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--tool", action="append", choices=[OURS, *TOOLS], help="only this one")
    parser.add_argument("--python", action="append", default=[], metavar="TOOL=PATH")
    return parser.parse_args()


def _summary(
    task: Task, went: dict[str, Outcome | UnavailableError], verdicts: dict[str, Verdict]
) -> Table:
    title = f"{len(task.rows):,} rows by {task.key}, threshold {task.threshold}"
    table = Table(title=title, title_justify="left")
    table.add_column("tool")
    for name in ("rows/s", "s", "MB", "dropped", "recall", BELOW, "precision", "lost", "ours is"):
        table.add_column(name, justify="right")
    first = went.get(OURS)
    base = first.measured.seconds if isinstance(first, Outcome) else None
    for name, one in went.items():
        if isinstance(one, Outcome):
            table.add_row(name, *_figures(len(task.rows), one.measured, verdicts[name], base))
        else:
            table.add_row(name, "no result")
    return table


def _figures(rows: int, took: Measured, verdict: Verdict, base: float | None) -> list[str]:
    return [
        f"{rows / took.seconds:,.0f}",
        f"{took.seconds:.1f}",
        f"{took.peak / 1e6:,.0f}",
        f"{verdict.dropped:,}",
        _share(verdict.recall()),
        _share(verdict.recall(BELOW)),
        _share(verdict.precision),
        f"{len(verdict.lost):,}",
        f"{took.seconds / base:.2f} × as fast" if base else "",
    ]


def _by_kind(kinds: Sequence[str], verdicts: dict[str, Verdict]) -> Table:
    """kinds: (n,) of the rows. Where no two of a kind are alike enough, it has no recall."""
    table = Table(title="by kind of family: recall, rows lost", title_justify="left")
    for name in ("kind", "rows", "pairs", *verdicts):
        table.add_column(name, justify="left" if name == "kind" else "right")
    lost = {name: Counter(kinds[row] for row in v.lost) for name, v in verdicts.items()}
    for kind, rows in Counter(kinds).items():
        pairs = max((v.planted.get(kind, 0) for v in verdicts.values()), default=0)
        cells = [f"{_share(v.recall(kind))} {lost[name][kind]:6,}" for name, v in verdicts.items()]
        table.add_row(kind, f"{rows:,}", f"{pairs:,}", *cells)
    return table


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.4f}"


if __name__ == "__main__":
    main()
