"""Who stays: a greedy pass in order of preference, so that no unlike texts are chained.

The best row of all stays and takes with it only rows within the threshold of itself; then the best
of the rest; and so on. Hence every dropped row is a verified duplicate of a row that is kept.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from curation.stages.dedup.candidates import buckets
from curation.stages.dedup.shingles import jaccard


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


#: Given rows, the sorted set of shingle hashes of each.
ShingleSets = Callable[[NDArray[np.int64]], Mapping[int, NDArray[np.uint64]]]


def find_duplicates(
    digests: NDArray[np.void],
    signatures: NDArray[np.uint32],
    preference: NDArray[np.int64],
    threshold: float,
    shingle_sets: ShingleSets,
) -> Duplicates:
    """Decide over the whole corpus of n rows.

    digests:    (n,) 16-byte digests of the folded texts; equal digest, equal text.
    signatures: (n, num_perm) MinHash signatures.
    preference: (n,) rank of each row, 0 survives first; no two alike.
    """
    _, group = np.unique(digests, return_inverse=True)
    best = _best_of_group(group, preference)  # the preferred row of each group of equal texts
    texts, bucket = buckets(signatures[best], threshold)
    rows = best[texts]
    near = _greedy(rows, bucket, preference, threshold, shingle_sets(np.unique(rows)))
    survivor, score = np.arange(len(group)), np.ones(len(group))
    for row, (kept, similarity) in near.items():
        survivor[row], score[row] = kept, similarity
    survivor, score = survivor[best][group], score[best][group]
    gone = np.flatnonzero(survivor != np.arange(len(group)))
    return Duplicates(gone, survivor[gone], score[gone], survivor[gone] == best[group[gone]])


def _best_of_group(group: NDArray[np.int64], preference: NDArray[np.int64]) -> NDArray[np.int64]:
    """(groups,) the preferred row of each group."""
    order = np.lexsort((preference, group))
    first = np.ones(len(order), bool)
    first[1:] = np.diff(group[order]) != 0
    best: NDArray[np.int64] = order[first]
    return best


def _greedy(
    rows: NDArray[np.int64],
    bucket: NDArray[np.int64],
    preference: NDArray[np.int64],
    threshold: float,
    sets: Mapping[int, NDArray[np.uint64]],
) -> dict[int, tuple[int, float]]:
    """Dropped row → the row that stays in its place, and their Jaccard.

    Rows are compared only with rows that stay, so a thousand copies cost a thousand comparisons.
    """
    kept: dict[int, list[int]] = defaultdict(list)  # bucket → rows that stay, preferred first
    dropped: dict[int, tuple[int, float]] = {}
    for row, own in _by_preference(rows, bucket, preference):
        rivals = {rival for number in own for rival in kept[number]}
        for rival in sorted(rivals, key=preference.__getitem__):
            similarity = jaccard(sets[row], sets[rival], threshold)
            if similarity >= threshold:
                dropped[row] = rival, similarity
                break
        else:
            for number in own:
                kept[number].append(row)
    return dropped


def _by_preference(
    rows: NDArray[np.int64], bucket: NDArray[np.int64], preference: NDArray[np.int64]
) -> Iterator[tuple[int, list[int]]]:
    """Each row with its buckets, preferred rows first."""
    order = np.argsort(preference[rows], kind="stable")
    pairs = zip(rows[order].tolist(), bucket[order].tolist(), strict=True)
    for row, group in groupby(pairs, key=lambda pair: pair[0]):
        yield row, [number for _, number in group]
