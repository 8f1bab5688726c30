"""A whole evaluation: base and adapter on the same questions, in one run, on one set of weights."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import torch

from finetune.base import template_of
from finetune.evaluation import answers, losses
from finetune.evaluation.answers import FOLDER, answers_of, keep, pairs_by_subject, read_kept
from finetune.evaluation.benchmark import Benchmark, read_benchmark
from finetune.evaluation.contamination import contamination
from finetune.evaluation.earlier import begin_anew, read_earlier, results_beside, validation_beside
from finetune.evaluation.forward import without_adapter
from finetune.evaluation.harness import (
    Ask,
    Scorer,
    answer_tokens,
    first_prompt,
    score,
)
from finetune.evaluation.losses import compare_losses, summarize_losses, validation_parts
from finetune.evaluation.protocol import Options, protocol_of
from finetune.evaluation.result import (
    BenchmarkResult,
    Evaluation,
    Protocol,
    ValidationResult,
    write_evaluation,
)
from finetune.evaluation.statistics import RESAMPLES
from finetune.evaluation.suites import SUITES
from finetune.evaluation.summary import Scored, summarize
from finetune.model import LoadedAdapter, load_adapter
from finetune.rendering import Renderer, choose_renderer
from schemas.errors import ModelError, RecipeError

#: Called with what is being scored, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]


def evaluate_adapter(directory: Path, options: Options, progress: Progress) -> Evaluation:
    """Score base and adapter, write answers and `evaluation.json`, and return what it says.

    Answers that an interrupted run under the same protocol left are not asked for again, and
    results of earlier runs under it stay; with those under another, ModelError is raised.
    """
    started = time.monotonic()
    benchmarks = _read(options)
    loaded = load_adapter(directory, quantization=options.quantization, base=options.base)
    renderer = _renderer(loaded)
    ask = Ask(options.shots, renderer if options.chat_template else None)
    protocol = protocol_of(directory, loaded, options, ask)
    if options.fresh:
        begin_anew(directory)
    earlier = read_earlier(directory, protocol, benchmarks)
    standing = results_beside(directory, earlier, benchmarks, loaded.record)
    run = _Run(directory, loaded, options, ask, protocol, progress)
    try:
        scored = [*standing, *map(run.score, benchmarks)]
        validation = run.validate(renderer) if options.validation else None
    except torch.OutOfMemoryError:
        raise ModelError("the GPU's memory is full; use a smaller --batch-size") from None
    evaluation = Evaluation(
        protocol=protocol,
        seed=options.seed,
        resamples=RESAMPLES,
        benchmarks=_by_name(summarize(scored, options.seed)),
        validation=validation or validation_beside(earlier),
        seconds=round(time.monotonic() - started, 1),
    )
    write_evaluation(directory, evaluation)
    return evaluation


def _read(options: Options) -> list[Benchmark]:
    benchmarks = [read_benchmark(one, options.shots, options.limit) for one in options.benchmarks]
    names = [one.suite.name for one in benchmarks]
    if len({*names}) < len(names):
        raise RecipeError(f"--benchmarks: {', '.join(names)}: name each benchmark once")
    return benchmarks


@dataclass(frozen=True, slots=True)
class _Run:
    directory: Path
    loaded: LoadedAdapter
    options: Options
    ask: Ask
    protocol: Protocol
    progress: Progress

    def score(self, benchmark: Benchmark) -> Scored:
        """Ask every subject that has no answers yet; they are kept after each."""
        suite, model = benchmark.suite, self.loaded.model
        key, path = self._key(benchmark.sha256), self._path(f"{suite.name}.parquet")
        table = read_kept(path, key, answers.SCHEMA)
        scorer = Scorer(model, self.loaded.tokenizer, self.ask, self.options.batch_size)
        subject, exam = next(iter(benchmark.exams.items()))
        prompt = first_prompt(suite, subject, exam, self.ask, scorer)
        tokens = answer_tokens(scorer, prompt, suite)
        done = {*table["subject"].to_pylist()}
        for number, (subject, exam) in enumerate(benchmark.exams.items()):
            self.progress(f"{suite.title} {subject}", number, len(benchmark.exams))
            if subject in done:
                continue
            with without_adapter(model):
                base = score(scorer, suite, subject, exam, self.ask)
            adapter = score(scorer, suite, subject, exam, self.ask)
            table = pa.concat_tables([table, answers_of(subject, exam, base, adapter)])
            keep(path, table, key)
        told = contamination(self.loaded.record, suite)
        pairs = pairs_by_subject(table.sort_by("subject"))
        return Scored(suite, benchmark.sha256, pairs, tokens, told)

    def validate(self, renderer: Renderer) -> ValidationResult:
        """Losses on the validation split of the corpus; those of the same parts are not redone."""
        parts = validation_parts(self.loaded.record, self.options.data, renderer)
        key = self._key(hashlib.sha256(repr(parts).encode()).hexdigest())
        path = self._path("validation.parquet")
        table = read_kept(path, key, losses.SCHEMA)
        if not len(table):
            done = iter(range(len(parts)))

            def step() -> None:
                self.progress("validation split", next(done), len(parts))

            table = compare_losses(self.loaded.model, parts, step)
            keep(path, table, key)
        return summarize_losses(table, self.options.seed)

    def _path(self, name: str) -> Path:
        return self.directory / FOLDER / name

    def _key(self, data: str) -> str:
        """Stands for everything that answers depend on."""
        return hashlib.sha256(f"{self.protocol.model_dump_json()}\n{data}".encode()).hexdigest()


def _by_name(results: list[BenchmarkResult]) -> dict[str, BenchmarkResult]:
    """In the order of the suites, whichever was scored first."""
    return {one.name: one for one in sorted(results, key=lambda one: [*SUITES].index(one.name))}


def _renderer(loaded: LoadedAdapter) -> Renderer:
    template = template_of(loaded.record.recipe.template, loaded.model.config)
    return choose_renderer(template, loaded.tokenizer)
