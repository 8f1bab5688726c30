"""A run: from a recipe to a finished corpus directory."""

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.engine import checkpoint
from curation.engine.batches import ChunkTask, process_chunk, replay, results_of
from curation.engine.benchmarks import ensure_index
from curation.engine.corpus import Corpus
from curation.engine.duplicates import DUPLICATES, write_duplicates
from curation.engine.executors import Engine, Executor
from curation.engine.plan import Plan, make_plan
from curation.engine.read import read_file, summary_path
from curation.engine.split import validation_rows
from curation.finish import finish
from curation.outputs.card import kept_sections, remove_older
from curation.outputs.parquet import ShardWriter
from curation.outputs.rows import ChunkRows, chunk_rows
from curation.outputs.statistics import collect
from curation.outputs.verify import verify
from curation.outputs.withheld import redacted_messages, without_personal_data
from curation.outputs.workspace import WORK, clear_outputs, clear_work, workspace
from curation.recipes import LoadedRecipe
from schemas.conversation import DATA
from schemas.corpus import MANIFEST, read_manifest, read_statistics
from schemas.errors import AuroraError, CorpusError, InputError
from schemas.ledger import DECISIONS, DROPPED, EDITS
from schemas.statistics import Statistics

#: Text in a data shard, about, before compression: what the Hub recommends.
SHARD_BYTES = 500_000_000
#: Rows of a ledger file.
LEDGER_ROWS = 1_000_000

#: Announces a phase and its number of tasks; the context gives a function to call after each task.
Progress = Callable[[str, int], AbstractContextManager[Callable[[], None]]]


@dataclass(frozen=True, slots=True)
class Options:
    """How to run; nothing of this changes a byte of `data/` or `ledger/`.

    workers: processes. chunk_size: records per checkpoint. fresh: forget earlier work.
    """

    workers: int
    engine: Engine = "local"
    chunk_size: int = 2048
    fresh: bool = False


def silent(_phase: str, _tasks: int) -> AbstractContextManager[Callable[[], None]]:
    """Progress that shows nothing."""
    return nullcontext(lambda: None)


def plan(loaded: LoadedRecipe, directory: Path, options: Options) -> Plan:
    """What `run` would do, without doing it."""
    return make_plan(loaded.recipe, loaded.base, directory / WORK, options.chunk_size)


def run(
    loaded: LoadedRecipe, directory: Path, options: Options, progress: Progress = silent
) -> Statistics:
    """Make the corpus that the recipe describes in `directory`.

    Work that an earlier, interrupted or differing run left there is used where it still holds.
    Raises RecipeError or InputError; the latter too where not one record could be read, after
    the ledger that says why has been written.
    """
    planned = plan(loaded, directory, options)
    with workspace(directory) as work:
        kept_sections(directory)  # refuses at once where the user's text in the card is at stake
        if options.fresh:
            clear_work(work)
            remove_older(directory)
            clear_outputs(directory)
        if not _is_finished(directory, planned):
            _make_healed(planned, directory, options, progress)
    statistics = read_statistics(directory)
    if all(source.quarantined == source.records for source in statistics.sources):
        raise InputError(
            f"no usable input: not one record could be read; {directory / 'ledger'} says why"
        )
    return statistics


def _is_finished(directory: Path, planned: Plan) -> bool:
    """Whether the directory already holds just what the plan would make, undamaged."""
    if not (directory / MANIFEST).exists():
        return False
    try:
        return read_manifest(directory).key == planned.key and not verify(directory)
    except CorpusError:
        return False


def _make_healed(planned: Plan, directory: Path, options: Options, progress: Progress) -> None:
    """Make the corpus; where a checkpoint turns out damaged, remove it and go on from there."""
    mended: set[Path] = set()
    while True:
        try:
            return _make(planned, directory, options, progress)
        except checkpoint.DamagedError as damage:
            if damage.path in mended:
                raise AuroraError(
                    f"{damage.path}: cannot be read back after it was written; check the disk"
                ) from None
            mended.add(damage.path)
            damage.path.unlink(missing_ok=True)


def _make(planned: Plan, directory: Path, options: Options, progress: Progress) -> None:
    with Executor(options.engine, options.workers) as executor:
        chunks = _process(planned, executor, progress)
        compared = _compare(planned, chunks, executor, progress)
    corpus = Corpus.of(chunks)
    duplicates, validation = _decide(planned, corpus, compared)
    remove_older(directory)
    clear_outputs(directory)  # not before: a run that fails leaves the finished corpus alone
    with progress("write", len(chunks)) as done:
        rows = _rows(planned, corpus, duplicates, validation, done)
        written = _write_rows(directory, chunks, rows, len(duplicates), len(validation))
    statistics = collect(directory, planned, corpus, duplicates, compared)
    finish(planned, directory, statistics, written)
    used = [path for chunk in chunks for path in _checkpoints(chunk)]
    useful = [*used, planned.index_path, *([compared] if compared else [])]
    # Checkpoints hold the texts as they were read.
    clear_work(planned.work, [] if planned.recipe.stages.privacy.withholds else useful)


