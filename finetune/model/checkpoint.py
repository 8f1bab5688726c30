"""Read a checkpoint a tensor at a time, so that nothing of it stays in memory.

transformers maps the files of a checkpoint, and what was read stays resident until all is loaded;
and glibc keeps freed buffers of up to 32 MB, so that tensors that come and go leave a heap of
their size. Here tensors are read with `pread`, and large buffers go back as soon as they are freed.
"""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from safetensors import SafetensorError, safe_open

from finetune.base import SINGLE, read_index
from schemas.errors import ModelError

_M_MMAP_THRESHOLD = -3  # of malloc.h
_LARGE = 2**20
_GLIBC_MOST = 32 * 2**20  # where glibc's own threshold settles when large buffers come and go


def lazy_tensors(directory: Path) -> dict[str, Any]:
    """Name → slice that reads its tensor when it is asked for.

    Raises ModelError where a shard is missing or damaged.
    """
    tensors: dict[str, Any] = {}
    files = read_index(directory)
    for shard in (directory / file for file in sorted(set(files.values() if files else [SINGLE]))):
        try:
            file: Any = safe_open(shard, framework="pt", device="cpu", backend="pread")
            tensors |= {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118
        except (OSError, SafetensorError) as error:
            raise ModelError(f"{shard}: cannot be read ({error}); fetch it again") from None
    return tensors


@contextmanager
def returning_memory() -> Iterator[None]:
    """Meanwhile a freed buffer of 1 MB or more goes back to the system; glibc only."""
    try:
        mallopt = ctypes.CDLL("libc.so.6").mallopt
    except (OSError, AttributeError):
        yield
        return
    mallopt(_M_MMAP_THRESHOLD, _LARGE)
    try:
        yield
    finally:
        mallopt(_M_MMAP_THRESHOLD, _GLIBC_MOST)
