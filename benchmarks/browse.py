"""How fast `curate browse` answers, and how much memory it takes.

    python -m benchmarks.browse CORPUS [--times N]
    python -m benchmarks.browse CORPUS --multiply K --folder FOLDER

Starts the command on a free port in a process of its own, asks it for pages over HTTP as a browser
would, and prints for each the median and the greatest of N answers (5) in milliseconds, and what
the first one took: later ones may be remembered. Searches are different in every answer. At the
end the greatest resident memory of the server (10^6 bytes).

`--multiply` writes to FOLDER, which must not exist, a corpus of K times the rows: those of CORPUS
again and again under new ids. It can be browsed, and fails `curate verify`.
"""

import argparse
import os
import re
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from urllib.parse import quote

import polars as pl
from rich.console import Console
from rich.table import Table

from curation.outputs.parquet import ROW_GROUP, scan

#: Frequent and rare words, none of them twice.
TERMS = (
    "机器学习",
    "chatgpt",
    "的",
    "人工智能",
    "彩虹",
    "python",
    "健康",
    "没有这句话",
    "抱歉",
    "你好",
)
IDS = {"data": ["id"], "dropped": ["id"], "decisions": ["id", "duplicate_of"], "edits": ["id"]}


def multiply(corpus: Path, folder: Path, times: int) -> None:
    """Write a corpus of `times` the rows."""
    for name, ids in IDS.items():
        place = Path("data") if name == "data" else Path("ledger") / name
        rows = scan(corpus / place).collect()
        (folder / place).mkdir(parents=True)
        for copy in range(times):
            renamed = rows.with_columns(pl.col(one) + f"-{copy}" for one in ids) if copy else rows
            path = folder / place / f"part-{copy:03}.parquet"
            renamed.write_parquet(path, row_group_size=ROW_GROUP)
    (folder / "manifest.json").write_bytes((corpus / "manifest.json").read_bytes())


@contextmanager
def served(corpus: Path) -> Iterator[tuple[str, int, float]]:
    """The command's URL and process, and the seconds until it answered."""
    start = time.perf_counter()
    code = "from curation.cli import main; main()"
    command = [sys.executable, "-c", code, "browse", str(corpus), "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        try:
            assert server.stdout
            url = re.search(r"http://[\d.:]+", server.stdout.readline())
            assert url
            fetched(url[0] + "/")
            yield url[0], server.pid, time.perf_counter() - start
        finally:
            server.terminate()


def fetched(url: str) -> str:
    """The page at `url`."""
    with urllib.request.urlopen(url, timeout=60) as answer:
        return str(answer.read().decode())


def seconds(urls: Sequence[str]) -> list[float]:
    """How long each page takes."""
    taken = []
    for url in urls:
        start = time.perf_counter()
        fetched(url)
        taken.append(time.perf_counter() - start)
    return taken


def pages(url: str, times: int) -> dict[str, list[str]]:
    """What is asked for, by what it shows; `times` URLs each."""
    records = f"{url}/records"

    def some(narrowed: str) -> list[str]:
        found = re.findall(r'class="title" href="([^"]+)', fetched(f"{records}?{narrowed}"))
        return [url + path.replace("&amp;", "&") for path in found[:times]]

    numbers = range(1, times + 1)
    return {
        "overview": [f"{url}/"] * times,
        "list": [f"{records}?page={n}" for n in numbers],
        "list, deep": [f"{records}?page={2000 + n}" for n in numbers],
        "filter": [f"{records}?outcome=dropped&page={n}" for n in numbers],
        "filters, ordered": [f"{records}?category=Code&order=quality&page={n}" for n in numbers],
        "all, most tokens first": [f"{records}?order=-tokens&page={n}" for n in numbers],
        "clusters": [f"{url}/clusters?page={n}" for n in numbers],
        "search": [f"{records}?q={quote(term)}" for term in TERMS[:times]],
        "record": some("outcome=kept"),
        "record, duplicate": some("stage=dedup"),
    }


def worked(process: int) -> float:
    """The seconds that the cores worked for a process so far, whatever else they did."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak(process: int) -> float:
    """The greatest resident memory of a process so far, in 10^6 bytes."""
    status = Path(f"/proc/{process}/status").read_text(encoding="utf-8")
    return int(status.split("VmHWM:")[1].split()[0]) * 1024 / 1e6


def measure(corpus: Path, times: int) -> None:
    """Start the server and print the table."""
    rows = scan(corpus / "ledger" / "decisions").select(pl.len()).collect().item()
    with served(corpus) as (url, process, started):
        title = f"{rows:,} records; started in {started:.1f} s, {worked(process):.1f} s of a core"
        table = Table(title=title, title_justify="left")
        for name in ("page", "first ms", "median ms", "greatest ms"):
            table.add_column(name, justify="left" if name == "page" else "right")
        for name, urls in pages(url, times).items():
            taken = [1000 * one for one in seconds(urls)]
            table.add_row(name, *(f"{one:,.0f}" for one in (taken[0], median(taken), max(taken))))
        memory = peak(process)
    console = Console()
    console.print(table)
    console.print(f"memory: {memory:,.0f} MB; load of the machine: {os.getloadavg()[0]:.1f}")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--times", type=int, default=5, choices=range(1, len(TERMS) + 1))
    parser.add_argument("--multiply", type=int)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    if options.multiply:
        if options.folder is None or options.folder.exists():
            parser.error("--multiply needs a new --folder")
        multiply(options.corpus, options.folder, options.multiply)
    else:
        measure(options.corpus, options.times)


if __name__ == "__main__":
    main()
