"""What goes wrong outside the recipe: a full disk, a full GPU, a lost process, a defect of ours."""

import errno
import re
import shutil
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from schemas.errors import AuroraError, TrainingError

_FULL = {errno.ENOSPC, errno.EDQUOT}
_LITTLE = 2**20  # bytes


class Interrupted(TrainingError):
    """The run was stopped from outside and can go on: a signal, or another process that ended."""

    exit_code = 130


@contextmanager
def saving(directory: Path) -> Iterator[None]:
    """Around what writes to `directory`. Raises TrainingError where the disk is full.

    Each library has its own words and type for that, torch none at all: the disk is asked.
    """
    try:
        yield
    except Exception as error:
        if _is_full(error, directory):
            raise TrainingError(
                f"{directory}: no space left on its disk; make room and repeat the command"
            ) from error
        raise


def _is_full(error: Exception, directory: Path) -> bool:
    if isinstance(error, AuroraError):
        return False
    if isinstance(error, OSError) and error.errno is not None:
        return error.errno in _FULL
    said = any(f"os error {number})" in str(error) for number in _FULL)  # Rust's words
    return said or _has_little(directory)


def _has_little(directory: Path) -> bool:
    with suppress(OSError):
        there = next(path for path in (directory, *directory.absolute().parents) if path.exists())
        return shutil.disk_usage(there).free < _LITTLE
    return False  # the first error is the one to show


@contextmanager
def computing() -> Iterator[None]:
    """Around what computes. Raises TrainingError or Interrupted for what is no defect of ours."""
    import torch

    try:
        yield
    except torch.OutOfMemoryError as error:
        raise TrainingError(
            f"the GPU's memory is full ({str(error).splitlines()[0]}); lower batch_size and raise "
            "accumulation, or lower max_length; finetune.plan shows what needs how much"
        ) from error
    except RuntimeError as error:
        if not _is_lost_peer(error):
            raise
        raise Interrupted(
            f"another process of this run is gone ({str(error).splitlines()[0]}); "
            "repeat the command to go on"
        ) from error


def _is_lost_peer(error: RuntimeError) -> bool:
    """Whether another process ended: NCCL has a type for it, gloo only words."""
    import torch

    known = getattr(torch.distributed, "DistError", ())  # not in every build
    return isinstance(error, known) or re.search(r"Connection \w+ by peer", str(error)) is not None


@contextmanager
def reporting(log: Path) -> Iterator[None]:
    """Around a whole run: a defect becomes a sentence, its traceback goes to the end of `log`."""
    try:
        yield
    except (AuroraError, OSError):
        raise
    except Exception as error:
        reason = (str(error).strip() or "no reason given").splitlines()[0]
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("a", encoding="utf-8") as file:
            traceback.print_exception(error, file=file)
        raise TrainingError(
            f"unexpected {type(error).__name__} ({reason}); please report it, with {log}"
        ) from error
