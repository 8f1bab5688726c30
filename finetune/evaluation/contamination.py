"""Whether a benchmark was kept out of the corpus that the adapter was trained on."""

import hashlib
import re
from pathlib import Path

from finetune.adapter.record import TrainingRecord
from finetune.evaluation.suites import Suite
from schemas.corpus import MANIFEST, read_manifest
from schemas.errors import CorpusError
from schemas.manifest import Manifest


def contamination(record: TrainingRecord, suite: Suite, data: str | None = None) -> str:
    """What is known of the questions of `suite` in the training corpus, in a sentence.

    data: where the corpus is, if not where the recipe says. The base model's own training data are
    unknown in any case; a question that the base had seen counts for both alike.
    """
    manifest = _manifest(record, Path(data or record.recipe.data))
    if manifest is None:
        return (
            "unknown: the corpus' manifest is not here; a gain may come from questions in the "
            "training data (give the corpus with --data)"
        )
    stage = manifest.recipe.stages.decontaminate
    kept_out = any(_is(one.name, suite) for one in manifest.benchmarks)
    if not kept_out or not stage.enabled:
        return (
            "not checked: the corpus was curated without it; a gain may come from questions in "
            f"the training data (stages.decontaminate.benchmarks: [{suite.name}])"
        )
    if stage.action == "flag":
        return "found and flagged, not removed: questions of it may be in the training data"
    return "kept out: curation removed conversations that contain its questions"


def _manifest(record: TrainingRecord, corpus: Path) -> Manifest | None:
    """The manifest of the corpus that was trained on, if it is here and still the same."""
    path = corpus / MANIFEST
    try:
        same = hashlib.sha256(path.read_bytes()).hexdigest() == record.data.sha256
        return read_manifest(corpus) if same else None
    except (OSError, CorpusError):
        return None


def _is(name: str, suite: Suite) -> bool:
    """Whether a corpus' name for a benchmark means `suite`: C-Eval, ceval-exam, cmmlu_v1_0_1."""
    return re.sub(r"[^a-z]", "", name.lower()).startswith(suite.name)
