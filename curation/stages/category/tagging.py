"""The stage: names a topic for each conversation. docs/taxonomy.md tells how often it is right."""

import numpy as np
import pyarrow as pa

from curation.stages.batch import StageResult, turns
from curation.stages.category.model import topic_probabilities
from curation.stages.category.taxonomy import normalise_tag, taxonomy
from schemas.recipe import Category

OTHER = "Other"
SCORE_DIGITS = 4


def category(batch: pa.RecordBatch, config: Category) -> StageResult:
    """Name the topic of each conversation: columns `category` and `category_score` in [0, 1].

    A row whose `source_category` names a topic has that topic with score 1. Elsewhere the text
    decides; `Other` is a row that scores below `config.min_score`, and keeps its score.
    """
    names = np.array([*taxonomy().names, OTHER])
    scores = topic_probabilities(turns(batch))
    best = scores.argmax(axis=1)
    # Rounded: the last bits of an exponential differ between processors.
    score = np.round(np.minimum(scores.max(axis=1), 1).astype(np.float64), SCORE_DIGITS)
    chosen = names[np.where(score < config.min_score, len(names) - 1, best)].tolist()
    for row, tag in enumerate(batch.column("source_category").to_pylist()):
        if tag and (name := normalise_tag(tag)):
            chosen[row], score[row] = name, 1.0
    columns = {
        "category": pa.array(chosen, pa.string()),
        "category_score": pa.array(score.astype(np.float32)),
    }
    return StageResult(columns)
