"""What an earlier evaluation of the same adapter found: what stands, and what must not be lost."""

from collections.abc import Sequence
from dataclasses import astuple
from pathlib import Path

from finetune.adapter.record import TrainingRecord
from finetune.evaluation.answers import FOLDER
from finetune.evaluation.benchmark import Benchmark
from finetune.evaluation.contamination import contamination
from finetune.evaluation.result import (
    EVALUATION,
    BenchmarkResult,
    Evaluation,
    Group,
    Protocol,
    ValidationResult,
    read_evaluation,
)
from finetune.evaluation.statistics import Interval, Pairs
from finetune.evaluation.suites import SUITES
from finetune.evaluation.summary import Scored, validation_verdict
from schemas.errors import ModelError


def read_earlier(
    directory: Path, protocol: Protocol, benchmarks: Sequence[Benchmark]
) -> Evaluation | None:
    """The earlier evaluation of these weights, if any, which this run adds to.

    Raises ModelError where it is of another protocol, or of other questions of a benchmark that is
    asked now: that would replace it.
    """
    earlier = read_evaluation(directory)
    if earlier is None or earlier.protocol.adapter_sha256 != protocol.adapter_sha256:
        return None
    changes = _changes(earlier.protocol, protocol)
    for one in benchmarks:
        before = earlier.benchmarks.get(one.suite.name)
        if before and before.sha256 != one.sha256:
            changes.append(f"other files of {one.suite.title}")
    if changes:
        raise ModelError(
            f"{directory / EVALUATION}: holds results of another protocol ({'; '.join(changes)}), "
            "which cannot stand beside new ones; undo the change, or replace them with --fresh"
        )
    return earlier


def begin_anew(directory: Path) -> None:
    """Remove results and kept answers."""
    (directory / EVALUATION).unlink(missing_ok=True)
    for path in (directory / FOLDER).glob("*.parquet"):
        path.unlink()


def validation_beside(earlier: Evaluation | None) -> ValidationResult | None:
    """The earlier losses; their verdict is put into words anew, not printed as found in a file."""
    if earlier is None or earlier.validation is None:
        return None
    result = earlier.validation
    told = validation_verdict(result.difference, Interval(*result.difference_interval))
    return result.model_copy(update={"verdict": told})


def results_beside(
    directory: Path,
    earlier: Evaluation | None,
    benchmarks: Sequence[Benchmark],
    record: TrainingRecord,
) -> list[Scored]:
    """Earlier results on other benchmarks than those asked now, to be summarised with theirs."""
    asked = {one.suite.name for one in benchmarks}
    results = earlier.benchmarks.values() if earlier else ()
    return [_again(one, record, directory) for one in results if one.name not in asked]


def _again(result: BenchmarkResult, record: TrainingRecord, directory: Path) -> Scored:
    """A result as it was before it was summarised. Raises ModelError if damaged."""
    pairs = {group.name: _pairs(group) for group in result.subjects}
    sound = all(one.questions > 0 and min(astuple(one)) >= 0 for one in pairs.values())
    if not pairs or not sound or result.name not in SUITES:
        raise ModelError(
            f"{directory / EVALUATION}: its counts do not add up; replace it with --fresh"
        )
    suite = SUITES[result.name]
    told = contamination(record, suite)
    return Scored(suite, result.sha256, pairs, result.answer_tokens, told)


def _pairs(group: Group) -> Pairs:
    both = round(group.base * group.questions) - group.lost
    neither = group.questions - both - group.gained - group.lost
    return Pairs(both, group.gained, group.lost, neither)


def _changes(before: Protocol, now: Protocol) -> list[str]:
    old, new = _flat(before), _flat(now)
    changes = [f"{key}: {old.get(key)} → {new[key]}" for key in new if old.get(key) != new[key]]
    if before.inputs_sha256 != now.inputs_sha256:
        changes.append("other files of the base or the tokenizer")
    return changes


def _flat(protocol: Protocol) -> dict[str, object]:
    return protocol.model_dump(exclude={"versions", "inputs_sha256"}) | protocol.versions
