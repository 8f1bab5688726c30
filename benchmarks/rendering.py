"""Rendering against mistral-common, on every real conversation: `python -m benchmarks.rendering`.

Compares ids and masks, closes the token account at 1024 tokens with and without carried rounds, and
prints the speed of both, and that of rendering a corpus into the cache with one process and with
all cores. Needs ../shared/data or --corpus.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import yaml
from mistral_common.protocol.instruct.messages import AssistantMessage, SystemMessage, UserMessage
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.protocol.instruct.validator import ValidationMode
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

from curation.cli import main as curate
from finetune.corpus import load_corpus
from finetune.rendering.cache import render_corpus
from finetune.rendering.mistral import mistral_v1
from finetune.rendering.processes import cores
from finetune.rendering.rendered import IGNORED, Refused
from finetune.rendering.split import Limits, account, add, cut

SHARED = Path(__file__).parents[2] / "shared" / "data"
SOURCES = {"sharegpt": "sharegpt/*.json*", "alpaca_zh": "alpaca_zh/*.json"}
MESSAGES = {"system": SystemMessage, "user": UserMessage, "assistant": AssistantMessage}
BATCH = 1000
Messages = list[dict[str, str]]


class Oracle:
    """mistral-common, as it is used for fine-tuning, and the growing prefixes that give masks."""

    def __init__(self) -> None:
        path = str(Path(MistralTokenizer._data_path()) / "tokenizer.model.v1")
        self.whole = MistralTokenizer.from_file(path, mode=ValidationMode.finetuning)
        self.prompt = MistralTokenizer.from_file(path, mode=ValidationMode.test)

    def ids(self, messages: Messages, *, prompt: bool = False) -> list[int]:
        """Tokens of a conversation, or of a prompt."""
        listed = [MESSAGES[m["role"]](content=m["content"]) for m in messages]
        tokenizer = self.prompt if prompt else self.whole
        ids: list[int] = tokenizer.encode_chat_completion(
            ChatCompletionRequest(messages=listed)
        ).tokens
        return ids

    def labels(self, messages: Messages, ids: list[int]) -> list[int]:
        """The mask: from the end of each prompt to the end of the prefix with its answer."""
        labels = [IGNORED] * len(ids)
        for i, message in enumerate(messages):
            if message["role"] == "assistant":
                start = len(self.ids(messages[:i], prompt=True))
                stop = len(self.ids(messages[: i + 1]))
                labels[start:stop] = ids[start:stop]
        return labels


def main() -> None:
    """Run all of it and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, help="a finished corpus; default: made of SHARED")
    parser.add_argument("--masks", type=int, default=1, help="prefixes for every n-th only")
    parser.add_argument("--alpaca", type=int, default=20_000, help="rows of alpaca")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpus = arguments.corpus or curated(Path(folder))
        for workers in sorted({1, cores()}):
            speed(corpus, workers, Path(folder) / f"cache-{workers}")
        conversations = list(read(corpus, arguments.alpaca))
    compare(conversations, arguments.masks)
    for carry in (0, 1):
        close(conversations, carry)


def curated(folder: Path) -> Path:
    """All rows that become conversations, as they are: no stage but cleaning drops or edits."""
    off = ["language", "script", "privacy", "control_tokens", "quality", "dedup", "category"]
    recipe = {
        "name": "rendering",
        "sources": [{"name": n, "path": str(SHARED / path)} for n, path in SOURCES.items()],
        "stages": {
            stage: {"enabled": False} for stage in (*off, "split", "clean", "decontaminate")
        },
    }
    (folder / "recipe.yaml").write_text(yaml.safe_dump(recipe))
    sys.argv = ["curate", "run", str(folder / "recipe.yaml"), "--output", str(folder / "out")]
    try:
        curate()
    except SystemExit as finished:
        if finished.code:
            raise
    return folder / "out"


def read(corpus: Path, alpaca: int) -> Iterator[tuple[str, Messages]]:
    """Id and messages of every row that is not alpaca's, and the first `alpaca` of those."""
    for path in sorted((corpus / "data").glob("train-*.parquet")):
        for batch in pq.ParquetFile(path).iter_batches(columns=["id", "source", "messages"]):
            for row in batch.to_pylist():
                alpaca -= row["source"] == "alpaca_zh"
                if row["source"] != "alpaca_zh" or alpaca >= 0:
                    yield row["id"], row["messages"]


def compare(conversations: list[tuple[str, Messages]], every: int) -> None:
    """Print how many conversations differ, and both speeds."""
    renderer, oracle = mistral_v1(), Oracle()
    different = masks = tokens = refused = 0
    ours = theirs = 0.0
    for at in range(0, len(conversations), BATCH):
        batch = [messages for _, messages in conversations[at : at + BATCH]]
        seconds, results = timed(lambda batch=batch: renderer.attempt(batch))
        ours += seconds
        seconds, wholes = timed(lambda batch=batch: [oracle.ids(messages) for messages in batch])
        theirs += seconds
        for i, (result, ids) in enumerate(zip(results, wholes, strict=True)):
            if isinstance(result, Refused):
                refused += 1
                continue
            tokens += len(ids)
            wrong = result.input_ids != ids or ids.count(1) != 1
            if not (at + i) % every:
                masks += 1
                wrong = wrong or result.labels != oracle.labels(batch[i], ids)
            different += wrong
    print(f"{len(conversations):,} conversations, {tokens:,} tokens, masks of {masks:,} compared")
    print(f"different: {different}, refused: {refused}")
    for name, seconds in (("ours", ours), ("mistral-common", theirs)):
        rows = len(conversations) / seconds
        print(f"{name:15}{tokens / seconds:12,.0f} tokens/s {rows:9,.0f} rows/s")
    print(f"{'ratio':15}{theirs / ours:12.1f}")


def speed(corpus: Path, workers: int, cache: Path) -> None:
    """Print the speed of rendering all of it at 1024, other limits forecast, account closed."""
    rows = load_corpus(str(corpus)).train
    renderer, limits = mistral_v1(), Limits(1024)
    seconds, rendered = timed(lambda: render_corpus(rows, renderer, limits, cache, workers))
    tokens = rendered.account.whole
    print(f"{len(rows):,} conversations, {tokens:,} tokens, {workers} workers: {seconds:.1f} s,")
    print(f"  {len(rows) / seconds:,.0f} conversations/s, {tokens / seconds:,.0f} tokens/s")


def close(conversations: list[tuple[str, Messages]], carry: int) -> None:
    """Split at 1024 and print the account, which must close over what was counted apart."""
    renderer, limits = mistral_v1(), Limits(1024, "split", carry)
    total = account([])
    start = time.perf_counter()
    seen = 0
    for at in range(0, len(conversations), BATCH):
        ids, batch = zip(*conversations[at : at + BATCH], strict=True)
        done = cut(ids, batch, renderer, limits)
        seen += sum(len(part.input_ids) for one in done for part in one.parts)
        total = add(total, account(done))
    seconds = time.perf_counter() - start
    closes = total.whole == total.kept + total.dropped and seen == total.kept + total.repeated
    print(f"1024, carry {carry}: {'closes' if closes else 'DOES NOT CLOSE'} in {seconds:.0f} s")
    print(total.model_dump_json())


def timed(function: Callable[[], Any]) -> tuple[float, Any]:
    """Seconds and the result."""
    start = time.perf_counter()
    result = function()
    return time.perf_counter() - start, result


if __name__ == "__main__":
    main()
