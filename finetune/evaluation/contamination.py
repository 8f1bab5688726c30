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
            "The training record does not say whether its questions were kept out of the training "
            "data; a gain may come from them."
        )
    if any(_is(name, suite) for name in record.data.kept_out):
        return "Curation kept its questions out of the training data."
    return (
        "Its questions were not kept out of the training data, and a gain may come from them; "
        f"curate with stages.decontaminate.benchmarks: [{suite.name}]."
    )


def _is(name: str, suite: Suite) -> bool:
    """Whether a corpus' name for a benchmark means `suite`: C-Eval, ceval-exam, cmmlu_v1_0_1."""
    return re.sub(r"[^a-z]", "", name.lower()).startswith(suite.name)
