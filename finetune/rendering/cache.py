"""Rendered corpora on disk, found again by what they are made of.

CACHE/KEY/parts.arrow   what `datasets` memory-maps
CACHE/KEY/account.json  where the tokens went; written last
"""

import hashlib
import os
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from finetune.console import needs
from finetune.rendering.account import TokenAccount
from finetune.rendering.rendered import Renderer
from finetune.rendering.split import Cut, Limits, account, add, cut

if TYPE_CHECKING:
    from datasets import Dataset

BATCH = 1000  # conversations rendered at once: some ten megabytes

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


def default_cache() -> Path:
    """`$AURORA_CACHE`/rendered, else ~/.cache/aurora/rendered."""
    folder = os.environ.get("AURORA_CACHE")
    return (Path(folder) if folder else Path.home() / ".cache" / "aurora") / "rendered"


def render_corpus(rows: "Dataset", renderer: Renderer, limits: Limits, cache: Path) -> RenderedSet:
    """Render `rows` (columns `id`, `messages`) in one process with bounded memory, once.

    A second call with the same content, renderer and limits reads what the first wrote. Where
    several processes call at once, one renders and the others wait. Raises AuroraError as
    `finetune.rendering.split.cut` does.
    """
    with needs("finetune"):
        from datasets import Dataset
        from filelock import FileLock
    cache.mkdir(parents=True, exist_ok=True)
    folder = cache / _key(rows, renderer, limits)
    with FileLock(f"{folder}.lock"):
        if not (folder / "account.json").is_file():
            _write(rows, renderer, limits, folder)
    counted = TokenAccount.model_validate_json((folder / "account.json").read_bytes())
    return RenderedSet(Dataset.from_file(str(folder / "parts.arrow")), counted)


def cuts(
    rows: "Dataset", renderer: Renderer, limits: Limits
) -> Iterator[tuple[list[str], list[Cut]]]:
    """Batches of ids and what became of their conversations."""
    for table in batches(rows):
        ids = [str(one) for one in table["id"].to_pylist()]
        yield ids, cut(ids, table["messages"].to_pylist(), renderer, limits)


def batches(rows: "Dataset") -> Iterator[pa.Table]:
    """`id` and `messages` of BATCH rows at a time."""
    columns = rows.select_columns(["id", "messages"]).with_format("arrow")
    yield from columns.iter(batch_size=BATCH)


def fingerprint(rows: "Dataset") -> str:
    """A SHA-256 of ids, roles and texts in their order, wherever they are stored."""
    digest = hashlib.sha256()
    for table in batches(rows):
        messages = table["messages"].combine_chunks()
        flat = pc.list_flatten(messages)
        digest.update(np.asarray(pc.fill_null(pc.list_value_length(messages), -1)).tobytes())
        texts = (table["id"].combine_chunks(), *(pc.struct_field(flat, n) for n in _FIELDS))
        for text in texts:
            digest.update(np.asarray(pc.fill_null(pc.binary_length(text), -1)).tobytes())
            digest.update(_bytes(text))
    return digest.hexdigest()


_FIELDS = ("role", "content")


def _bytes(texts: pa.Array) -> bytes:
    joined = pc.binary_join(pa.array([pc.fill_null(texts, "").to_pylist()]), "")
    return str(joined[0].as_py()).encode()


def _key(rows: "Dataset", renderer: Renderer, limits: Limits) -> str:
    made_of = [fingerprint(rows), renderer.digest, repr(sorted(asdict(limits).items())), _code()]
    return hashlib.sha256("\0".join(made_of).encode()).hexdigest()[:24]


@cache
def _code() -> str:
    """Stands for the code of this folder: a change of it makes all anew."""
    sources = sorted(Path(__file__).parent.glob("*.py"))
    return hashlib.sha256(b"\0".join(source.read_bytes() for source in sources)).hexdigest()


def _write(rows: "Dataset", renderer: Renderer, limits: Limits, folder: Path) -> None:
    """Write all beside `folder`, then give it the name. Only who holds the lock may call."""
    unfinished = folder.with_suffix(".unfinished")
    for left in (unfinished, folder):
        shutil.rmtree(left, ignore_errors=True)
    unfinished.mkdir()
    total = account([])
    with (
        pa.OSFile(str(unfinished / "parts.arrow"), "wb") as file,
        pa.ipc.new_stream(file, PARTS) as stream,
    ):
        for ids, done in cuts(rows, renderer, limits):
            stream.write_batch(_batch(ids, done))
            total = add(total, account(done))
    (unfinished / "account.json").write_text(total.model_dump_json(indent=1) + "\n")
    unfinished.rename(folder)


def _batch(ids: list[str], done: list[Cut]) -> pa.RecordBatch:
    rows = [
        (identity, number, part.input_ids, part.labels)
        for identity, one in zip(ids, done, strict=True)
        for number, part in enumerate(one.parts)
    ]
    columns: list[list[object]] = [list(column) for column in zip(*rows, strict=True)]
    arrays = zip(columns or [[]] * len(PARTS), PARTS, strict=True)
    return pa.record_batch([pa.array(c, type=f.type) for c, f in arrays], schema=PARTS)
