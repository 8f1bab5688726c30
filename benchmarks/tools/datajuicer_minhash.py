"""data-juicer: `document_minhash_deduplicator` as it recommends for Chinese.

Characters, windows of 5, lower case, punctuation ignored. 128 permutations as in the other tools;
its default, 256, takes twice as long.
"""

import json
import sys
from pathlib import Path

from data_juicer.ops.deduplicator.document_minhash_deduplicator import DocumentMinhashDeduplicator
from datasets import load_dataset


def main(folder: Path, threshold: float, workers: int) -> None:
    files = sorted(str(path) for path in (folder / "texts").iterdir())
    rows = load_dataset("json", data_files=files, split="train", cache_dir=str(folder / "cache"))
    deduplicator = DocumentMinhashDeduplicator(
        tokenization="character",
        window_size=5,
        lowercase=True,
        ignore_pattern=r"\p{P}",
        num_permutations=128,
        jaccard_threshold=threshold,
    )
    # Not `deduplicator.run`, which does the same two steps and then installs torch to free a GPU.
    hashed = rows.map(deduplicator.compute_hash, num_proc=workers)
    kept = set(map(int, deduplicator.process(hashed)[0]["id"]))
    dropped = [number for number in range(len(rows)) if number not in kept]
    (folder / "dropped.json").write_text(json.dumps(dropped))


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]), int(sys.argv[3]))
