"""The texts that the topic model learns from, with their labels."""

import functools
import importlib.resources
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import scipy.sparse as sp
import yaml
from numpy.typing import NDArray

from curation.stages.batch import Turns
from curation.stages.category.features import (
    Fields,
    Heads,
    field_counts,
    field_features,
    gram_features,
    heads,
)
from curation.stages.category.taxonomy import taxonomy
from curation.text.lexicon import Lexicon

#: What a word is worth to the teacher of unlabelled texts, by the name of its field.
STRENGTH = {"strong": 2.0, "weak": 0.4}
Messages = list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Row:
    """A labelled text: its class, and the topics that are right; the first is the strict one."""

    messages: Messages
    label: str
    topics: tuple[str, ...]


def document(name: str) -> Any:
    """A YAML file of this package."""
    text = importlib.resources.files(__package__).joinpath(name).read_text("utf-8")
    return yaml.safe_load(text)


def topic_set(data: Path, name: str, part: str) -> list[Row]:
    """`csldcp` or `tnews`, part `train` or `test`, without the classes that fit no topic."""
    mapping = document("topic_labels.yaml")[name]
    rows = []
    for record in _records(data / "topics" / f"{name}_{part}.json"):
        label = record.get("label_desc", record["label"])
        text = record.get("sentence") or record["content"]
        if label in mapping:
            rows.append(Row([("user", text)], label, tuple(mapping[label])))
    return rows


def judged(data: Path, part: str) -> list[Row]:
    """The instruction rows judged by reading, part `train` or `held_out`."""
    rows = []
    for file, labels in document("judged_rows.yaml")[part].items():
        records = _records(data / file)
        for number, label in labels.items():
            topics = tuple(label.split("/"))
            rows.append(Row(conversation(records[number]), topics[0], topics))
    return rows


def unjudged(data: Path) -> Iterator[Messages]:
    """Every third instruction row that nobody judged."""
    rows = document("judged_rows.yaml")
    for file in sorted(rows["train"]):
        seen = rows["train"][file] | rows["held_out"][file]
        records = _records(data / file)
        yield from (conversation(records[i]) for i in range(0, len(records), 3) if i not in seen)


def conversation(record: dict[str, Any]) -> Messages:
    """The messages of an Alpaca or ShareGPT record."""
    if "conversations" in record:
        roles = {"human": "user", "gpt": "assistant"}
        turns = record["conversations"]
        return [(roles[t["from"]], t["value"]) for t in turns if t["from"] in roles]
    given = record.get("input") or ""
    prompt = record["instruction"] + (f"\n{given}" if given not in ("", "无输入") else "")
    return [("user", prompt), ("assistant", record["output"] or "")]


def read_heads(conversations: list[Messages]) -> Heads:
    """What the model reads of them."""
    flat = [message for messages in conversations for message in messages]
    roles = pa.array([role for role, _ in flat], pa.string())
    contents = pa.array([text for _, text in flat], pa.string())
    sizes = [len(messages) for messages in conversations]
    return heads(Turns(roles, contents, np.cumsum([0, *sizes]).astype(np.int32)))


def features(conversations: list[Messages]) -> sp.csr_matrix:
    """(n, 2**BITS + fields): what the model sees, n-grams of all orders added up."""
    read = read_heads(conversations)
    fields = field_features(read, word_fields()[1])
    return sp.hstack([sum(gram_features(read)), fields]).tocsr()


@functools.cache
def word_fields() -> tuple[list[str], Fields]:
    """The words of `words.yaml`, and the field of each."""
    table = document("words.yaml")
    words = [(word, -1) for word in table["nothing"]]
    for number, listed in enumerate(table["fields"].values()):
        words += [(word, number) for word in listed]
    names, field = zip(*words, strict=True)
    return list(names), Fields(Lexicon(names), np.array(field, np.int16))


def evidence(conversations: list[Messages]) -> NDArray[np.float32]:
    """(n, 20) what the words of conversations say for each topic: the teacher of unlabelled texts.

    A field is named "<topic> <name>"; its words count by `STRENGTH`, or 1.
    """
    names = taxonomy().names
    fields = document("words.yaml")["fields"]
    weights = np.zeros((len(fields), len(names)), np.float32)
    for number, field in enumerate(fields):
        topic, _, name = field.partition(" ")
        weights[number, names.index(topic)] = STRENGTH.get(name, 1)
    counts = field_counts(read_heads(conversations), word_fields()[1])
    result: NDArray[np.float32] = counts @ weights
    return result


def _records(path: Path) -> list[dict[str, Any]]:
    """The records of a JSON array, or of JSON lines."""
    text = path.read_text("utf-8")
    if text.lstrip().startswith("["):
        records: list[dict[str, Any]] = json.loads(text)
        return records
    return [json.loads(line) for line in text.splitlines() if line.strip()]
