"""The train/validation split, by cluster: rows that share a band are never divided."""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from curation.engine.corpus import Corpus
from schemas.errors import RecipeError
from schemas.recipe import Split


def validation_rows(
    corpus: Corpus, split: Split, duplicates: pa.Table, components: pa.Table
) -> NDArray[np.int64]:
    """The rows of the corpus for validation, ascending; never more than asked for.

    Groups are taken whole, in the order of the smallest hash of an id in them: a random choice that
    is the same whatever else is in the run. One that would be too many is passed over.
    Raises RecipeError where nothing would be left to train on.
    """
    kept = np.ones(len(corpus), bool)
    kept[duplicates.column("row").to_numpy()] = False
    wanted, there = split.rows(int(kept.sum())), int(kept.sum())
    if not wanted or not there:
        return np.zeros(0, np.int64)
    if wanted >= there:
        raise RecipeError(
            f"stages.split.validation asks for {wanted:,} of the {there:,} conversations that are "
            "kept, and leaves none to train on; ask for fewer"
        )
    group = _groups(len(corpus), components)[kept]
    rows = np.flatnonzero(kept)
    size = np.bincount(group)
    smallest = np.full(len(size), np.iinfo(np.uint64).max, np.uint64)
    np.minimum.at(smallest, group, corpus.id_hashes()[kept])
    taken = np.zeros(len(size), bool)
    for number in np.argsort(smallest, kind="stable").tolist():
        if 0 < size[number] <= wanted:
            taken[number] = True
            wanted -= size[number]
        if not wanted:
            break
    chosen: NDArray[np.int64] = rows[taken[group]]
    return chosen


def _groups(n: int, components: pa.Table) -> NDArray[np.int64]:
    """(n,) the group of each row: its component, or itself alone."""
    rows = components.column("row").to_numpy()
    label = components.column("component").to_numpy()
    group = np.arange(n)
    _, first, own = np.unique(label, return_index=True, return_inverse=True)
    group[rows] = rows[first][own]
    return group
