"""Sets and ranges of numbers as arrays."""

import numpy as np
from numpy.typing import NDArray


def distinct(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """The sorted set of `values`, none of them negative. np.unique hashes: five times the time."""
    ordered = np.sort(values)
    kept: NDArray[np.int64] = ordered[np.diff(ordered, prepend=-1) != 0]
    return kept


def ranges(first: NDArray[np.integer], last: NDArray[np.integer]) -> NDArray[np.int64]:
    """The numbers from each `first` to before each `last`, one range after the other."""
    lengths = (last - first).astype(np.int64)
    return np.arange(lengths.sum()) + np.repeat(last - np.cumsum(lengths), lengths)


def covered(
    first: NDArray[np.integer], last: NDArray[np.integer], length: int
) -> NDArray[np.bool_]:
    """(length,) whether each number below `length` lies in one of the ranges."""
    change = np.bincount(first, minlength=length + 1) - np.bincount(last, minlength=length + 1)
    inside: NDArray[np.bool_] = np.cumsum(change[:length]) > 0
    return inside
