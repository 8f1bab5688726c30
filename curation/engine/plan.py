"""The plan of a run: its input files, its stages, and where every result will be kept."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from curation.engine.batches import ChunkTask, stage_keys
from curation.engine.keys import code_key, key
from curation.engine.read import ReadTask, chunk_path
from curation.sources.benchmarks import Benchmark, resolve_benchmark
from curation.sources.files import SourceFile, checked_sha256, resolve
from curation.stages import PlannedStage, plan_stages
from schemas.errors import RecipeError
from schemas.recipe import Recipe, Source


@dataclass(frozen=True, slots=True)
class PlannedFile:
    """One input file; `sha256` is null where it cannot be read."""

    source: Source
    file: SourceFile
    bytes: int
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a run depends on."""

    recipe: Recipe
    files: tuple[PlannedFile, ...]
    benchmarks: tuple[Benchmark, ...]
    stages: tuple[PlannedStage, ...]
    work: Path  # folder of the checkpoints
    chunk_size: int  # records

    @property
    def key(self) -> str:
        """Stands for the rows that come out: input bytes, recipe and code."""
        files = [(f.source.name, f.file.name, f.sha256) for f in self.files]
        recipe = self.recipe.model_dump(
            exclude={
                "sources": {"__all__": {"path"}},
                "stages": {"decontaminate": {"benchmarks"}},
            }
        )
        return key(code_key(), recipe, files, [b.sha256 for b in self.benchmarks])

    @property
    def index_path(self) -> Path:
        """Where the index of all benchmarks is kept."""
        return _index_path(self.work, self.benchmarks)

    def read_task(self, file: PlannedFile) -> ReadTask:
        """The task that reads `file`."""
        return ReadTask(file.file, file.source, self._folder(file), self.chunk_size)

    def chunk_tasks(self, file: PlannedFile, chunks: int) -> list[ChunkTask]:
        """The tasks over the chunks that reading `file` gave."""
        folder = self._folder(file)
        keys = stage_keys(folder.name, list(self.stages))
        return [
            ChunkTask(
                file.source.name,
                file.file.name,
                chunk_path(folder, index),
                folder,
                self.stages,
                keys,
            )
            for index in range(chunks)
        ]

    def duplicates_path(self, chunks: list[ChunkTask]) -> Path:
        """Where it is kept what the comparison of the whole corpus gave."""
        names = [source.name for source in self.recipe.sources]
        depends = (
            self.recipe.stages.dedup.model_dump(),
            self.recipe.stages.compared_keys(),
            self.recipe.stages.compared_threshold(),
            names,
            [str(c.index_path.relative_to(self.work)) for c in chunks],
        )
        return self.work / f"duplicates-{key(code_key(), *depends)}.arrow"

    def _folder(self, file: PlannedFile) -> Path:
        reading = file.source.model_dump(include={"name", "format", "roles"})
        name = key(code_key(), reading, file.file.name, file.sha256, self.chunk_size)
        return self.work / name


def make_plan(recipe: Recipe, base: Path, work: Path, chunk_size: int) -> Plan:
    """Find and hash the input files of `recipe`; paths are relative to `base`.

    Raises InputError or RecipeError where a source or a benchmark matches no file, or another than
    it expects.
    """
    files = tuple(
        PlannedFile(source, file, _size(file.path), checked_sha256(file))
        for source in recipe.sources
        for file in resolve(source, base)
    )
    benchmarks = _benchmarks(recipe, base)
    index = _index_path(work, benchmarks) if benchmarks else None
    return Plan(recipe, files, benchmarks, tuple(plan_stages(recipe, index)), work, chunk_size)


def _benchmarks(recipe: Recipe, base: Path) -> tuple[Benchmark, ...]:
    decontaminate = recipe.stages.decontaminate
    if not decontaminate.enabled:
        return ()
    found = tuple(resolve_benchmark(text, base) for text in decontaminate.benchmarks)
    names = [benchmark.name for benchmark in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise RecipeError(
            f"stages.decontaminate.benchmarks: two are named {twice!r}; rename one file or folder"
        )
    return found


def _index_path(work: Path, benchmarks: Sequence[Benchmark]) -> Path:
    return work / f"benchmarks-{key(code_key(), [b.sha256 for b in benchmarks])}.arrow"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size if path.is_file() else 0
    except OSError:
        return 0
