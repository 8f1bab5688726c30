"""Train the translation model of the quality score.

    python -m curation.training.quality --data PATH

PATH holds `alpaca_zh/alpaca_zh_52k.json` and `quality/alpaca_zh_52k_translation_scores.csv` of
github.com/open-chinese/alpaca-chinese-dataset at 7ae6bb212f. Prompts that are alike share a fold; a
fifth of them is set aside and measured once, with a model that never saw it. What is written beside
the quality stage is then trained on all of them. Repeated, it writes the same file.
"""

import argparse
import csv
import hashlib
import re
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import orjson
import pyarrow as pa
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from curation.stages.batch import Turns
from curation.stages.quality.features import field_grams, first_exchanges, surface
from curation.stages.quality.translation import FILE, TranslationModel

FOLDS = 5
#: Weight of a row by its score: 3 is bad less surely than 1 and 2, and 4 says nothing.
WEIGHTS = np.array([0, 1, 1, 0.4, 0, 1])
#: Share of rows scored 5 below a score of 0.5.
DROPPED = 0.005
DEPTH, TREES = 4, 150
TREES_PER_LINEAR = 0.7  # log-odds of the trees for one of the linear model; 0.5 to 1.4 are alike


class Rows(NamedTuple):
    """The n scored rows: score 1 to 5, group of alike prompts, n-grams, surface features."""

    score: NDArray[np.int64]
    group: NDArray[np.int64]
    grams: sp.csr_matrix
    surface: NDArray[np.float64]

    def of(self, index: NDArray[Any]) -> "Rows":
        """Some of them."""
        return Rows(*(column[index] for column in self))


class Models(NamedTuple):
    """What is fitted: (3 * 2**BITS,) weights of the n-grams, and the trees."""

    weights: NDArray[np.float64]
    trees: HistGradientBoostingClassifier

    def log_odds(self, rows: Rows) -> NDArray[np.float64]:
        """(n,) of a good row, up to scale and offset."""
        trees: NDArray[np.float64] = self.trees.decision_function(rows.surface)
        linear: NDArray[np.float64] = rows.grams @ self.weights
        return linear + TREES_PER_LINEAR * trees


def exchanges(data: Path) -> tuple[NDArray[np.int64], list[str], list[str]]:
    """Score, prompt and answer of every scored row with an answer, in the order of the rows."""
    rows = orjson.loads((data / "alpaca_zh" / "alpaca_zh_52k.json").read_bytes())
    with (data / "quality" / "alpaca_zh_52k_translation_scores.csv").open() as file:
        scored = [(int(row), int(score)) for row, score in list(csv.reader(file))[1:] if score]
    scored = [(row, score) for row, score in scored if rows[row]["output"].strip()]
    taken = [rows[row] for row, _ in scored]
    prompts = ["\n".join(filter(None, (row["instruction"], row["input"]))) for row in taken]
    return np.array([score for _, score in scored]), prompts, [row["output"] for row in taken]


def conversations(prompts: list[str], answers: list[str]) -> Turns:
    """One conversation of two turns for each."""
    texts = [text for exchange in zip(prompts, answers, strict=True) for text in exchange]
    roles = ["user", "assistant"] * len(prompts)
    offsets = np.arange(0, len(texts) + 1, 2, dtype=np.int32)
    return Turns(pa.array(roles), pa.array(texts), offsets)


def read(data: Path) -> Rows:
    """The scored rows as features."""
    scores, prompts, answers = exchanges(data)
    read = first_exchanges(conversations(prompts, answers))
    grams = field_grams(read)
    fields = []
    for counts in grams:
        both = sum(counts[1:], start=counts[0])
        both.sum_duplicates()
        total = sum(np.diff(one.indptr) for one in counts)
        fields.append(sp.diags(1 / np.sqrt(np.maximum(total, 1))) @ both)
    alike = [re.sub(r"[\W\d_]", "", prompt.split("\n")[0])[:40] for prompt in prompts]
    group = np.array([_digest(key) for key in alike])
    return Rows(scores, group, sp.hstack(fields).tocsr(), surface(read, grams)[1])


def _digest(text: str) -> int:
    return int(hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()[:8], 16)


def fit(rows: Rows) -> Models:
    """Both models. Rare n-grams weigh more: log(n / rows with it), at most 3."""
    rows = rows.of(WEIGHTS[rows.score] > 0)
    good, weights = rows.score > 3, WEIGHTS[rows.score]
    rarity = _rarity(rows.grams)
    linear = LogisticRegression(C=0.5, tol=1e-4, max_iter=200)
    linear.fit(rows.grams @ sp.diags(rarity), good, sample_weight=weights)
    trees = HistGradientBoostingClassifier(
        max_iter=TREES,
        learning_rate=0.06,
        max_depth=DEPTH,
        max_leaf_nodes=None,
        l2_regularization=5,
        min_samples_leaf=20,
        max_features=0.15,
        max_bins=64,
        early_stopping=False,
        random_state=0,
    )
    trees.fit(rows.surface, good, sample_weight=weights)
    return Models(linear.coef_[0] * rarity, trees)


