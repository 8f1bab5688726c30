"""Checkpoints on disk: written beside, synced, renamed; so one that has its name is whole.

OUTPUT/checkpoints/run.json         what is being trained: see identity.py
OUTPUT/checkpoints/checkpoint-N/    weights, optimizer, schedule, random states, log after step N
OUTPUT/checkpoints/.writing-N/      one that is not finished; never read
"""

import os
import re
import shutil
from pathlib import Path

STATE = "trainer_state.json"
_NAME = re.compile(r"checkpoint-(\d+)")


def checkpoint(folder: Path, step: int) -> Path:
    """Where the checkpoint after `step` is."""
    return folder / f"checkpoint-{step}"


def saved_steps(folder: Path) -> list[int]:
    """Steps of the finished checkpoints, oldest first."""
    names = (_NAME.fullmatch(path.name) for path in folder.glob("checkpoint-*"))
    return sorted(int(name[1]) for name in names if name)


def newest(folder: Path) -> Path | None:
    """The finished checkpoint to go on from."""
    steps = saved_steps(folder)
    return checkpoint(folder, steps[-1]) if steps else None


def begin(folder: Path, step: int) -> Path:
    """An empty directory to write the checkpoint after `step` in."""
    for left_over in folder.glob(".writing-*"):
        shutil.rmtree(left_over)
    directory = writing(folder, step)
    directory.mkdir(parents=True)
    return directory


def writing(folder: Path, step: int) -> Path:
    """Where the checkpoint after `step` is while it is being written."""
    return folder / f".writing-{step}"


def commit(folder: Path, step: int) -> None:
    """Make what was written the checkpoint after `step`: from here on it outlives a power cut."""
    directory, final = writing(folder, step), checkpoint(folder, step)
    for path in sorted(directory.rglob("*"), reverse=True):
        sync(path)
    sync(directory)
    if final.exists():  # a run that was set back to an earlier one
        shutil.rmtree(final)
    directory.rename(final)
    sync(folder)


def prune(folder: Path, *, keep: int, best: int | None) -> None:
    """Remove all but the `keep` newest and the best."""
    for step in saved_steps(folder)[:-keep]:
        if step != best:
            # First its name, then its files: what has the name is always whole.
            gone = checkpoint(folder, step).rename(writing(folder, step))
            shutil.rmtree(gone)


def sync(path: Path) -> None:
    """Have the disk hold the file or directory at `path`."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_synced(path: Path, text: str) -> None:
    """Write a small file so that it is there whole or not at all."""
    beside = path.with_name(f".{path.name}")
    beside.write_text(text, encoding="utf-8")
    sync(beside)
    beside.replace(path)
    sync(path.parent)
