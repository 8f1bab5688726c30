"""The trained topic model: a softmax over classes, several of which belong to one topic.

`python -m curation.training.topics` made the weights that are shipped; docs/taxonomy.md says from
what, and how often they are right.
"""

import functools
import importlib.resources
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.stages.batch import Turns
from curation.stages.category.features import (
    Fields,
    Heads,
    field_features,
    gram_features,
    heads,
)
from curation.text.lexicon import Lexicon

FILE = importlib.resources.files(__package__).joinpath("model.npz")


@dataclass(frozen=True, slots=True)
class TopicModel:
    """Weights of k classes.

    grams:  (2**BITS, k) float32, for the hashed n-grams.
    fields: (f, k) float32, for the words of f fields.
    bias:   (k,) float32.
    starts: (20,) int64, the first class of each topic; classes are in the order of the topics.
    words:  the words of the fields.
    """

    grams: NDArray[np.float32]
    fields: NDArray[np.float32]
    bias: NDArray[np.float32]
    starts: NDArray[np.int64]
    words: Fields

    @classmethod
    def load(cls) -> "TopicModel":
        """The model shipped with this package: no pickle in it, weights as int8 and a scale."""
        with FILE.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            words = bytes(arrays["words"]).decode("utf-8").split("\n")
            return cls(
                grams=arrays["grams"] * arrays["gram_scale"],
                fields=arrays["fields"] * arrays["field_scale"],
                bias=arrays["bias"],
                starts=arrays["starts"],
                words=Fields(Lexicon(words), arrays["word_fields"]),
            )

    def probabilities(self, read: Heads) -> NDArray[np.float32]:
        """(n, 20) of each topic: the sum of what its classes have."""
        logits = field_features(read, self.words) @ self.fields + self.bias
        for features in gram_features(read):
            logits += features @ self.grams
        odds = np.exp(logits - logits.max(axis=1, keepdims=True))
        topics = np.add.reduceat(odds, self.starts, axis=1)
        result: NDArray[np.float32] = topics / topics.sum(axis=1, keepdims=True)
        return result


@functools.cache
def model() -> TopicModel:
    """The shipped model, loaded once."""
    return TopicModel.load()


def topic_probabilities(conversations: Turns) -> NDArray[np.float32]:
    """(n, 20) calibrated probability of each topic for each of n conversations."""
    return model().probabilities(heads(conversations))
