"""datasketch: `MinHash.bulk` and `MinHashLSH` over character 5-grams, defaults otherwise.

A row is dropped where the index holds one that shares a band with it. One process.
"""

import json
import sys
from pathlib import Path

from datasketch import MinHash, MinHashLSH

NGRAM, PERMUTATIONS, BLOCK = 5, 128, 2000


def main(folder: Path, threshold: float) -> None:
    rows = [
        json.loads(line)
        for path in sorted((folder / "texts").iterdir())
        for line in path.read_text(encoding="utf-8").splitlines()
    ]
    index, dropped = MinHashLSH(threshold, PERMUTATIONS), []
    for start in range(0, len(rows), BLOCK):
        block = rows[start : start + BLOCK]
        grams = [shingles(row["text"]) for row in block]
        for row, minhash in zip(block, MinHash.bulk(grams, num_perm=PERMUTATIONS), strict=True):
            if index.query(minhash):
                dropped.append(int(row["id"]))
            else:
                index.insert(row["id"], minhash)
    (folder / "dropped.json").write_text(json.dumps(dropped))


def shingles(text: str) -> list[bytes]:
    text = text.lower()
    return [text[i : i + NGRAM].encode() for i in range(max(len(text) - NGRAM + 1, 1))]


if __name__ == "__main__":
    main(Path(sys.argv[1]), float(sys.argv[2]))
