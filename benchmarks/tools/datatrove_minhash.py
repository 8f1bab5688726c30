"""datatrove: its four-step MinHash pipeline over single characters instead of words.

Its Chinese word tokenizer (spaCy with jieba) would make words, of which short texts have fewer than
five and are then never compared. Numbers are not folded to 0, as they are by default.
"""

import json
import sys
from pathlib import Path

from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.base import PipelineStep
from datatrove.pipeline.dedup import (
    MinhashDedupBuckets,
    MinhashDedupCluster,
    MinhashDedupFilter,
    MinhashDedupSignature,
)
from datatrove.pipeline.dedup.minhash import MinhashConfig
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter
from datatrove.utils.text import TextNormConfig
from datatrove.utils.word_tokenizers import WordTokenizer

NGRAM, BUCKETS = 5, 14
#: Chance of finding a pair at the threshold that its defaults (14 buckets of 8) have at 0.8.
RECALL = 0.92


class Characters(WordTokenizer):
    """Every character but white space is a word."""

    def word_tokenize(self, text: str) -> list[str]:
        return list("".join(text.split()))

    def sent_tokenize(self, text: str) -> list[str]:
        return [text]

    def span_tokenize(self, text: str) -> list[tuple[int, int]]:
        return [(0, len(text))]


def main(folder: Path, threshold: float, workers: int) -> None:
    config = MinhashConfig(
        n_grams=NGRAM,
        num_buckets=BUCKETS,
        hashes_per_bucket=width(threshold),
        norm_config=TextNormConfig(norm_numbers=False),
    )
    texts = JsonlReader(str(folder / "texts"))
    signatures, buckets, clusters = (str(folder / name) for name in ("sig", "buckets", "clusters"))
    removed = JsonlWriter(str(folder / "removed"), compression=None)

    def run(number: int, pipeline: list[PipelineStep], tasks: int) -> None:
        logs = str(folder / "logs" / str(number))
        LocalPipelineExecutor(pipeline, tasks=tasks, workers=workers, logging_dir=logs).run()

    run(1, [texts, MinhashDedupSignature(signatures, config, Characters())], workers)
    run(2, [MinhashDedupBuckets(signatures, buckets, config=config)], BUCKETS)
    run(3, [MinhashDedupCluster(buckets, clusters, config=config)], 1)
    run(4, [texts, MinhashDedupFilter(clusters, removed)], workers)
    dropped = [
        int(json.loads(line)["id"])
        for path in sorted((folder / "removed").iterdir())
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    (folder / "dropped.json").write_text(json.dumps(dropped))


def width(threshold: float) -> int:
    """The most hashes per bucket with which a pair at the threshold is found as by default."""
    fitting = (r for r in range(64, 1, -1) if 1 - (1 - threshold**r) ** BUCKETS >= RECALL)
    return next(fitting, 1)


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
