"""`curate run` as its users run it: a process of its own, from files to a corpus directory."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path

import polars as pl

from curation.outputs.workspace import WORK
from schemas.corpus import read_statistics
from schemas.recipe import Stages

ROOT = Path(__file__).parents[1]
#: So that the package is found where it is not installed.
ENVIRONMENT = {"PYTHONPATH": str(ROOT)}


def write_recipe(path: Path, files: Sequence[Path], **dedup: object) -> None:
    """A recipe of one source in which every stage but deduplication is switched off."""
    stages: dict[str, object] = {name: {"enabled": False} for name in Stages.model_fields}
    stages["dedup"] = dedup
    sources = [{"name": "rows", "path": [str(file) for file in files]}]
    path.write_text(json.dumps({"name": path.stem, "sources": sources, "stages": stages}))


def command(recipe: Path, output: Path, workers: int) -> list[str]:
    run = [sys.executable, "-c", "from curation.cli import main; main()", "run", str(recipe)]
    return [*run, "--output", str(output), "--workers", str(workers)]


def dropped(output: Path) -> list[tuple[str, int]]:
    """File name and place in it of every record that deduplication dropped."""
    decisions = pl.scan_parquet(output / "ledger" / "decisions" / "*.parquet")
    gone = decisions.filter((pl.col("stage") == "dedup") & (pl.col("outcome") == "dropped"))
    return gone.select("file", "position").collect().rows()


def records(output: Path) -> int:
    """Records read."""
    return sum(source.records for source in read_statistics(output).sources)


def dedup_seconds(output: Path) -> float:
    """Seconds of deduplication, summed over the processes."""
    stages = read_statistics(output).stages
    return sum(stage.seconds for stage in stages if stage.stage == "dedup")


def work_bytes(output: Path) -> int:
    """Bytes on disk of the checkpoints that a run leaves."""
    return sum(path.stat().st_size for path in (output / WORK).rglob("*") if path.is_file())