def _rarity(grams: sp.csr_matrix) -> NDArray[np.float64]:
    frequency = np.bincount(grams.indices, minlength=grams.shape[1])
    rarity = np.log((grams.shape[0] + 1) / (frequency + 1))
    scaled: NDArray[np.float64] = 3 * rarity / rarity.max()
    return scaled


def out_of_fold(rows: Rows) -> NDArray[np.float64]:
    """(n,) log-odds of each row by models that saw no prompt like its own."""
    fold = rows.group // FOLDS % FOLDS
    log_odds = np.zeros(len(fold))
    for number in range(FOLDS):
        log_odds[fold == number] = fit(rows.of(fold != number)).log_odds(rows.of(fold == number))
    return log_odds


class Calibration(NamedTuple):
    """scale * log-odds + offset are those of 5 against 1–2, but for the constant: see `calibrate`.

    At 0 lies `DROPPED` of the rows scored 5.
    """

    scale: float
    offset: float

    def apply(self, log_odds: NDArray[np.float64]) -> NDArray[np.float64]:
        """The log-odds of the score."""
        return self.scale * log_odds + self.offset


def calibrate(log_odds: NDArray[np.float64], score: NDArray[np.int64]) -> Calibration:
    """Platt's scaling, then moved so that 0.5 becomes a threshold that hardly drops good rows."""
    known = (score <= 2) | (score == 5)
    platt = LogisticRegression(C=1e6).fit(log_odds[known, None], score[known] == 5)
    scale = float(platt.coef_[0, 0])
    return Calibration(scale, -scale * float(np.quantile(log_odds[score == 5], DROPPED)))


def pack(models: Models, calibration: Calibration) -> TranslationModel:
    """What is shipped: weights as whole numbers of few bits."""
    gram_unit = float(np.quantile(np.abs(models.weights), 0.9999)) / 127
    grams = np.clip(np.round(models.weights / gram_unit), -127, 127).astype(np.int8)
    trees = [stage[0].nodes for stage in models.trees._predictors]
    features, thresholds, leaves = zip(*map(_complete, trees), strict=True)
    leaf_unit = float(np.abs(leaves).max()) / 32767
    base = float(models.trees._baseline_prediction.ravel()[0])
    per_tree = calibration.scale * TREES_PER_LINEAR
    scales = [
        calibration.scale * gram_unit,
        per_tree * leaf_unit,
        per_tree * base + calibration.offset,
    ]
    return TranslationModel(
        grams.reshape(3, -1),
        np.array(features, np.uint8),
        np.array(thresholds),
        np.round(np.array(leaves) / leaf_unit).astype(np.int16),
        np.array([float(f"{scale:.9g}") for scale in scales]),  # the rest is the machine's
    )


def _complete(nodes: NDArray[Any]) -> tuple[list[int], list[float], list[float]]:
    """Features, thresholds and leaves of a tree whose leaves all lie at `DEPTH`."""
    level, features, thresholds = [0], [], []
    for _ in range(DEPTH):
        below = []
        for at in level:
            node = nodes[at]
            features.append(0 if node["is_leaf"] else int(node["feature_idx"]))
            thresholds.append(np.inf if node["is_leaf"] else float(node["num_threshold"]))
            below += [at, at] if node["is_leaf"] else [int(node["left"]), int(node["right"])]
        level = below
    return features, thresholds, [float(nodes[at]["value"]) for at in level]


def report(name: str, log_odds: NDArray[np.float64], score: NDArray[np.int64]) -> None:
    """Print how well rows scored 5 and 1–2 come apart, with a bootstrap's 95 % interval."""
    best, bad = log_odds[score == 5], log_odds[score <= 2]
    draw = np.random.default_rng(0).choice
    sampled = [_auc(draw(best, len(best)), draw(bad, len(bad))) for _ in range(500)]
    low, high = np.quantile(sampled, [0.025, 0.975])
    print(f"{name}: AUC {_auc(best, bad):.4f} ({low:.4f} to {high:.4f})", end=", ")  # noqa: T201
    print(f"below 0.5: {(best < 0).mean():.2%} of 5, {(bad < 0).mean():.2%} of 1-2")  # noqa: T201


def _auc(best: NDArray[np.float64], bad: NDArray[np.float64]) -> float:
    truth = np.repeat([1, 0], [len(best), len(bad)])
    return float(roc_auc_score(truth, np.concatenate([best, bad])))


def main() -> None:
    """Measure with a fifth aside, then train on everything and write the model."""
    parser = argparse.ArgumentParser(description="Train the translation model.")
    parser.add_argument("--data", type=Path, required=True, help="folder of alpaca_zh and quality")
    parser.add_argument("--output", type=Path, default=FILE, help="the model, an .npz")
    options = parser.parse_args()
    rows = read(options.data)
    aside = rows.group % FOLDS == 0
    training, test = rows.of(~aside), rows.of(aside)
    log_odds = out_of_fold(training)
    calibration = calibrate(log_odds, training.score)
    report("cross-validated", calibration.apply(log_odds), training.score)
    report("set aside", calibration.apply(fit(training).log_odds(test)), test.score)
    log_odds = out_of_fold(rows)
    calibration = calibrate(log_odds, rows.score)
    report("all, cross-validated", calibration.apply(log_odds), rows.score)
    np.savez_compressed(options.output, **asdict(pack(fit(rows), calibration)))


if __name__ == "__main__":
    main()
