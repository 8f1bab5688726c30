"""Who stays: a greedy pass in order of preference, so that no unlike texts are chained.

The best row of all stays and takes with it only rows within the threshold of itself; then the best
of the rest; and so on. Hence every dropped row is a verified duplicate of a row that is kept.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.stages.dedup.candidates import candidates


@dataclass(frozen=True, slots=True)
class Duplicates:
    """One entry per dropped row, in row order.

    row, survivor: (d,) int64 rows of the corpus.
    jaccard: (d,) float64, the exact Jaccard of the two.
    exact:   (d,) bool, true where the folded texts are equal.
    """

    row: NDArray[np.int64]
    survivor: NDArray[np.int64]
    jaccard: NDArray[np.float64]
    exact: NDArray[np.bool_]


#: Given (p, 2) pairs of rows, their exact Jaccard, (p,).
Verify = Callable[[NDArray[np.int64]], NDArray[np.float64]]


def find_duplicates(
    digests: NDArray[np.void],
    signatures: NDArray[np.uint32],
    preference: NDArray[np.int64],
    threshold: float,
    verify: Verify,
) -> Duplicates:
    """Decide over the whole corpus of n rows.

    digests:    (n,) 16-byte digests of the folded texts; equal digest, equal text.
    signatures: (n, num_perm) MinHash signatures.
    preference: (n,) rank of each row, 0 survives first; no two alike.
    """
    _, group = np.unique(digests, return_inverse=True)
    best = _best_of_group(group, preference)  # the preferred row of each group of equal texts
    pairs = best[candidates(signatures[best], threshold)]
    scores = verify(pairs)
    similar = scores >= threshold
    survivor, score = _greedy(best, pairs[similar], scores[similar], preference)
    rows = np.flatnonzero(survivor[group] != np.arange(len(group)))
    return Duplicates(
        rows, survivor[group][rows], score[group][rows], survivor[group][rows] == best[group][rows]
    )


def _best_of_group(group: NDArray[np.int64], preference: NDArray[np.int64]) -> NDArray[np.int64]:
    """(groups,) the preferred row of each group."""
    order = np.lexsort((preference, group))
    first = np.ones(len(order), bool)
    first[1:] = np.diff(group[order]) != 0
    best: NDArray[np.int64] = order[first]
    return best


def _greedy(
    best: NDArray[np.int64],
    pairs: NDArray[np.int64],
    scores: NDArray[np.float64],
    preference: NDArray[np.int64],
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """(groups,) the survivor of each group, and its Jaccard with it (1 with itself)."""
    group_of = {row: group for group, row in enumerate(best.tolist())}
    survivor, score = best.copy(), np.ones(len(best))
    ordered = np.where(
        (preference[pairs[:, 0]] < preference[pairs[:, 1]])[:, None], pairs, pairs[:, ::-1]
    )
    by_preference = np.lexsort((preference[ordered[:, 1]], preference[ordered[:, 0]]))
    dropped: set[int] = set()
    for k in by_preference.tolist():
        better, worse = ordered[k].tolist()
        if better in dropped or worse in dropped:
            continue
        dropped.add(worse)
        survivor[group_of[worse]], score[group_of[worse]] = better, scores[k]
    return survivor, score
