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
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import yaml
from mistral_common.protocol.instruct.messages import AssistantMessage, SystemMessage, UserMessage
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.protocol.instruct.validator import ValidationMode
from mistral_common.tokens.tokenizers.instruct import InstructTokenizerV1
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

from curation.cli import main as curate
from finetune.corpus import load_corpus
from finetune.rendering.cache import render_corpus
from finetune.rendering.mistral import mistral_v1
from finetune.rendering.processes import cores, in_order
from finetune.rendering.rendered import IGNORED, Refused
from finetune.rendering.split import Limits, account, add, cut

SHARED = Path(__file__).parents[2] / "shared" / "data"
SOURCES = {"sharegpt": "sharegpt/*.json*", "alpaca_zh": "alpaca_zh/*.json"}
MESSAGES = {"system": SystemMessage, "user": UserMessage, "assistant": AssistantMessage}
BATCH = 1000
Messages = list[dict[str, str]]


class Turns(InstructTokenizerV1):  # type: ignore[type-arg]
    """mistral-common's tokenizer, which tells what it made of each message it put into the whole:
    how many tokens, and whether they are an answer with its end.
    """

    def __init__(self, tokenizer: Any) -> None:
        super().__init__(tokenizer)
        self.turns: list[tuple[int, bool]] = []

    def encode_user_message(self, *arguments: Any, **named: Any) -> Any:
        """As it is, noted."""
        made = super().encode_user_message(*arguments, **named)
        self.turns.append((len(made[0]), False))
        return made

    def encode_assistant_message(self, *arguments: Any, **named: Any) -> list[int]:
        """As it is, noted."""
        made: list[int] = super().encode_assistant_message(*arguments, **named)
        self.turns.append((len(made), True))
        return made


class Oracle:
    """mistral-common, as it is used for fine-tuning. Growing prefixes give the same masks
    (tests/finetune/oracle.py does it so), but a conversation of n rounds n times.
    """

    def __init__(self) -> None:
        path = str(Path(MistralTokenizer._data_path()) / "tokenizer.model.v1")
        plain = MistralTokenizer.from_file(path, mode=ValidationMode.finetuning)
        self.turns = Turns(plain.instruct_tokenizer.tokenizer)
        self.whole = MistralTokenizer(
            self.turns,
            validator=plain._chat_completion_request_validator,
            request_normalizer=plain._instruct_request_normalizer,
        )

    def render(self, messages: Messages) -> tuple[list[int], list[int]]:
        """Tokens of a conversation and its mask."""
        listed = [MESSAGES[m["role"]](content=m["content"]) for m in messages]
        self.turns.turns.clear()
        ids: list[int] = self.whole.encode_chat_completion(
            ChatCompletionRequest(messages=listed)
        ).tokens
        labels = [IGNORED]
        for length, answer in self.turns.turns:
            at = len(labels)
            labels += ids[at : at + length] if answer else [IGNORED] * length
        return ids, labels


def main() -> None:
    """Run all of it and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, help="a finished corpus; default: made of SHARED")
    parser.add_argument("--alpaca", type=int, default=20_000, help="rows of alpaca")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        corpus = arguments.corpus or curated(Path(folder))
        for workers in sorted({1, cores()}):
            speed(corpus, workers, Path(folder) / f"cache-{workers}")
        conversations = list(read(corpus, arguments.alpaca))
    compare(conversations)
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


class Compared(NamedTuple):
    """What a batch gave, or all of them."""

    tokens: int = 0
    learned: int = 0
    different: int = 0
    refused: int = 0
    ours: float = 0.0  # seconds
    theirs: float = 0.0


def compare(conversations: list[tuple[str, Messages]]) -> None:
    """Print how many conversations differ in a token or a label, and the speed of one process."""
    batches = (
        [messages for _, messages in conversations[at : at + BATCH]]
        for at in range(0, len(conversations), BATCH)
    )
    rows = len(conversations)
    total = Compared(*map(sum, zip(*in_order(compared, batches, cores()), strict=True)))
    print(f"{rows:,} conversations, {total.tokens:,} tokens, {total.learned:,} of them learned:")
    print(f"ids and masks different: {total.different}, refused: {total.refused}")
    for name, seconds in (("ours", total.ours), ("mistral-common", total.theirs)):
        print(f"{name:15}{total.tokens / seconds:12,.0f} tokens/s {rows / seconds:9,.0f} rows/s")
    print(f"{'ratio':15}{total.theirs / total.ours:12.1f}")


def compared(batch: list[Messages]) -> Compared:
    """Ids and masks of a batch, by both."""
    renderer, oracle = mistral_v1(), the_oracle()
    ours, results = timed(lambda: renderer.attempt(batch))
    theirs, wholes = timed(lambda: [oracle.render(messages) for messages in batch])
    tokens = learned = different = refused = 0
    for result, (ids, labels) in zip(results, wholes, strict=True):
        if isinstance(result, Refused):
            refused += 1
            continue
        tokens += len(ids)
        learned += result.trained
        different += (result.input_ids, result.labels) != (ids, labels) or ids.count(1) != 1
    return Compared(tokens, learned, different, refused, ours, theirs)


@cache
def the_oracle() -> Oracle:
    """One per process."""
    return Oracle()


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
