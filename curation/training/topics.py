"""Train the topic model and measure it: `python -m curation.training.topics --data PATH`.

PATH holds the files that `topic_data` names; scikit-learn is needed (the extra `dev`). The same
data and versions give the same bytes. `--measure` only measures the model that is shipped.
"""

import argparse
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from sklearn.linear_model import LogisticRegression

from curation.stages.category.features import BITS
from curation.stages.category.model import FILE
from curation.stages.category.taxonomy import taxonomy
from curation.training.short_rows import asked_words, listed_words, quoted_texts, written_rows
from curation.training.topic_data import (
    Row,
    evidence,
    features,
    judged,
    topic_set,
    unjudged,
    word_fields,
)
from curation.training.topic_report import report

GRAMS = 1 << BITS
# Chosen by three-fold cross-validation on the training rows: docs/taxonomy.md.
INVERSE_PENALTY = 10.0
STEPS = 25  # of L-BFGS: stopping early is a penalty too
FIELD_SCALE = 0.2  # of the words' features against the n-grams'
JUDGED_WEIGHT = 2.0
WRITTEN_WEIGHT = 0.5
TAUGHT_WEIGHT = 0.3
LISTED_WEIGHT = 0.3
ASKED_WEIGHT = 0.05
QUOTED_WEIGHT = 0.1
TAUGHT_SCORE = 0.5  # of the share of all evidence and 1 more
TAUGHT_ROWS = 200  # of each topic
LEAST_TEXTS = 4  # labelled ones that an n-gram must be in
PRUNED = 0.5  # share of the n-gram weights, the smallest, that are left out
FOLDS = 3
LEAST_LIKELY = 1e-9  # of a topic whose only class was left out


