"""The output directory as a place of work: who may use it, and what may be removed from it."""

import fcntl
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from schemas.corpus import MANIFEST, REPORT, STATISTICS, read_manifest
from schemas.errors import AuroraError, CorpusError, RecipeError

WORK = ".work"
_LOCK = "lock"
#: What a run writes, and may therefore remove. The manifest comes first: without it a directory is
#: unfinished, whatever else is in it. The card is not here: it holds its user's text, and the next
#: one takes its place at one stroke. Nor is `assets`: others' pictures may be beside the figures,
#: which every run writes anew.
_OUTPUTS = (MANIFEST, STATISTICS, REPORT, "data", "ledger")


@contextmanager
def workspace(directory: Path) -> Iterator[Path]:
    """Hold `directory` for this run alone and give its folder of checkpoints.

    Raises RecipeError where the directory holds other things, AuroraError where another run is on.
    """
    _refuse_strangers(directory)
    work = directory / WORK
    try:
        work.mkdir(parents=True, exist_ok=True)
        lock = (work / _LOCK).open("w")
    except OSError as error:
        raise AuroraError(f"{directory}: cannot be written to ({error.strerror})") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise AuroraError(
                f"{directory}: another run is writing here; wait for it or choose another --output"
            ) from None
        yield work


def clear_outputs(directory: Path) -> None:
    """Remove what an earlier run wrote, the manifest first."""
    for name in _OUTPUTS:
        _remove(directory / name)


def clear_work(work: Path, keep: Iterable[Path] = ()) -> None:
    """Remove the checkpoints under `work` that are not in `keep`."""
    kept = {work / _LOCK, *keep}
    for path in sorted(work.rglob("*"), reverse=True):
        if path.is_dir():
            if not any(path.iterdir()):
                path.rmdir()
        elif path not in kept:
            path.unlink()


def _refuse_strangers(directory: Path) -> None:
    if directory.exists() and not directory.is_dir():
        raise RecipeError(f"{directory}: is a file; give a folder as --output")
    if not directory.is_dir():
        return
    if any(directory.iterdir()) and not _is_ours(directory):
        raise RecipeError(
            f"{directory}: is not empty and holds no corpus; give a new or empty folder as --output"
        )


def _is_ours(directory: Path) -> bool:
    """Whether a run has worked in the directory. Other programs' manifest.json proves nothing."""
    if (directory / WORK / _LOCK).exists():
        return True
    try:
        read_manifest(directory)
    except CorpusError:
        return False
    return True


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
