"""The grams by which benchmark items are found, and how distinctive their questions are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.stages.decontaminate.text import Grams, Squeezed, grams, widths
from curation.text.arrays import covered, distinct

#: Units of a seed: four Han or eight Latin characters.
SEED = 8
#: Seeds kept of a question, and of an entry's options: enough that wrong characters leave some.
_KEPT = 16
#: A gram that more entries share finds too much; one that at most `_RARE` share tells them apart.
_COMMON, _RARE = 8, 3


@dataclass(frozen=True, slots=True, eq=False)
class Seeds:
    """The seeds of e entries. Side 2 i is the question of entry i, side 2 i + 1 its options.

    hashes:      (h,) uint64, sorted; `owners[bounds[j]:bounds[j + 1]]` are the sides that have j.
    counts:      (2 e,) seeds of each side.
    distinctive: (e,) units of the question in grams that at most `_RARE` entries share.
    """

    hashes: NDArray[np.uint64]
    bounds: NDArray[np.int32]
    owners: NDArray[np.int32]
    counts: NDArray[np.uint8]
    distinctive: NDArray[np.int32]


def choose(segments: Squeezed, first: NDArray[np.int32]) -> Seeds:
    """The seeds of the entries `segments[first[i]:first[i + 1]]`: a question, then options."""
    found = grams(segments, SEED)
    segment = np.searchsorted(segments.offsets, found.starts, side="right") - 1
    entry = np.searchsorted(first, segment, side="right") - 1
    side = 2 * entry + (segment > first[entry])
    shared = _sharing(found.hashes, entry)
    chosen = _rarest(found.hashes, side, shared)
    hashes, owners = _pairs(found.hashes[chosen], side[chosen])
    hashes, bounds = np.unique(hashes, return_index=True)
    return Seeds(
        hashes=hashes,
        bounds=np.append(bounds, len(owners)).astype(np.int32),
        owners=owners.astype(np.int32),
        counts=np.bincount(owners, minlength=2 * len(first) - 2).astype(np.uint8),
        distinctive=_distinctive(segments, first, found, shared <= _RARE),
    )


def _sharing(hashes: NDArray[np.uint64], entries: NDArray[np.int64]) -> NDArray[np.int64]:
    """(g,) how many entries have each gram."""
    kinds, kind = np.unique(hashes, return_inverse=True)
    count = int(entries.max(initial=0)) + 1
    owned = distinct(kind * count + entries)
    shared: NDArray[np.int64] = np.bincount(owned // count, minlength=len(kinds))[kind]
    return shared


def _rarest(
    hashes: NDArray[np.uint64], side: NDArray[np.int64], shared: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Per side, the `_KEPT` grams that the fewest entries share; of equals, those by hash."""
    usable = np.flatnonzero(shared <= _COMMON)
    key = (side[usable] << 4 | shared[usable]).astype(np.uint64)  # one key: one sort
    order = np.argsort(key << np.uint64(36) | hashes[usable] >> np.uint64(28), kind="stable")
    ordered = side[usable][order]
    rank = np.arange(len(order)) - np.searchsorted(ordered, ordered)
    chosen: NDArray[np.int64] = usable[order[rank < _KEPT]]
    return chosen


def _pairs(
    hashes: NDArray[np.uint64], side: NDArray[np.int64]
) -> tuple[NDArray[np.uint64], NDArray[np.int64]]:
    """The pairs of gram and side, each once, sorted."""
    order = np.lexsort((side, hashes))
    hashes, side = hashes[order], side[order]
    again = (hashes[1:] == hashes[:-1]) & (side[1:] == side[:-1])
    once = np.flatnonzero(np.append(True, ~again)[: len(hashes)])
    return hashes[once], side[once]


def _distinctive(
    segments: Squeezed, first: NDArray[np.int32], found: Grams, rare: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """(e,) units of each question that lie in rare grams."""
    inside = covered(found.starts[rare], found.ends[rare], len(segments.points))
    total = np.zeros(len(inside) + 1, np.int32)
    np.cumsum(widths(segments.points) * inside, out=total[1:])
    question = first[:-1]
    units: NDArray[np.int32] = (
        total[segments.offsets[question + 1]] - total[segments.offsets[question]]
    )
    return units
