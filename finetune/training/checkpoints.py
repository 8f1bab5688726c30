"""Checkpoints on disk: written beside, synced, renamed; so one that has its name is whole.

OUTPUT/checkpoints/run.json         what is being trained: see identity.py
OUTPUT/checkpoints/checkpoint-N/    weights, optimizer, schedule, random states, log after step N;
                                    files.json, their hashes
OUTPUT/checkpoints/.writing-N/      one that is not finished; never read
"""

import hashlib
import json
import os
import re
import shutil
from pathlib import Path

from schemas.errors import TrainingError

STATE = "trainer_state.json"
FILES = "files.json"
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
    sweep(folder)
    directory = writing(folder, step)
    directory.mkdir(parents=True)
    return directory


def sweep(folder: Path) -> None:
    """Remove what a killed run had not finished writing, or removing."""
    for left_over in folder.glob(".writing-*"):
        shutil.rmtree(left_over)


def writing(folder: Path, step: int) -> Path:
    """Where the checkpoint after `step` is while it is being written."""
    return folder / f".writing-{step}"


def commit(folder: Path, step: int) -> None:
    """Make what was written the checkpoint after `step`: from here on it outlives a power cut."""
    directory, final = writing(folder, step), checkpoint(folder, step)
    hashes = {path.name: _sha256(path) for path in sorted(directory.iterdir())}
    (directory / FILES).write_text(json.dumps(hashes, indent=1), encoding="utf-8")
    for path in directory.iterdir():
        sync(path)
    sync(directory)
    if final.exists():  # a run that was set back to an earlier one
        shutil.rmtree(final)
    directory.rename(final)
    sync(folder)


def damage(directory: Path) -> str | None:
    """What is wrong with a finished checkpoint: the first file that is not as it was written."""
    try:
        hashes = json.loads((directory / FILES).read_bytes())
    except FileNotFoundError:
        return f"{FILES} is missing"
    except ValueError:
        return f"{FILES} is damaged"
    for name, expected in hashes.items():
        if not (directory / name).is_file():
            return f"{name} is missing"
        if _sha256(directory / name) != expected:
            return f"{name} is damaged"
    return None


def drop_damaged(folder: Path) -> list[str]:
    """Remove the newest checkpoints until a whole one is the newest; a line for each.

    One whose best checkpoint is damaged is no better: the adapter would be made of that. A best
    one that is gone is no damage: a later one was better and will be found again. Raises
    TrainingError, and removes nothing, where none is whole.
    """
    said, steps = [], saved_steps(folder)
    while steps and (problem := _damage_of_run(folder, steps[-1])):
        said.append(f"{checkpoint(folder, steps.pop())}: {problem}")
    if said and not steps:
        raise TrainingError(
            f"{said[0]}, and no checkpoint before it is whole; put the file back, or begin anew "
            "with --fresh"
        )
    for step in saved_steps(folder)[len(steps) :]:
        shutil.rmtree(checkpoint(folder, step).rename(writing(folder, step)))
    return said


def _damage_of_run(folder: Path, step: int) -> str | None:
    directory = checkpoint(folder, step)
    if problem := damage(directory):
        return problem
    best = json.loads((directory / STATE).read_bytes())["best_global_step"]
    if best not in saved_steps(folder) or not (problem := damage(checkpoint(folder, best))):
        return None
    return f"its best weights are in checkpoint-{best}, where {problem}"


def prune(folder: Path, *, keep: int, best: int | None) -> None:
    """Remove all but the `keep` newest and the best."""
    for step in saved_steps(folder)[:-keep]:
        if step != best:
            # First its name, then its files: what has the name is always whole.
            gone = checkpoint(folder, step).rename(writing(folder, step))
            shutil.rmtree(gone)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
