"""The bins of the histograms in the statistics."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

_DOUBLING = (0.0, *(float(2**power) for power in range(3, 16)))

#: Measure → where each bin begins; the last one is open.
EDGES: dict[str, tuple[float, ...]] = {
    "characters": _DOUBLING,
    "tokens": _DOUBLING,
    "quality": tuple(round(0.05 * step, 2) for step in range(20)),
}


def binned(measure: str, values: ArrayLike) -> list[int]:
    """How many of `values` (n,) lie in each bin of `measure`; missing ones (NaN) in none."""
    # In the precision of the scores: a float32 of 0.15 lies in the bin that begins at 0.15.
    numbers = np.asarray(values, np.float32)
    edges = np.asarray(EDGES[measure], np.float32)
    places = np.searchsorted(edges, numbers[~np.isnan(numbers)], side="right") - 1
    return [int(count) for count in np.bincount(places, minlength=len(edges))]


def added(counts: Sequence[Sequence[int]], measure: str) -> list[int]:
    """The sum of several histograms of one measure."""
    return [sum(column) for column in zip(*counts, strict=True)] or [0] * len(EDGES[measure])