def main() -> None:
    """Train, unless `--measure` is given; then print the tables of docs/taxonomy.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--measure", action="store_true")
    arguments = parser.parse_args()
    if not arguments.measure:
        train(arguments.data)
    print(report(arguments.data))  # noqa: T201


def train(data: Path) -> None:
    """Fit, calibrate, quantise and write the model into the package."""
    labelled, others = _labelled(data), _others(data)
    groups = labelled + others
    rows = [row for group, _ in groups for row in group]
    weights = np.repeat([weight for _, weight in groups], [len(group) for group, _ in groups])
    count = sum(len(group) for group, _ in labelled)
    matrix, columns = _columns(features([row.messages for row in rows]), count)
    sharpness = _sharpness(matrix, rows, weights, count)
    _write(_fit(matrix, rows, weights), rows, columns, sharpness)


def _labelled(data: Path) -> list[tuple[list[Row], float]]:
    """The rows that somebody labelled, and what each counts."""
    read = [row for row in judged(data, "train") if row.topics[0] in taxonomy().names]
    return [
        (topic_set(data, "csldcp", "train"), 1.0),
        (divided(topic_set(data, "tnews", "train")), 1.0),
        (read, JUDGED_WEIGHT),
        (written_rows("train"), WRITTEN_WEIGHT),
    ]


def _others(data: Path) -> list[tuple[list[Row], float]]:
    """Rows made of words and by them, and what each counts."""
    return [
        (taught_rows(data), TAUGHT_WEIGHT),
        (listed_words(), LISTED_WEIGHT),
        (asked_words(), ASKED_WEIGHT),
        (quoted_texts(), QUOTED_WEIGHT),
    ]


def divided(rows: list[Row]) -> list[Row]:
    """`rows` with a class of its own for each topic that their label may mean.

    "Culture" is art or history: what the words of a text say decides, and in doubt the first.
    """
    names = taxonomy().names
    result = []
    for row, found in zip(rows, evidence([row.messages for row in rows]), strict=True):
        topic = max(row.topics, key=lambda name: found[names.index(name)])
        topics = (topic, *(other for other in row.topics if other != topic))
        result.append(Row(row.messages, f"{row.label}/{topic}", topics))
    return result


def taught_rows(data: Path) -> list[Row]:
    """Instruction rows labelled by the words in them, where these agree."""
    conversations = list(unjudged(data))
    found = evidence(conversations)
    topics, scores = found.argmax(axis=1), found.max(axis=1) / (found.sum(axis=1) + 1)
    rows = []
    for number, name in enumerate(taxonomy().names):
        chosen = np.flatnonzero((topics == number) & (scores >= TAUGHT_SCORE))[:TAUGHT_ROWS]
        rows += [Row(conversations[i], name, (name,)) for i in chosen]
    return rows


def _columns(matrix: sp.csr_matrix, labelled: int) -> tuple[sp.csr_matrix, NDArray[np.int64]]:
    """The matrix of the n-grams that are common enough and of the fields; those n-grams."""
    common = matrix[:labelled, :GRAMS].getnnz(axis=0) >= LEAST_TEXTS
    columns = np.flatnonzero(common)
    both = [matrix[:, :GRAMS][:, columns], matrix[:, GRAMS:] * FIELD_SCALE]
    return sp.hstack(both).tocsr().astype(np.float32), columns


def _fit(
    matrix: sp.csr_matrix, rows: list[Row], weights: NDArray[np.float64]
) -> LogisticRegression:
    labels = [row.label for row in rows]
    fit = LogisticRegression(C=INVERSE_PENALTY, max_iter=STEPS)
    return fit.fit(matrix, labels, sample_weight=weights)


def _sharpness(
    matrix: sp.csr_matrix, rows: list[Row], weights: NDArray[np.float64], labelled: int
) -> float:
    """What to multiply the logits by, so that right topics are likeliest in rows left out."""
    fold = np.random.default_rng(0).integers(0, FOLDS, len(rows))
    fold[labelled:] = FOLDS  # taught rows teach in every fold
    classes = np.unique([row.label for row in rows])
    parts = []
    for left_out in range(FOLDS):
        seen, rest = np.flatnonzero(fold != left_out), np.flatnonzero(fold == left_out)
        fit = _fit(matrix[seen], [rows[i] for i in seen], weights[seen])
        logits = np.full((len(rest), len(classes)), -np.inf)  # of a class that only they have
        logits[:, np.isin(classes, fit.classes_)] = fit.decision_function(matrix[rest])
        right = _right_classes(classes, rows, [rows[i] for i in rest])
        parts.append((logits, right, weights[rest]))
    logits, right, weight = (np.concatenate(part) for part in zip(*parts, strict=True))

    def surprise(factor: float) -> float:
        odds = np.exp((logits - logits.max(axis=1, keepdims=True)) * factor)
        likely = (odds * right).sum(axis=1) / odds.sum(axis=1)
        return float(-(np.log(np.maximum(likely, LEAST_LIKELY)) * weight).sum())

    return float(minimize_scalar(surprise, bounds=(0.5, 5), method="bounded").x)


def _topic_of(rows: list[Row]) -> dict[str, str]:
    """Class → topic."""
    return {row.label: row.topics[0] for row in rows}


def _right_classes(
    classes: NDArray[np.str_], rows: list[Row], asked: list[Row]
) -> NDArray[np.bool_]:
    """(n, k) whether a class belongs to a topic that is right for each row asked."""
    topic_of = _topic_of(rows)
    topics = [topic_of[label] for label in classes]
    return np.array([[topic in row.topics for topic in topics] for row in asked])


def _write(
    fit: LogisticRegression, rows: list[Row], columns: NDArray[np.int64], sharpness: float
) -> None:
    """The model as int8 with a scale, its classes in the order of the topics."""
    topic = np.array([taxonomy().names.index(_topic_of(rows)[label]) for label in fit.classes_])
    order = np.argsort(topic, kind="stable")
    weights = fit.coef_[order].T * sharpness
    grams = np.zeros((GRAMS, len(order)))
    grams[columns] = _pruned(weights[: len(columns)])
    small, gram_scale = _quantised(grams)
    fields, field_scale = _quantised(weights[len(columns) :] * FIELD_SCALE)
    words, known = word_fields()
    np.savez_compressed(
        str(FILE),
        grams=small,
        gram_scale=gram_scale,
        fields=fields,
        field_scale=field_scale,
        bias=(fit.intercept_[order] * sharpness).astype(np.float32),
        starts=np.searchsorted(topic[order], np.arange(len(taxonomy().names))),
        words=np.frombuffer("\n".join(words).encode(), np.uint8),
        word_fields=known.field,
    )


def _pruned(weights: NDArray[np.float64]) -> NDArray[np.float64]:
    """`weights` without the smallest."""
    return np.where(np.abs(weights) < np.quantile(np.abs(weights), PRUNED), 0, weights)


def _quantised(weights: NDArray[np.float64]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """`weights` as int8, and what each class's are to be multiplied by."""
    scale = np.abs(weights).max(axis=0) / 127
    return np.round(weights / scale).astype(np.int8), scale.astype(np.float32)


if __name__ == "__main__":
    main()
