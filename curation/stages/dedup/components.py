"""Connected components of the candidate graph: texts that share a band, directly or through others.

Whatever duplicates whom, both stand in one component; so components can be settled one by one, and
none may be divided between training and validation.
"""

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components


class Components:
    """Components of n texts, joined by links that arrive in portions. Holds 4 bytes a text."""

    def __init__(self, n: int) -> None:
        self._labels = np.arange(n, dtype=np.int32)

    def join(self, one: NDArray[np.int64], other: NDArray[np.int64]) -> None:
        """Put `one[i]` and `other[i]` into the same component."""
        if len(one) == 0:
            return
        n = int(self._labels.max()) + 1
        ends = (self._labels[one], self._labels[other])
        graph = coo_array((np.ones(len(one), bool), ends), shape=(n, n))
        _, merged = connected_components(graph, directed=False)
        self._labels = merged.astype(np.int32)[self._labels]

    @property
    def labels(self) -> NDArray[np.int32]:
        """(n,) the component of each text, numbered from 0."""
        return self._labels
