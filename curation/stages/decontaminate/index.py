"""The index of benchmark items: built once per set of benchmarks, mapped by every worker.

One Arrow IPC file of one row, whose columns are the arrays: the items, their squeezed text, and
their seeds, by which the first pass finds which items a message may contain. Which bytes are
written depends on the items alone.
"""

import hashlib
import os
import tempfile
from collections.abc import Iterable, Sized
from dataclasses import asdict, dataclass, fields
from functools import cache
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.stages.decontaminate.seeds import Seeds, choose
from curation.stages.decontaminate.text import Squeezed, squeeze
from curation.text.codepoints import CodePoints
from schemas.benchmark import BenchmarkItem

#: Each seed sets two bits of 2^24 (2 MiB, which stays in the cache): of the grams of other text
#: 1 % pass with the seeds of 42,000 items.
_SLOT_BITS, _SECOND = 24, 20


_DIGEST = b"blake2b"


@dataclass(frozen=True, slots=True, eq=False)
class Index(Seeds):
    """n items. Those of one question and the same options, in whatever order, are one entry of e.

    benchmarks, subjects, names: (n,) what the evidence shows.
    items:    (e + 1,) entry i is the items `items[i]:items[i + 1]`.
    segments: (s,) squeezed text: of each entry the question, then its options.
    first:    (e + 1,) entry i has `segments[first[i]:first[i + 1]]`.
    filter:   (2^24 / 8,) uint8, the bits that the seeds set.
    """

    benchmarks: pa.StringArray
    subjects: pa.StringArray
    names: pa.StringArray
    items: NDArray[np.int32]
    segments: pa.StringArray
    first: NDArray[np.int32]
    filter: NDArray[np.uint8]

    def entry(self, i: int) -> Squeezed:
        """The segments of entry i."""
        start, end = self.first[i : i + 2].tolist()
        return _squeezed(self.segments.slice(start, end - start))

    def lookup(self, hashes: NDArray[np.uint64]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
        """Which of `hashes` are seeds: their positions there, and in `self.hashes`."""
        found = np.flatnonzero(self._passes(_slots(hashes)))
        found = found[self._passes(_slots(hashes[found] << np.uint64(_SECOND)))]
        place = np.searchsorted(self.hashes, hashes[found])
        same = self.hashes[np.minimum(place, len(self.hashes) - 1)] == hashes[found]
        return found[same], place[same]

    def _passes(self, slots: NDArray[np.uint64]) -> NDArray[np.bool_]:
        shift = slots.astype(np.uint8) & np.uint8(7)
        bits: NDArray[np.bool_] = (self.filter[slots >> np.uint64(3)] >> shift & np.uint8(1)).view(
            np.bool_
        )
        return bits


def build(items: Iterable[BenchmarkItem], path: Path) -> None:
    """Write the index of `items` to `path`, whole or not at all.

    Raises ValueError if there are no items.
    """
    entries = _entries(list(items))
    if not entries:
        raise ValueError("no benchmark items")
    listed = [item for same in entries.values() for item in same]
    segments = pa.array([text for texts in entries for text in texts], pa.string())
    first = _offsets(entries)
    seeds = choose(_squeezed(segments), first)
    columns = {
        "benchmarks": pa.array([item.benchmark for item in listed], pa.string()),
        "subjects": pa.array([item.subject for item in listed], pa.string()),
        "names": pa.array([item.name for item in listed], pa.string()),
        "items": pa.array(_offsets(entries.values())),
        "segments": segments,
        "first": pa.array(first),
        "filter": pa.array(_filter(seeds.hashes)),
    }
    _write(columns | {name: pa.array(array) for name, array in asdict(seeds).items()}, path)


def is_sound(path: Path) -> bool:
    """Whether an index is at `path`, whole and as it was written."""
    try:
        with pa.memory_map(str(path)) as file:
            batch = pa.ipc.open_file(file).get_batch(0)
            return bool((batch.schema.metadata or {}).get(_DIGEST) == _digest(batch))
    except (OSError, pa.ArrowException, ValueError):
        return False


@cache
def load(path: Path) -> Index:
    """The index at `path`, mapped, which `is_sound`."""
    with pa.memory_map(str(path)) as file:
        batch = pa.ipc.open_file(file).get_batch(0)
    columns = {field.name: batch.column(field.name)[0].values for field in fields(Index)}
    return Index(
        **{
            name: values if values.type == pa.string() else values.to_numpy()
            for name, values in columns.items()
        }
    )


def _entries(items: list[BenchmarkItem]) -> dict[tuple[str, ...], list[BenchmarkItem]]:
    """Squeezed question and sorted options → the items that have them."""
    texts = [text for item in items for text in (item.question, *item.options)]
    squeezed = squeeze(CodePoints.of(pa.array(texts, pa.string())))
    whole = squeezed.points.tobytes().decode("utf-32-le")
    parts = iter([whole[start:end] for start, end in pairwise(squeezed.offsets.tolist())])
    entries: dict[tuple[str, ...], list[BenchmarkItem]] = {}
    for item in items:
        question, *options = islice(parts, 1 + len(item.options))
        entries.setdefault((question, *sorted(options)), []).append(item)
    return entries


def _offsets(lists: Iterable[Sized]) -> NDArray[np.int32]:
    return np.cumsum([0, *map(len, lists)], dtype=np.int32)


def _squeezed(texts: pa.StringArray) -> Squeezed:
    """Texts that are squeezed already."""
    points = CodePoints.of(texts)
    return Squeezed(points.points, points.offsets, np.zeros(len(points.points) + 1, np.uint8))


def _slots(hashes: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The bit that each hash sets: its highest bits."""
    slots: NDArray[np.uint64] = hashes >> np.uint64(64 - _SLOT_BITS)
    return slots


def _filter(hashes: NDArray[np.uint64]) -> NDArray[np.uint8]:
    bits = np.zeros(1 << _SLOT_BITS, np.bool_)
    bits[_slots(hashes)] = True
    bits[_slots(hashes << np.uint64(_SECOND))] = True
    return np.packbits(bits, bitorder="little")


def _digest(batch: pa.RecordBatch) -> bytes:
    """BLAKE2b over the bytes of all columns."""
    digest = hashlib.blake2b(digest_size=16)
    for buffer in (b for column in batch.columns for b in column.buffers() if b is not None):
        digest.update(buffer)
    return digest.hexdigest().encode()


def _write(columns: dict[str, pa.Array], path: Path) -> None:
    """One row of lists, under a name of its own until it is whole."""
    row = {
        name: pa.ListArray.from_arrays(pa.array([0, len(values)], pa.int32()), values)
        for name, values in columns.items()
    }
    plain = pa.RecordBatch.from_pydict(row)
    batch = plain.replace_schema_metadata({_DIGEST: _digest(plain)})
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)
    try:
        with os.fdopen(handle, "wb") as file, pa.ipc.new_file(file, batch.schema) as writer:
            writer.write_batch(batch)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
