"""The stages, in the order they run.

Batch stages are pure functions over a record batch; deduplication then sees the whole corpus.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from curation.stages.batch import StageResult
from curation.stages.category import category
from curation.stages.clean import clean
from curation.stages.dedup.signatures import signatures
from curation.stages.language import language
from curation.stages.quality import quality
from curation.stages.script import script
from curation.stages.tokens import tokens
from schemas.recipe import Recipe

BatchFunction = Callable[[pa.RecordBatch, Any], StageResult]

BATCH_STAGES: dict[str, BatchFunction] = {
    "clean": clean,
    "language": language,
    "script": script,
    "quality": quality,
    "category": category,
    "tokens": tokens,
    "signatures": signatures,
}


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """A batch stage with its configuration; `settings` is what its result depends on."""

    name: str
    config: Any
    settings: dict[str, Any]

    def run(self, batch: pa.RecordBatch) -> StageResult:
        """Apply the stage to `batch`."""
        return BATCH_STAGES[self.name](batch, self.config)


def plan_stages(recipe: Recipe) -> list[PlannedStage]:
    """The batch stages that `recipe` asks for, in order."""
    stages = recipe.stages
    planned = [
        PlannedStage(name, config, config.model_dump())
        for name in ("clean", "language", "script", "quality", "category")
        # Quality runs even when disabled: it then writes the score and drops nothing.
        if (config := getattr(stages, name)).enabled or name == "quality"
    ]
    planned.append(PlannedStage("tokens", None, {}))
    if stages.dedup.enabled:
        settings = stages.dedup.model_dump(include={"ngram", "num_perm", "key"})
        planned.append(PlannedStage("signatures", stages.dedup, settings))
    return planned
