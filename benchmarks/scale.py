"""How time and memory grow with the corpus.

    python -m benchmarks.scale make FOLDER --data DATA [--rows N] [--gzip] [--exact S] [--near S]
    python -m benchmarks.scale run FOLDER [--rows N…] [--workers N]

`make` writes a corpus of N rows (2,000,000) out of the real conversations under DATA, in files of
125,000 in the messages format: `benchmarks.copies` tells how. It holds the real conversations in
memory, and of the corpus a line. `run` runs `curate run`, every stage but deduplication switched
off, on the first files, for every N (125,000, 500,000, 2,000,000) in a folder that it removes
again, and prints:

    s          wall time of the whole process
    dedup s    of it, signatures and deduplication, summed over the processes
    MB         the greatest sum of resident memory over all processes (10^6 bytes)
    .work MB   checkpoints that the run leaves on disk
    dropped    duplicates
"""

import argparse
import gzip
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import BinaryIO, cast

import orjson
from rich.console import Console
from rich.table import Table

from benchmarks import curate
from benchmarks.copies import Base, Copies
from benchmarks.process import Measured, measured
from benchmarks.rows import messages, real

FILE_ROWS = 125_000
SIZES = (125_000, 500_000, 2_000_000)


@dataclass(frozen=True, slots=True)
class FileTask:
    """Rows `start` to `end` of the corpus, to be written to `path`."""

    path: Path
    start: int
    end: int


def make(options: argparse.Namespace) -> None:
    """Write the corpus with as many processes as there are cores."""
    copies = Copies(Base.of(list(real(options.data))), options.exact, options.near)
    options.folder.mkdir(parents=True, exist_ok=True)
    suffix = ".jsonl.gz" if options.gzip else ".jsonl"
    tasks = [
        FileTask(
            options.folder / f"rows-{start:09}{suffix}",
            start,
            min(start + options.file_rows, options.rows),
        )
        for start in range(0, options.rows, options.file_rows)
    ]
    # Forked, so that all processes share one copy of the conversations.
    with get_context("fork").Pool(initializer=_remember, initargs=(copies,)) as pool:
        pool.map(_write, tasks, chunksize=1)


_copies: Copies


def _remember(copies: Copies) -> None:
    global _copies
    _copies = copies


def _write(task: FileTask) -> None:
    with _opened(task.path) as file:
        for row in _copies.rows(task.start, task.end):
            file.write(orjson.dumps({"messages": messages(row)}) + b"\n")


@contextmanager
def _opened(path: Path) -> Iterator[BinaryIO]:
    """A new file; compressed where its name says so, and the same bytes every time."""
    with path.open("wb") as file:
        if path.suffix != ".gz":
            yield file
            return
        with gzip.GzipFile("", "wb", compresslevel=1, fileobj=file, mtime=0) as packed:
            yield cast("BinaryIO", packed)


def run(options: argparse.Namespace) -> None:
    """Measure every size and print as it goes."""
    console = Console(width=None if sys.stdout.isatty() else 130)
    table = Table(title=f"curate run, {options.workers} workers", title_justify="left")
    for name in ("rows", "s", "rows/s", "dedup s", "MB", ".work MB", "dropped"):
        table.add_column(name, justify="right")
    for rows in options.rows:
        cells = _measured(_first_files(options.folder, rows), rows, options)
        console.print(" ".join(cells))
        table.add_row(*cells)
    console.print(table)


def _first_files(folder: Path, rows: int) -> list[Path]:
    """The files that hold the first `rows` rows; a file's name gives the number of its first."""
    files = sorted(folder.glob("rows-*.jsonl*"))
    return [path for path in files if int(path.name[5:14]) < rows]


def _measured(files: Sequence[Path], rows: int, options: argparse.Namespace) -> list[str]:
    work = options.folder / f"run-{rows}"
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    recipe, output = work / "recipe.yaml", work / "corpus"
    curate.write_recipe(recipe, files)
    command = curate.command(recipe, output, options.workers)
    took = measured(command, work / "log", curate.ENVIRONMENT)
    if took.code:
        raise SystemExit(f"{rows} rows: exit code {took.code}: {took.error}")
    cells = _cells(took, output)
    shutil.rmtree(work)
    return cells


def _cells(took: Measured, output: Path) -> list[str]:
    read = curate.records(output)
    return [
        f"{read:,}",
        f"{took.seconds:.1f}",
        f"{read / took.seconds:,.0f}",
        f"{curate.dedup_seconds(output):.1f}",
        f"{took.peak / 1e6:,.0f}",
        f"{curate.work_bytes(output) / 1e6:,.0f}",
        f"{len(curate.dropped(output)):,}",
    ]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.scale")
    commands = parser.add_subparsers(required=True)
    making = commands.add_parser("make", help="write the corpus")
    making.add_argument("folder", type=Path)
    making.add_argument("--data", type=Path, required=True)
    making.add_argument("--rows", type=int, default=SIZES[-1])
    making.add_argument("--file-rows", type=int, default=FILE_ROWS)
    making.add_argument("--exact", type=float, default=0.05)
    making.add_argument("--near", type=float, default=0.10)
    making.add_argument("--gzip", action="store_true")
    making.set_defaults(function=make)
    running = commands.add_parser("run", help="measure curate run")
    running.add_argument("folder", type=Path)
    running.add_argument("--rows", type=int, nargs="+", default=SIZES)
    running.add_argument("--workers", type=int, default=2)
    running.set_defaults(function=run)
    options = parser.parse_args()
    options.function(options)


if __name__ == "__main__":
    main()
