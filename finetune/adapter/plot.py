"""The losses of a training as a picture."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from finetune.adapter.record import Loss, TrainingRecord

_BLUE, _ORANGE, _GREY, _GREEN = "#3b6ea8", "#d9702b", "#8a8a8a", "#2e8b57"
_METADATA = {"Software": None, "Creation Time": None}  # the same record gives the same bytes


def plot_losses(record: TrainingRecord, path: Path) -> None:
    """Draw training and validation loss and, below them, the learning rate; PNG, under 100 KB.

    Labels are English: a picture with Chinese text needs a font that servers do not have.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # needs no display
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7.2, 4.8), dpi=100, layout="constrained")
    FigureCanvasAgg(figure)
    losses, rates = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    _draw_train(losses, _points(record.losses, "train"))
    _draw_validation(losses, _points(record.losses, "validation"), record.best_step)
    _draw_rates(rates, _points(record.losses, "learning_rate"))
    rates.xaxis.get_major_locator().set_params(integer=True)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, format="png", metadata=_METADATA)


Points = tuple[list[int], list[float]]  # steps, values


def _points(losses: Sequence[Loss], field: str) -> Points:
    found = [(loss.step, getattr(loss, field)) for loss in losses]
    found = sorted((step, value) for step, value in found if value is not None)
    return [step for step, _ in found], [value for _, value in found]


def smooth(values: Sequence[float]) -> list[float]:
    """Means weighted by a Gaussian of 1/40 of the length; unlike a running mean it does not lag."""
    if not values:
        return []
    width = max(1.0, len(values) / 40)
    reach = min(len(values), int(4 * width) + 1)
    kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
    padded = np.pad(np.asarray(values, dtype=float), reach)
    present = np.pad(np.ones(len(values)), reach)
    sums = np.convolve(padded, kernel, "valid"), np.convolve(present, kernel, "valid")
    return [float(value) for value in sums[0] / sums[1]]


def _draw_train(axes: Any, points: Points) -> None:
    steps, values = points
    axes.plot(steps, values, ".", color=_BLUE, alpha=0.3, markersize=4, label="training")
    axes.plot(steps, smooth(values), color=_BLUE, linewidth=1.6, label="training, smoothed")


def _draw_validation(axes: Any, points: Points, best: int | None) -> None:
    steps, values = points
    if steps:
        axes.plot(steps, values, "o-", color=_ORANGE, markersize=5, label="validation")
    if best is not None:
        axes.axvline(best, color=_GREEN, linestyle="--", linewidth=1, label=f"best step: {best}")
    axes.set_ylabel("loss per token (nats)")
    axes.grid(alpha=0.25)
    axes.legend(frameon=False)


def _draw_rates(axes: Any, points: Points) -> None:
    steps, values = points
    axes.plot(steps, values, color=_GREY, linewidth=1.4)
    axes.set_ylabel("learning rate")
    axes.set_xlabel("step")
    axes.set_ylim(bottom=0)
    axes.ticklabel_format(axis="y", style="sci", scilimits=(0, 0))
    axes.grid(alpha=0.25)
