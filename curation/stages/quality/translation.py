"""The trained predictor of how well an exchange survived translation.

Bad rows of machine-translated Alpaca are those whose task lives in the other language (rhymes,
tenses, parts of speech, spelling), whose code was translated, or whose answer does not fit. A
linear model over hashed n-grams sees the task, boosted trees over counts and ratios see how the
answer relates to it. `python -m curation.training.quality` made the weights; docs/quality.md says
from what, and what the score means.
"""

import functools
import importlib.resources
from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.stages.batch import Turns
from curation.stages.quality.features import (
    ORDERS,
    Exchanges,
    Grams,
    field_grams,
    first_exchanges,
    surface,
    unlike_alpaca,
)
from curation.stages.quality.finding import Finding

TRANSLATION = "translation"  # the reason of what the model drops
FILE = importlib.resources.files(__package__).joinpath("translation.npz")
DECIMALS = 4  # of what is published: libraries may differ in the last bits of exp
#: Lowest score of what is unlike the rows in training. Of those set aside 7 % are bad, as many as
#: of the others that score 0.80 to 0.85; the AUC is the same for 0 to 0.85 and falls beyond.
UNKNOWN_SCORE = 0.85
_ROWS = 8192  # that the trees see at a time
_WORDS = 5  # n-grams that the evidence of a drop names


@dataclass(frozen=True, slots=True)
class TranslationModel:
    """Two models whose log-odds are added. Weights are whole numbers, so that sums are exact.

    grams:      (3, 2**BITS) int8, weight of each hashed n-gram in instruction, rest and answer.
    features:   (trees, 2**depth - 1) uint8, feature at each inner node, breadth first.
    thresholds: the same shape, float64: a larger value goes right.
    leaves:     (trees, 2**depth) int16, weight of each leaf.
    scales:     (3,) float64: of the gram weights, of the leaves, and what is added to both.
    """

    grams: NDArray[np.int8]
    features: NDArray[np.uint8]
    thresholds: NDArray[np.float64]
    leaves: NDArray[np.int16]
    scales: NDArray[np.float64]

    @classmethod
    def load(cls) -> "TranslationModel":
        """The model shipped with this package; no pickle in it."""
        with FILE.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return cls(**arrays)

    def scores(self, exchanges: Exchanges, grams: list[Grams]) -> NDArray[np.float64]:
        """(n,) score of each exchange in (0, 1)."""
        by_grams, by_trees, offset = self.scales
        log_odds = by_grams * self._linear(grams) + offset
        log_odds += by_trees * self._trees(surface(exchanges, grams)[1])
        scores: NDArray[np.float64] = np.round(1 / (1 + np.exp(-log_odds)), DECIMALS)
        unknown = unlike_alpaca(exchanges)
        scores[unknown] = np.maximum(scores[unknown], UNKNOWN_SCORE)
        return scores

    def _linear(self, grams: list[Grams]) -> NDArray[np.float64]:
        """Sum of the weights of each field over the root of the number of its n-grams."""
        total = np.zeros(grams[0][0].shape[0])
        for weights, field in zip(self.grams.astype(np.float64), grams, strict=True):
            number = sum(np.diff(counts.indptr) for counts in field)
            total += sum(counts @ weights for counts in field) / np.sqrt(np.maximum(number, 1))
        return total

    def _trees(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        blocks = [values[start : start + _ROWS] for start in range(0, len(values), _ROWS)]
        return np.concatenate([np.zeros(0, np.int64), *map(self._block, blocks)])

    def _block(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Sum of the leaves that each of few rows ends in."""
        by_feature = np.ascontiguousarray(values.T)
        total, rows = np.zeros(len(values), np.int64), np.arange(len(values))
        inner = self.features.shape[1]
        for features, thresholds, leaves in zip(
            self.features, self.thresholds, self.leaves, strict=True
        ):
            node = np.zeros(len(values), np.int64)
            while node.size and node[0] < inner:
                right = by_feature[features[node], rows] > thresholds[node]
                node = 2 * node + 1 + right
            total += leaves[node - inner]
        return total


@functools.cache
def model() -> TranslationModel:
    """The shipped model, loaded once."""
    return TranslationModel.load()


@dataclass(frozen=True, slots=True)
class Translations:
    """What the model says about n conversations.

    scores:  (n,) of the first exchange, in [0, 1]; 1 where there is none.
    factors: (n,) what it leaves of the quality: an exchange counts by its share of the answers.
    """

    scores: NDArray[np.float64]
    factors: NDArray[np.float64]
    exchanges: Exchanges
    grams: list[Grams]

    def finding(self, row: int, threshold: float) -> list[Finding]:
        """The exchange of a conversation as a finding, if it has one."""
        place = int(np.searchsorted(self.exchanges.rows, row))
        if place == len(self.exchanges.rows) or self.exchanges.rows[place] != row:
            return []
        turn, score = int(self.exchanges.turns[place]), float(self.scores[row])
        return [Finding(row, turn, TRANSLATION, score, threshold)]

    def words(self, row: int) -> list[str]:
        """The n-grams of a conversation that speak most against it, worst first."""
        place = int(np.searchsorted(self.exchanges.rows, row))
        weights: Counter[str] = Counter()
        for field, texts in enumerate(self.exchanges.fields):
            start = int(texts.offsets[place])
            for order, counts in zip(ORDERS, self.grams[field], strict=True):
                hashes = counts.indices[counts.indptr[place] : counts.indptr[place + 1]]
                for i, weight in enumerate(model().grams[field][hashes].tolist(), start):
                    points = texts.points[i : i + order]
                    weights["".join(map(chr, points))] -= weight
        return [gram for gram, weight in weights.most_common(_WORDS) if weight > 0]


def translations(flat: Turns) -> Translations:
    """Score the first exchange of every conversation: later ones lean on those before them."""
    exchanges = first_exchanges(flat)
    grams = field_grams(exchanges)
    scores = np.ones(len(flat.offsets) - 1)
    scores[exchanges.rows] = model().scores(exchanges, grams)
    is_answer = flat.roles.to_numpy(zero_copy_only=False) == "assistant"
    answers = np.bincount(flat.rows[is_answer], minlength=len(scores))
    factors = np.round(1 - (1 - scores) / np.maximum(answers, 1), DECIMALS)
    return Translations(scores, factors, exchanges, grams)
