"""Which rows of the corpus share a band, found out of core.

The band keys of all rows go to a file; then one band at a time is read back and sorted, and rows
of one key are joined. Memory: some 60 bytes a row, whatever the length of the texts.
"""

from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from curation.engine.corpus import Corpus, signed
from curation.stages.dedup.candidates import band_keys, banding, pairs
from curation.stages.dedup.components import Components
from schemas.recipe import Recipe

_KEY = np.dtype(np.uint64)


def find_components(corpus: Corpus, recipe: Recipe, scratch: Path) -> NDArray[np.int32]:
    """(n,) the component of every row, under all keys together; `scratch` is a folder to use."""
    threshold = recipe.stages.compared_threshold()
    bands, _ = banding(threshold, recipe.stages.dedup.num_perm)
    components = Components(len(corpus))
    for key in recipe.stages.compared_keys():
        path = scratch / f"bands-{key}.u64"
        _write_bands(corpus, key, threshold, path)
        for keys in _read_bands(path, bands, len(corpus)):
            components.join(*pairs(keys))
        path.unlink()
    return components.labels


def _write_bands(corpus: Corpus, key: str, threshold: float, path: Path) -> None:
    """Write the (bands, n) array of band keys, a chunk's columns at a time."""
    with path.open("wb") as file:
        for chunk, (start, _) in zip(corpus.chunks, pairwise(corpus.bounds.tolist()), strict=True):
            _, signatures = signed(chunk, key)
            for band, keys in enumerate(band_keys(signatures, threshold)):
                file.seek((band * len(corpus) + start) * _KEY.itemsize)
                file.write(keys.tobytes())


def _read_bands(path: Path, bands: int, n: int) -> Iterator[NDArray[np.uint64]]:
    with path.open("rb") as file:
        for _ in range(bands):
            yield np.fromfile(file, _KEY, n)
