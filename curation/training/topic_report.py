"""How often the shipped topic model is right: the tables of docs/taxonomy.md."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score

from curation.stages.category.model import model
from curation.stages.category.taxonomy import taxonomy
from curation.training.short_rows import written_rows
from curation.training.topic_data import Row, judged, read_heads, topic_set
from schemas.recipe import Category

COVERAGES = (1.0, 0.9, 0.8, 0.7, 0.6, 0.5)
STEPS = np.linspace(0, 1, 11)


class Measured:
    """A set's rows with what the model says of them."""

    def __init__(self, rows: list[Row]) -> None:
        names = taxonomy().names
        found = model().probabilities(read_heads([row.messages for row in rows]))
        self.scores: NDArray[np.float32] = found.max(axis=1)
        said = [names[i] for i in found.argmax(axis=1)]
        pairs = list(zip(said, rows, strict=True))
        self.right = np.array([name in row.topics for name, row in pairs])
        self.strict = np.array([name == row.topics[0] for name, row in pairs])
        # For F1: a topic that is right as well counts as the row's own.
        self.said = np.array(said)
        self.gold = np.array([name if name in row.topics else row.topics[0] for name, row in pairs])
        self.first = np.array([row.topics[0] for row in rows])

    def line(self, name: str, threshold: float) -> str:
        """A row of the table for scores from `threshold`."""
        on = self.scores >= threshold
        loose = f1_score(self.gold[on], self.said[on], average="macro", labels=self._topics(on))
        strict = f1_score(self.first[on], self.said[on], average="macro", labels=self._topics(on))
        figures = self.right[on].mean(), self.strict[on].mean(), loose, strict
        shares = " | ".join(f"{figure:.3f}" for figure in figures)
        return f"| {name} | {threshold:.2f} | {on.mean():.1%} | {shares} |"

    def _topics(self, on: NDArray[np.bool_]) -> list[str]:
        """The topics that the set has."""
        return sorted(set(self.first[on]) & set(taxonomy().names))

    def reliability(self, name: str) -> str:
        """Share right by score, and the expected calibration error of it."""
        place = np.clip(np.digitize(self.scores, STEPS) - 1, 0, 9)
        cells, error = [], 0.0
        for step in range(1, 10):
            on = place == step
            share = self.right[on].mean() if on.any() else float("nan")
            cells.append(f"{share:.2f} ({on.sum()})" if on.any() else "")
            error += abs(self.right[on].sum() - self.scores[on].sum()) / len(place)
        return f"| {name} | {' | '.join(cells)} | {error:.3f} |"


def report(data: Path) -> str:
    """Accuracy at coverages and at the default threshold, and reliability, as Markdown."""
    csldcp, tnews = topic_set(data, "csldcp", "test"), topic_set(data, "tnews", "test")
    sets = {
        "CSLDCP": Measured(csldcp),
        "TNEWS": Measured(tnews),
        "both": Measured(csldcp + tnews),
        "instructions": Measured(judged(data, "held_out")),
        "short": Measured(written_rows("held_out")),
    }
    lines = [
        "| rows | score from | covered | right | strict | macro-F1 | strict macro-F1 |",
        "|---|---|---|---|---|---|---|",
    ]
    for name, measured in sets.items():
        ordered = np.sort(measured.scores)[::-1]
        thresholds = {float(ordered[int(c * len(ordered)) - 1]) for c in COVERAGES}
        thresholds.add(Category().min_score)
        lines += [measured.line(name, threshold) for threshold in sorted(thresholds)]
    heads = " | ".join(f"{low:.1f}–" for low in STEPS[1:-1])
    lines += ["", f"| rows | {heads} | error |", "|---" * 11 + "|"]
    lines += [measured.reliability(name) for name, measured in sets.items()]
    return "\n".join(lines)
