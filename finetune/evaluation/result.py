"""`evaluation.json`: what base and adapter scored, under which protocol, and what it shows."""

from pathlib import Path

from pydantic import ValidationError

from schemas.document import Document, explain
from schemas.errors import ModelError

EVALUATION = "evaluation.json"
Bounds = tuple[float, float]


class Accuracy(Document):
    """Shares of right answers with 95 % intervals; the difference is adapter − base, paired."""

    base: float
    base_interval: Bounds
    adapter: float
    adapter_interval: Bounds
    difference: float
    difference_interval: Bounds


class Group(Document):
    """A subject or a category: `gained` only the adapter got right, `lost` only the base."""

    name: str
    subjects: int
    questions: int
    base: float
    adapter: float
    gained: int
    lost: int


class BenchmarkResult(Document):
    """One benchmark."""

    name: str
    title: str
    split: str
    sha256: str  # of the names and bytes of its files
    questions: int
    answer_tokens: list[int]  # what was scored for A, B, C, D
    micro: Accuracy  # every question counts alike, as lm_eval reports
    macro: Accuracy  # every subject counts alike, as C-Eval and CMMLU report
    gained: int
    lost: int
    p: float  # McNemar's exact test on gained and lost
    p_holm: float  # for all benchmarks in the document
    verdict: str
    contamination: str
    categories: list[Group]
    subjects: list[Group]


class ValidationResult(Document):
    """Mean loss per labelled token of the corpus' validation split; lower is better."""

    conversations: int
    tokens: int
    base: float
    adapter: float
    difference: float
    difference_interval: Bounds
    verdict: str


class Protocol(Document):
    """What must be equal for two results to be compared."""

    shots: int
    limit: int | None  # questions per subject: a trial, not a score
    chat_template: str | None
    base: str
    base_revision: str | None  # commit, where it came from the Hub
    quantization: str
    adapter_sha256: str  # of its weights
    inputs_sha256: str  # of the base's files, and of configuration, tokenizer and template
    device: str
    versions: dict[str, str]


class Evaluation(Document):
    """The whole document."""

    version: int = 1
    protocol: Protocol
    seed: int
    resamples: int
    benchmarks: dict[str, BenchmarkResult]
    validation: ValidationResult | None
    seconds: float  # of the last run


def read_evaluation(directory: Path) -> Evaluation | None:
    """The evaluation in an adapter directory, if there is one; raises ModelError if damaged."""
    path = directory / EVALUATION
    try:
        return Evaluation.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError as error:
        raise ModelError(
            f"{path}: is damaged or of another version ({explain(Evaluation, error)}); repeat "
            "finetune.evaluate with --fresh"
        ) from None


def write_evaluation(directory: Path, evaluation: Evaluation) -> None:
    """Write `evaluation.json` whole or not at all."""
    partial = directory / f"{EVALUATION}.partial"
    partial.write_text(evaluation.model_dump_json(indent=2) + "\n", encoding="utf-8")
    partial.replace(directory / EVALUATION)
