"""The stages, in the order they run.

Batch stages are pure functions over a record batch; deduplication then sees the whole corpus.
"""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa

from curation.stages.batch import StageResult
from curation.stages.category import category
from curation.stages.clean import clean
from curation.stages.control_tokens import control_tokens
from curation.stages.decontaminate import Decontamination, decontaminate
from curation.stages.dedup.signatures import Signing, signatures
from curation.stages.language import language
from curation.stages.privacy import privacy
from curation.stages.quality import quality
from curation.stages.script import script
from curation.stages.tokens import tokens, tokens_read
from schemas.recipe import Privacy, Recipe, StageConfig

#: How the names of the stages begin that sign conversations for comparing.
SIGNATURES = "signatures_"
#: The stage that counts tokens before anything is changed: the first half of `tokens`.
COUNT_READ = "tokens_read"

BatchFunction = Callable[[pa.RecordBatch, Any], StageResult]


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """A batch stage with its configuration; `settings` is what its result depends on."""

    name: str
    function: BatchFunction
    config: Any
    settings: dict[str, Any]

    def run(self, batch: pa.RecordBatch) -> StageResult:
        """Apply the stage to `batch`."""
        return self.function(batch, self.config)


def plan_stages(recipe: Recipe, index: Path | None) -> list[PlannedStage]:
    """The batch stages that `recipe` asks for, in order.

    index: where the index of benchmark items is or will be, where any are asked for; its name
    stands for its content.
    """
    stages = recipe.stages
    functions: dict[str, BatchFunction] = {
        "clean": clean,
        "language": language,
        "script": script,
        "privacy": privacy,
        "control_tokens": control_tokens,
        "quality": quality,
        "category": category,
    }
    planned = [PlannedStage(COUNT_READ, tokens_read, None, {})]
    planned += [
        PlannedStage(name, function, config, config.model_dump(exclude={"originals"}))
        for name, function in functions.items()
        if _runs(name, config := getattr(stages, name))
    ]
    planned.append(PlannedStage("tokens", tokens, None, {}))
    if index:
        options = stages.decontaminate.model_dump(include={"threshold", "action"})
        config = Decontamination(index, **options)
        settings = {**options, "index": index.name}
        planned.append(PlannedStage("decontaminate", decontaminate, config, settings))
    # One stage a key, so that a key that is added leaves the signatures of the others.
    for key in stages.compared_keys():
        signing = Signing(key, stages.dedup.ngram, stages.dedup.num_perm)
        planned.append(PlannedStage(signature_stage(key), signatures, signing, asdict(signing)))
    return planned


def _runs(name: str, config: StageConfig) -> bool:
    """Whether a stage runs. Quality always does: disabled it writes the score, drops nothing."""
    if isinstance(config, Privacy):
        return config.searches
    return config.enabled or name == "quality"


def signature_stage(key: str) -> str:
    """The name of the stage that signs by `key`."""
    return f"{SIGNATURES}{key}"
