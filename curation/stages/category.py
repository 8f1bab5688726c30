"""Topic tagging: the record's own tag where it names a topic, else a keyword lexicon.

Topics, words and weights are data, in `taxonomy.yaml`; docs/taxonomy.md tells what they mean, how
the score is made and how often it is right.
"""

import functools
import importlib.resources
import re
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml
from numpy.typing import NDArray

from curation.stages.batch import StageResult, Turns, turns
from curation.text.codepoints import CodePoints
from curation.text.lexicon import Lexicon
from schemas.recipe import Category

OTHER = "Other"

# A topic shows early, and what follows in a long conversation blurs it: of each message the first
# `WINDOW` characters are read, and only messages within the first `REACH` of these.
WINDOW = 400
REACH = 800
ANSWER_WEIGHT = 0.5  # of a word in an answer, against 1 in a user's turn
#: Evidence that every text is taken to hold for no topic at all. Of 1, 2 and 3 the value whose
#: score is nearest to the chance of being right on labelled text: docs/taxonomy.md.
PRIOR = 1.0


@dataclass(frozen=True, slots=True)
class Topic:
    """One of the 20 topics.

    tags:  words of a record's own category that mean this topic.
    words: keyword → weight.
    """

    name: str
    chinese: str
    description: str
    tags: tuple[str, ...]
    words: dict[str, float]


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """The topics in the order that breaks ties, and the phrases that speak for none of them."""

    topics: tuple[Topic, ...]
    ignore: tuple[str, ...]


@functools.cache
def taxonomy() -> Taxonomy:
    """The taxonomy shipped with this package."""
    file = importlib.resources.files("curation").joinpath("stages", "taxonomy.yaml")
    document = yaml.safe_load(file.read_text("utf-8"))
    weights = document["weights"]
    topics = tuple(
        Topic(
            name=topic["name"],
            chinese=topic["chinese"],
            description=topic["description"],
            tags=tuple(topic["tags"]),
            words={word: weight for kind, weight in weights.items() for word in topic[kind]},
        )
        for topic in document["topics"]
    )
    return Taxonomy(topics, tuple(document["ignore"]))


def category(batch: pa.RecordBatch, config: Category) -> StageResult:
    """Name the topic of each conversation: columns `category` and `category_score` in [0, 1].

    A row whose `source_category` names a topic has that topic with score 1. Elsewhere the text
    decides; `Other` is a row that scores below `config.min_score`, and keeps its score.
    """
    names = np.array([topic.name for topic in taxonomy().topics] + [OTHER])
    scores = topic_scores(turns(batch))
    best = scores.argmax(axis=1)
    score = scores[np.arange(len(best)), best]
    best[(score < config.min_score) | (score == 0)] = len(names) - 1
    chosen = names[best].tolist()
    for row, tag in enumerate(batch.column("source_category").to_pylist()):
        if tag and (name := normalise_tag(tag)):
            chosen[row], score[row] = name, 1.0
    columns = {
        "category": pa.array(chosen, pa.string()),
        "category_score": pa.array(score, pa.float32()),
    }
    return StageResult(columns)


def normalise_tag(text: str) -> str | None:
    """The topic that a record's own category means, or None.

    The first word or phrase of the tag table decides; what is not in it ("Category tag:", numbers,
    quotes, tasks such as "Brainstorming") is passed over.
    """
    pattern, names = _tag_table()
    found = (names[match[0].lower()] for match in pattern.finditer(" ".join(text.split())))
    return next(filter(None, found), None)


def topic_scores(conversations: Turns) -> NDArray[np.float64]:
    """(n, 20) score of each topic for each of n conversations: its evidence / (all + `PRIOR`).

    The evidence for a topic is the summed weight of the different words of it in the user's turns,
    plus `ANSWER_WEIGHT` times the same for the answers.
    """
    evidence = _evidence(conversations)
    scores: NDArray[np.float64] = evidence / (evidence.sum(axis=1, keepdims=True) + PRIOR)
    return scores


def _evidence(conversations: Turns) -> NDArray[np.float64]:
    """(n, 20) summed weights."""
    lexicon, topic_of, weights = _lexicon()
    size = len(conversations.offsets) - 1, len(taxonomy().topics)
    read = _read(conversations)
    heads = pc.utf8_slice_codeunits(conversations.contents.take(read), 0, WINDOW)
    hits = lexicon.find(CodePoints.of(heads))
    answer = pc.equal(conversations.roles, "assistant").to_numpy(zero_copy_only=False)
    message = read[hits.texts]
    row, side = conversations.rows[message], answer[message]
    # A word counts once for each side of a conversation, however often it is said.
    once = np.unique((row * 2 + side) * len(weights) + hits.words)
    word, row, side = once % len(weights), once // len(weights) // 2, once // len(weights) % 2
    cells = row * size[1] + topic_of[word]
    weight = weights[word] * np.where(side, ANSWER_WEIGHT, 1.0)
    return np.bincount(cells, weight, size[0] * size[1]).reshape(size).astype(np.float64)


def _read(conversations: Turns) -> NDArray[np.int64]:
    """The messages whose heads are read: user and assistant turns, early in their conversation."""
    spoken = pc.not_equal(conversations.roles, "system").to_numpy(zero_copy_only=False)
    lengths = pc.utf8_length(conversations.contents).to_numpy(zero_copy_only=False)
    total = np.concatenate([[0], np.cumsum(np.minimum(lengths, WINDOW) * spoken)])
    before = total[:-1] - total[conversations.offsets[:-1]][conversations.rows]
    return np.flatnonzero(spoken & (before < REACH))


@functools.cache
def _lexicon() -> tuple[Lexicon, NDArray[np.int64], NDArray[np.float64]]:
    """All words; the topic and the weight of each. Ignored phrases weigh nothing."""
    topics, ignore = taxonomy().topics, taxonomy().ignore
    rows = [
        (word, number, weight)
        for number, topic in enumerate(topics)
        for word, weight in topic.words.items()
    ]
    rows += [(phrase, 0, 0.0) for phrase in ignore]
    words, topic_of, weights = zip(*rows, strict=True)
    return Lexicon(words), np.array(topic_of), np.array(weights)


@functools.cache
def _tag_table() -> tuple[re.Pattern[str], dict[str, str | None]]:
    """A pattern of all tags, longest first, and what each means; None for ignored phrases."""
    names: dict[str, str | None] = {phrase.lower(): None for phrase in taxonomy().ignore}
    names |= {tag: topic.name for topic in taxonomy().topics for tag in topic.tags}
    longest_first = sorted(names, key=len, reverse=True)
    words = "|".join(
        rf"(?<![a-z]){re.escape(tag)}(?![a-z])" if tag.isascii() else re.escape(tag)
        for tag in longest_first
    )
    return re.compile(words, re.IGNORECASE), names