def _process(planned: Plan, executor: Executor, progress: Progress) -> list[ChunkTask]:
    """Read every file and run the batch stages over every chunk."""
    if planned.benchmarks:  # first: what is wrong with them is said at once
        with progress("benchmarks", 1) as done:
            ensure_index(planned.index_path, planned.benchmarks)
            done()
    # The largest file first: it takes longest, and the others fill the other workers meanwhile.
    order = sorted(range(len(planned.files)), key=lambda number: -planned.files[number].bytes)
    reads = [planned.read_task(planned.files[number]) for number in order]
    with progress("read", len(reads)) as done:
        counts = executor.map(read_file, reads, done)
    chunks_of = dict(zip(order, counts, strict=True))
    chunks = [
        task
        for number, file in enumerate(planned.files)
        for task in planned.chunk_tasks(file, chunks_of[number])
    ]
    with progress("stages", len(chunks)) as done:
        executor.map(process_chunk, chunks, done)
    return chunks


def _compare(
    planned: Plan, chunks: list[ChunkTask], executor: Executor, progress: Progress
) -> Path | None:
    """Compare all conversations with each other, where the recipe asks for it."""
    if not planned.recipe.stages.compared_keys():
        return None
    path = planned.duplicates_path(chunks)
    with progress("duplicates", 1) as done:
        if not path.exists():
            write_duplicates(path, planned.recipe, chunks, executor)
        done()
    return path


def _decide(
    planned: Plan, corpus: Corpus, compared: Path | None
) -> tuple[pa.Table, NDArray[np.int64]]:
    """The dropped duplicates, by `DUPLICATES`, and the rows of the corpus for validation."""
    if compared is None:
        return DUPLICATES.empty_table(), np.zeros(0, np.int64)
    (duplicates, components), _ = checkpoint.load(compared)
    split = planned.recipe.stages.split
    return duplicates, validation_rows(corpus, split, duplicates, components)


def _rows(
    planned: Plan,
    corpus: Corpus,
    duplicates: pa.Table,
    validation: NDArray[np.int64],
    done: Callable[[], None],
) -> Iterator[ChunkRows]:
    """The final rows of every chunk; `done` is called after each."""
    licenses = {source.name: source.license for source in planned.recipe.sources}
    privacy = planned.recipe.stages.privacy
    dropped = duplicates.column("row").to_numpy()
    for task, (start, end) in zip(corpus.chunks, pairwise(corpus.bounds), strict=True):
        gone = slice(*np.searchsorted(dropped, [start, end]))
        aside = slice(*np.searchsorted(validation, [start, end]))
        own = duplicates.slice(gone.start, gone.stop - gone.start)
        state = replay(task)
        rows = chunk_rows(
            task,
            without_personal_data(state, privacy) if privacy.searches else state,
            own,
            dropped[gone] - start,
            validation[aside] - start,
            licenses[task.source],
        )
        if privacy.searches:  # rows that left before its stage, or that it only flagged
            rows = replace(rows, dropped=redacted_messages(rows.dropped, privacy))
        yield rows
        done()


def _write_rows(
    directory: Path,
    chunks: Sequence[ChunkTask],
    rows: Iterable[ChunkRows],
    duplicates: int,
    validation: int,
) -> dict[Path, int]:
    """Write data and ledger; give the files with their rows."""
    notes = [checkpoint.load_note(chunk.index_path) for chunk in chunks]
    compared = sum(note["rows"] for note in notes)
    row_bytes = sum(note["bytes"] for note in notes) / max(compared, 1)
    train = _data_writer(directory, "train", compared - duplicates - validation, row_bytes)
    aside = _data_writer(directory, "validation", validation, row_bytes) if validation else None
    decisions, edits, dropped = (
        ShardWriter(directory / "ledger" / name, "part-{:05}.parquet".format, LEDGER_ROWS, schema)
        for name, schema in (("decisions", DECISIONS), ("edits", EDITS), ("dropped", DROPPED))
    )
    for portion in rows:
        train.write(portion.train)
        if aside:
            aside.write(portion.validation)
        decisions.write(portion.decisions)
        edits.write(portion.edits)
        dropped.write(portion.dropped)
    writers = [train, *([aside] if aside else []), decisions, edits, dropped]
    for writer in writers:
        writer.close()
    return {path: rows for writer in writers for path, rows in writer.files.items()}


def _data_writer(directory: Path, split: str, rows: int, row_bytes: float) -> ShardWriter:
    """A writer of a split that spreads its rows evenly, over as few shards as the size allows."""
    wanted = max(math.ceil(rows * row_bytes / SHARD_BYTES), 1)
    shard_rows = max(math.ceil(rows / wanted), 1)
    shards = max(math.ceil(rows / shard_rows), 1)
    name = f"{split}-{{:05}}-of-{{:05}}.parquet".format
    return ShardWriter(directory / "data", lambda number: name(number, shards), shard_rows, DATA)


def _checkpoints(chunk: ChunkTask) -> list[Path]:
    """The files that a chunk's state is replayed from."""
    summary = summary_path(chunk.read.parent)
    return [summary, chunk.read, *results_of(chunk), chunk.index_path]
