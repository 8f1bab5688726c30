"""A whole evaluation: base and adapter on the same questions, in one run, on one set of weights."""

import hashlib
import time
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pyarrow as pa
import torch

from finetune.base import template_of
from finetune.evaluation import answers, losses
from finetune.evaluation.answers import FOLDER, answers_of, keep, read_kept
from finetune.evaluation.benchmark import Benchmark, read_benchmark
from finetune.evaluation.contamination import contamination
from finetune.evaluation.forward import without_adapter
from finetune.evaluation.harness import (
    Ask,
    Scorer,
    answer_tokens,
    first_prompt,
    score,
)
from finetune.evaluation.losses import compare_losses, summarize_losses, validation_parts
from finetune.evaluation.result import Evaluation, Protocol, ValidationResult, write_evaluation
from finetune.evaluation.statistics import RESAMPLES
from finetune.evaluation.summary import Scored, summarize
from finetune.model import LoadedAdapter, load_adapter
from finetune.rendering import Renderer, choose_renderer
from schemas.errors import ModelError, RecipeError

_PACKAGES = ("torch", "transformers", "peft", "bitsandbytes", "lm_eval")

#: Called with what is being scored, how much of it is done, and how much there is.
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks for; `finetune.evaluate` explains each."""

    benchmarks: tuple[str, ...]
    shots: int
    limit: int | None
    base: str | None
    quantization: str | None
    chat_template: bool
    validation: bool
    data: str | None
    batch_size: int
    seed: int
    fresh: bool


def evaluate_adapter(directory: Path, options: Options, progress: Progress) -> Evaluation:
    """Score base and adapter, write answers and `evaluation.json`, and return what it says.

    Answers that an interrupted run under the same protocol left are not asked for again.
    """
    started = time.monotonic()
    benchmarks = [read_benchmark(one, options.shots, options.limit) for one in options.benchmarks]
    names = [one.suite.name for one in benchmarks]
    if len({*names}) < len(names):
        raise RecipeError(f"--benchmarks: {', '.join(names)}: name each benchmark once")
    loaded = load_adapter(directory, quantization=options.quantization, base=options.base)
    renderer = _renderer(loaded)
    ask = Ask(options.shots, renderer if options.chat_template else None)
    protocol = _protocol(directory, loaded, options, ask)
    run = _Run(directory, loaded, options, ask, protocol, progress)
    try:
        scored = [run.score(benchmark) for benchmark in benchmarks]
        validation = run.validate(renderer) if options.validation else None
    except torch.OutOfMemoryError:
        raise ModelError("the GPU's memory is full; use a smaller --batch-size") from None
    evaluation = Evaluation(
        protocol=protocol,
        seed=options.seed,
        resamples=RESAMPLES,
        benchmarks={one.name: one for one in summarize(scored, options.seed)},
        validation=validation,
        seconds=round(time.monotonic() - started, 1),
    )
    write_evaluation(directory, evaluation)
    return evaluation


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
        return Scored(benchmark, table.sort_by("subject"), tokens, told)

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
        path = self.directory / FOLDER / name
        if self.options.fresh:
            path.unlink(missing_ok=True)
        return path

    def _key(self, data: str) -> str:
        """Stands for everything that answers depend on."""
        template = self.ask.renderer.digest if self.ask.renderer else ""
        parts = (self.protocol.model_dump_json(), str(self.options.base), template, data)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _renderer(loaded: LoadedAdapter) -> Renderer:
    template = template_of(loaded.record.recipe.template, loaded.model.config)
    return choose_renderer(template, loaded.tokenizer)


def _protocol(directory: Path, loaded: LoadedAdapter, options: Options, ask: Ask) -> Protocol:
    record, base = loaded.record, options.base
    weights = (directory / "adapter_model.safetensors").read_bytes()
    return Protocol(
        shots=options.shots,
        limit=options.limit,
        chat_template=ask.renderer.name if ask.renderer else None,
        base=_public(base) if base else record.base.model,
        base_revision=None if base else record.base.revision,
        quantization=options.quantization or record.recipe.quantization,
        adapter_sha256=hashlib.sha256(weights).hexdigest(),
        device=_device_name(loaded.model),
        versions={name: version(name) for name in _PACKAGES},
    )


def _public(base: str) -> str:
    """A base without the folders of this machine."""
    return Path(base).name if Path(base).exists() else base


def _device_name(model: Any) -> str:
    device = next(model.parameters()).device
    return torch.cuda.get_device_name(device) if device.type == "cuda" else str(device.type)
