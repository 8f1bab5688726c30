"""Rendered corpora on disk, found again by what they are made of.

CACHE/KEY/parts.arrow   what `datasets` memory-maps
CACHE/KEY/account.json  where the tokens went
CACHE/KEY/forecast.json what other limits would do; written last
"""

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from finetune.console import needs
from finetune.rendering import forecast as forecasting
from finetune.rendering.account import TokenAccount
from finetune.rendering.forecast import Forecast, forecast, forecast_lengths
from finetune.rendering.processes import cores, in_order
from finetune.rendering.rendered import IGNORED, Conversation, Renderer
from finetune.rendering.split import Cut, Limits, account, add, cut, fit, measure
from schemas.errors import AuroraError

if TYPE_CHECKING:
    from datasets import Dataset

BATCH = 500  # conversations rendered at once: some megabytes
SMALL = 8 * BATCH  # fewer are rendered before a second process has started

#: One row per part.
PARTS = pa.schema(
    [
        pa.field("id", pa.string()),  # of the conversation
        pa.field("part", pa.int32()),  # 0, 1, … within it
        pa.field("input_ids", pa.list_(pa.int32())),
        pa.field("labels", pa.list_(pa.int32())),  # -100 where there is no loss
    ]
)


@dataclass(frozen=True)
class RenderedSet:
    """A rendered split, memory-mapped."""

    parts: "Dataset"
    account: TokenAccount
    forecast: Forecast


class _Result(NamedTuple):
    """Of one batch."""

    parts: pa.RecordBatch
    account: TokenAccount
    forecast: Forecast


def default_cache() -> Path:
    """`$AURORA_CACHE`/rendered, else ~/.cache/aurora/rendered."""
    folder = os.environ.get("AURORA_CACHE")
    return (Path(folder) if folder else Path.home() / ".cache" / "aurora") / "rendered"


