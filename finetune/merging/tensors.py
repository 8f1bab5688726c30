"""Tensors on disk, a few rows at a time.

A safetensors file is: the header's length (u64, little endian), the header (JSON: name → dtype,
shape, offsets into what follows), the data. `safetensors.safe_open` maps whole files into memory
and `save_file` wants all of a shard at once; both would make a shard the unit of memory.
https://github.com/huggingface/safetensors#format
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import Any, BinaryIO

import torch

from schemas.errors import ModelError

DTYPES: dict[str, Any] = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "I16": torch.int16,
    "I8": torch.int8,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
_NAMES = {dtype: name for name, dtype in DTYPES.items()}
_LONGEST_HEADER = 100_000_000  # the format's own bound, in bytes


@dataclass(frozen=True, slots=True)
class Stored:
    """A tensor in a file. Seen as a matrix: all dimensions but the last are rows."""

    name: str
    path: Path
    dtype: Any  # torch.dtype
    shape: tuple[int, ...]
    offset: int  # of its first byte in the file

    @property
    def columns(self) -> int:
        """Length of the last dimension."""
        return self.shape[-1] if self.shape else 1

    @property
    def rows(self) -> int:
        """All other dimensions multiplied."""
        return prod(self.shape[:-1])

    def read(self, first: int = 0, rows: int | None = None) -> Any:
        """Rows `first` to `first + rows` as a [rows, columns] tensor of its own memory."""
        rows = self.rows - first if rows is None else rows
        width = self.columns * self.dtype.itemsize
        buffer = bytearray(rows * width)
        with self.path.open("rb") as file:
            file.seek(self.offset + first * width)
            if file.readinto(buffer) != len(buffer):
                raise ModelError(f"{self.path}: is cut short at {self.name}; fetch it again")
        if not buffer:
            return torch.empty(rows, self.columns, dtype=self.dtype)
        return torch.frombuffer(buffer, dtype=self.dtype).view(rows, self.columns)

    def blocks(self, elements: int) -> Iterator[tuple[int, Any]]:
        """First row and rows of each block of about `elements` elements, in order."""
        step = max(1, elements // max(1, self.columns))
        for first in range(0, self.rows, step):
            yield first, self.read(first, min(step, self.rows - first))


def stored_in(path: Path) -> list[Stored]:
    """The tensors of a safetensors file, in the order of their data.

    Raises ModelError where the file is no such file, is cut short or holds an unknown type.
    """
    try:
        with path.open("rb") as file:
            start, header = _read_header(file)
        found = [_stored(path, start, name, entry) for name, entry in header.items()]
    except FileNotFoundError:
        raise ModelError(f"{path}: no such file; its index names it, so fetch it again") from None
    except (ValueError, TypeError, KeyError, AttributeError):
        raise ModelError(f"{path}: is no intact safetensors file; fetch or make it again") from None
    end = max((s.offset + prod(s.shape) * s.dtype.itemsize for s in found), default=start)
    if path.stat().st_size < end:
        raise ModelError(f"{path}: is cut short; fetch or make it again")
    return sorted(found, key=lambda stored: stored.offset)


def _read_header(file: BinaryIO) -> tuple[int, dict[str, Any]]:
    length = int.from_bytes(file.read(8), "little")
    if length > _LONGEST_HEADER:
        raise ValueError("header")
    header: dict[str, Any] = json.loads(file.read(length))
    header.pop("__metadata__", None)
    return 8 + length, header


def _stored(path: Path, start: int, name: str, entry: dict[str, Any]) -> Stored:
    if entry["dtype"] not in DTYPES:
        raise ModelError(
            f"{path}: {name} is stored as {entry['dtype']}; merge into a base in bf16, f16 or f32"
        )
    dtype, shape = DTYPES[entry["dtype"]], tuple(map(int, entry["shape"]))
    first, end = entry["data_offsets"]
    if end - first != prod(shape) * dtype.itemsize:
        raise ValueError("offsets")
    return Stored(name, path, dtype, shape, start + first)


def write_header(file: BinaryIO, tensors: Sequence[tuple[str, Any, tuple[int, ...]]]) -> None:
    """Begin a safetensors file of tensors (name, dtype, shape); their data follow in this order."""
    header: dict[str, Any] = {"__metadata__": {"format": "pt"}}  # transformers asks for this key
    offset = 0
    for name, dtype, shape in tensors:
        end = offset + prod(shape) * dtype.itemsize
        header[name] = {
            "dtype": _NAMES[dtype],
            "shape": list(shape),
            "data_offsets": [offset, end],
        }
        offset = end
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)  # data begin at a multiple of 8
    file.write(len(text).to_bytes(8, "little") + text)


def write_rows(file: BinaryIO, rows: Any) -> None:
    """Append a tensor's bytes."""
    file.write(rows.contiguous().view(torch.uint8).numpy().data)
