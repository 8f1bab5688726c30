"""Whether a benchmark was kept out of the corpus that the adapter was trained on."""

import re

from finetune.adapter.record import TrainingRecord
from finetune.evaluation.suites import Suite


def contamination(record: TrainingRecord, suite: Suite) -> str:
    """What is known of the questions of `suite` in the training corpus, in a sentence.

    What the base model was trained on is unknown in any case; a question that it had seen counts
    for both alike.
    """
    if record.data.kept_out is None:
        return (
            "unknown; the training record does not say what was kept out of its data, and a gain "
            "may come from questions in them"
        )
    if any(_is(name, suite) for name in record.data.kept_out):
        return "kept out; curation removed what contains its questions from the training data"
    return (
        "not kept out; a gain may come from questions in the training data (curate with "
        f"stages.decontaminate.benchmarks: [{suite.name}])"
    )


def _is(name: str, suite: Suite) -> bool:
    """Whether a corpus' name for a benchmark means `suite`: C-Eval, ceval-exam, cmmlu_v1_0_1."""
    return re.sub(r"[^a-z]", "", name.lower()).startswith(suite.name)
