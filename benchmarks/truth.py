"""How alike two conversations are, by sets of strings and nothing cleverer.

Two texts are as alike as their sets of character 5-grams (Jaccard), after folding: width, case,
spacing, punctuation and script do not count, digits do; `curation.stages.dedup.text` has the list.
A text shorter than that is one gram, itself.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

from benchmarks.rows import Key, Row, batch_of
from curation.stages.dedup.text import compared_text, fold
from curation.text.codepoints import CodePoints

NGRAM = 5
KEYS: tuple[Key, ...] = ("prompt", "conversation")


@dataclass(frozen=True, slots=True)
class Pair:
    """Two planted rows of one family, whose kind is `kind`.

    jaccard: how alike they are, by key.
    length:  characters of the longer one, folded, by key.
    """

    first: int
    second: int
    kind: str
    jaccard: dict[Key, float]
    length: dict[Key, int]


def pairs_within(rows: Sequence[Row], families: Iterable[tuple[str, Sequence[int]]]) -> list[Pair]:
    """Every pair of rows of one family. families: the kind and the row numbers of each."""
    texts = {key: folded(rows, key) for key in KEYS}
    pairs = []
    for kind, members in families:
        sets = {key: {row: grams(texts[key][row]) for row in members} for key in KEYS}
        for a, b in combinations(sorted(members), 2):
            score = {key: jaccard(sets[key][a], sets[key][b]) for key in KEYS}
            length = {key: max(len(texts[key][a]), len(texts[key][b])) for key in KEYS}
            pairs.append(Pair(a, b, kind, score, length))
    return pairs


def folded(rows: Sequence[Row], key: Key) -> list[str]:
    """(n,) the folded text of each row that is compared under `key`."""
    texts = fold(CodePoints.of(compared_text(batch_of(rows), key)))
    text = texts.points.tobytes().decode("utf-32-le")
    return [text[start:end] for start, end in pairwise(texts.offsets.tolist())]


def grams(text: str) -> set[str]:
    """The set of character 5-grams."""
    return {text[i : i + NGRAM] for i in range(max(len(text) - NGRAM + 1, 1))}


def jaccard(first: set[str], second: set[str]) -> float:
    return len(first & second) / len(first | second)