def render_corpus(
    rows: "Dataset", renderer: Renderer, limits: Limits, cache: Path, workers: int | None = None
) -> RenderedSet:
    """Render `rows` (columns `id`, `messages`) with bounded memory, once.

    A second call with the same content, renderer and limits reads what the first wrote. Where
    several processes call at once, one renders and the others wait. `workers`: processes; by
    default one per core, and for a small corpus this one. Raises AuroraError as
    `finetune.rendering.split.cut` does.
    """
    with needs("finetune"):
        from filelock import FileLock
    folder = cache / _key(rows, renderer, limits)
    if workers is None:
        workers = 1 if len(rows) < SMALL else min(cores(), len(rows) // BATCH)
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with FileLock(f"{folder}.lock"):
            return _read(folder) or _written(rows, renderer, limits, folder, workers)
    except OSError as error:  # a full disk, most likely
        raise AuroraError(
            f"{cache}: rendered conversations cannot be kept there "
            f"({error.strerror or error}); make room, or set AURORA_CACHE to another folder"
        ) from error


def _read(folder: Path) -> RenderedSet | None:
    """What was rendered, if all of it is there and whole."""
    from datasets import Dataset

    try:
        found = RenderedSet(
            Dataset.from_file(str(folder / "parts.arrow")),
            TokenAccount.model_validate_json((folder / "account.json").read_bytes()),
            Forecast.model_validate_json((folder / "forecast.json").read_bytes()),
        )
    except (OSError, ValueError):  # Arrow's and pydantic's errors are ValueErrors
        return None
    return found if len(found.parts) == found.account.parts else None


def cuts(
    rows: "Dataset", renderer: Renderer, limits: Limits
) -> Iterator[tuple[list[str], list[Cut]]]:
    """Batches of ids and what became of their conversations."""
    for table in batches(rows):
        ids = _ids(table)
        yield ids, cut(ids, conversations(table), renderer, limits)


def batches(rows: "Dataset") -> Iterator[pa.Table]:
    """`id` and `messages` of BATCH rows at a time."""
    columns = rows.select_columns(["id", "messages"]).with_format("arrow")
    yield from columns.iter(batch_size=BATCH)


def conversations(table: pa.Table) -> list[Conversation]:
    """The column `messages`. Much faster than Arrow's `to_pylist`."""
    messages = table["messages"].combine_chunks()
    flat = pc.list_flatten(messages)
    columns = (_texts(pc.struct_field(flat, name)) for name in _FIELDS)
    every = [dict(zip(_FIELDS, one, strict=True)) for one in zip(*columns, strict=True)]
    stops = np.cumsum(pc.fill_null(pc.list_value_length(messages), 0)).tolist()
    return [every[start:stop] for start, stop in pairwise([0, *stops])]


def _texts(column: pa.Array) -> list[str | None]:
    """Bytes that are no UTF-8, which a file can hold, become lone surrogates: refused later."""
    try:
        texts: list[str | None] = column.to_pylist()
    except UnicodeDecodeError:
        every = column.cast(pa.large_binary()).to_pylist()
        return [one and one.decode(errors="surrogateescape") for one in every]
    return texts


def fingerprint(rows: "Dataset") -> str:
    """A SHA-256 of ids, roles and texts in their order, wherever they are stored."""
    digest = hashlib.sha256()
    for table in batches(rows):
        messages = table["messages"].combine_chunks()
        flat = pc.list_flatten(messages)
        digest.update(_lengths(pc.list_value_length(messages)))
        for text in (table["id"].combine_chunks(), *(pc.struct_field(flat, n) for n in _FIELDS)):
            digest.update(_lengths(pc.binary_length(text.cast(pa.large_string()))))
            digest.update(_bytes(text))
    return digest.hexdigest()


_FIELDS = ("role", "content")


def _lengths(lengths: pa.Array) -> memoryview:
    numbers = np.asarray(pc.fill_null(lengths, -1)).astype(np.int32)
    return np.ascontiguousarray(numbers).data


def _bytes(texts: pa.Array) -> memoryview:
    """The texts one after the other; nulls are empty."""
    filled = pc.fill_null(texts.cast(pa.large_string()), "")
    _, offsets, data = filled.buffers()
    if not len(filled) or data is None:
        return memoryview(b"")
    borders = np.frombuffer(offsets, np.int64)[filled.offset : filled.offset + len(filled) + 1]
    return memoryview(data)[borders[0] : borders[-1]]


def _key(rows: "Dataset", renderer: Renderer, limits: Limits) -> str:
    made_of = [fingerprint(rows), renderer.digest, repr(sorted(asdict(limits).items())), _code()]
    return hashlib.sha256("\0".join(made_of).encode()).hexdigest()[:24]


@cache
def _code() -> str:
    """Stands for the code of this folder: a change of it makes all anew."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()


def _written(
    rows: "Dataset", renderer: Renderer, limits: Limits, folder: Path, workers: int
) -> RenderedSet:
    """Render all beside `folder`, then give it the name. Only who holds the lock may call."""
    unfinished = folder.with_suffix(".unfinished")
    for left in (unfinished, folder):
        shutil.rmtree(left, ignore_errors=True)
    unfinished.mkdir()
    try:
        _write(rows, renderer, limits, unfinished, workers)
        unfinished.rename(folder)
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    found = _read(folder)
    if found is None:
        raise AuroraError(f"{folder}: what was just written there cannot be read; check the disk")
    return found


def _write(
    rows: "Dataset", renderer: Renderer, limits: Limits, unfinished: Path, workers: int
) -> None:
    total = account([])
    expected = forecast([], forecast_lengths(limits), limits.carry_rounds)
    work = partial(_render, renderer=renderer, limits=limits)
    with (
        pa.OSFile(str(unfinished / "parts.arrow"), "wb") as file,
        pa.ipc.new_stream(file, PARTS) as stream,
    ):
        for result in _results(work, rows, workers):
            stream.write_batch(result.parts)
            total = add(total, result.account)
            expected = forecasting.add(expected, result.forecast)
    (unfinished / "account.json").write_text(total.model_dump_json(indent=1) + "\n")
    (unfinished / "forecast.json").write_text(expected.model_dump_json() + "\n")
    for path in unfinished.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())


def _results(
    work: Callable[[pa.Buffer], _Result], rows: "Dataset", workers: int
) -> Iterator[_Result]:
    """In order. Raises AuroraError where it is not the cache that fails."""
    try:
        yield from in_order(work, map(_packed, batches(rows)), workers)
    except OSError as error:
        raise AuroraError(
            f"the conversations cannot be read, or no process started to render them ({error}); "
            "check the corpus and its disk, or give it one core: `taskset -c 0 ...`"
        ) from error


def _packed(table: pa.Table) -> pa.Buffer:
    """For another process. Pickle would take the whole file along, of which this is a slice."""
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as stream:
        stream.write_table(table)
    return sink.getvalue()


def _render(packed: pa.Buffer, renderer: Renderer, limits: Limits) -> _Result:
    table = pa.ipc.open_stream(packed).read_all()
    ids, lengths = _ids(table), forecast_lengths(limits)
    measured = measure(conversations(table), renderer, lengths[0])
    done = fit(ids, measured, renderer, limits)
    return _Result(
        _batch(ids, done), account(done), forecast(measured, lengths, limits.carry_rounds)
    )


def _ids(table: pa.Table) -> list[str]:
    return [str(one) for one in table["id"].to_pylist()]


def _batch(ids: list[str], done: list[Cut]) -> pa.RecordBatch:
    names = [identity for identity, one in zip(ids, done, strict=True) for _ in one.parts]
    parts = [part for one in done for part in one.parts]
    tokens = np.concatenate([np.empty(0, np.int32), *(part.ids for part in parts)])
    borders = np.cumsum([0, *(len(part.ids) for part in parts)])
    labels = np.full_like(tokens, IGNORED)
    for part, border in zip(parts, borders.tolist(), strict=False):
        for start, stop in part.learned:
            labels[border + start : border + stop] = part.ids[start:stop]
    offsets = pa.array(borders, pa.int32())
    columns = [
        pa.array(names, pa.string()),
        pa.array([number for one in done for number in range(len(one.parts))], pa.int32()),
        *(pa.ListArray.from_arrays(offsets, pa.array(flat)) for flat in (tokens, labels)),
    ]
    return pa.record_batch(columns, schema=PARTS)
