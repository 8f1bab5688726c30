"""An open corpus: which records a view shows, and how many each value of a filter would show."""

import threading
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow.compute as pc

from curation.browser.index import Index, Mask, Rows, read_index
from curation.browser.texts import Texts, read_texts
from curation.browser.view import FACETS, View
from curation.outputs.parquet import readable, scan
from curation.outputs.withheld import searched
from curation.stages.script import to_simplified
from schemas.corpus import MANIFEST, read_manifest
from schemas.errors import CorpusError
from schemas.manifest import Manifest
from schemas.recipe import Privacy

#: Selections and searches that are remembered; each takes up to 8 bytes a record.
_REMEMBERED = 32


@dataclass(frozen=True, slots=True)
class Selection:
    """The records of a view, in its order, and the counts of each facet given all other filters."""

    rows: Rows
    facets: dict[str, dict[str, int]]


class Library:
    """A corpus in memory. Read-only, and shared by the threads of the server."""

    def __init__(self, directory: Path) -> None:
        """Read a corpus. Raises CorpusError where there is none, or a damaged one."""
        self._directory = directory
        self.stamp = stamp(directory)
        self.manifest: Manifest = read_manifest(directory)
        with readable(directory):
            self.index: Index = read_index(directory)
            self.texts: Texts = read_texts(directory, self.index)
        self.select = lru_cache(_REMEMBERED)(self._select)
        self._found = lru_cache(_REMEMBERED)(self._search)

    @property
    def privacy(self) -> Privacy:
        """What is not shown: what the recipe looks for, or by default all there is."""
        return searched(self.manifest.recipe.stages.privacy)

    def selection(self, view: View) -> Selection:
        """The records of a view, whatever its page."""
        return self.select(replace(view, page=1, problems=()))

    def _select(self, view: View) -> Selection:
        masks = {name: self.index.facets[name].equals(value) for name, value in view.filters}
        common = self._common(view)
        # How many of the facets' filters refuse a record: those refused only by a facet's own
        # filter are what its other values would show.
        refused = np.zeros(self.index.size, np.int8)
        for mask in masks.values():
            refused += ~mask
        counts = {}
        for name in FACETS:
            others = refused - ~masks[name] if name in masks else refused
            counts[name] = self.index.facets[name].counts(common & (others == 0))
        return Selection(self._ordered(np.flatnonzero(common & (refused == 0)), view), counts)

    def _common(self, view: View) -> Mask:
        """The records that the search, the ranges and the cluster leave."""
        mask = np.ones(self.index.size, bool)
        if view.search:
            mask &= self._found(view.search)
        for name, least, most in view.limits():
            numbers = self.index.numbers[name]
            with np.errstate(over="ignore"):  # what is too large for 32 bits is infinite
                mask &= (numbers >= np.float32(least)) & (numbers <= np.float32(most))
        if view.cluster:
            place = self.index.find(view.cluster)
            members = np.zeros(self.index.size, bool)
            if place is not None:
                members = self.index.survivor == place
                members[place] = True
            mask &= members
        return mask

    def _search(self, term: str) -> Mask:
        """The records with one of the terms in a message, or whose id begins with `term`."""
        mask: Mask = pc.starts_with(self.index.decisions.column("id"), term).to_numpy()
        for one in self.terms(term):
            mask = mask | self.texts.containing(one)
        return mask

    def terms(self, term: str) -> tuple[str, ...]:
        """What is searched for: the term, and as the script stage would have written it."""
        config = self.manifest.recipe.stages.script
        converted = to_simplified(term, config.config) if config.enabled else term
        return tuple(dict.fromkeys((term, converted)))

    def edits(self, place: int) -> list[dict[str, Any]]:
        """The ledger's edits of a record, in their order. Raises CorpusError where damaged."""
        rows = np.flatnonzero(self.index.edited == place)
        if not len(rows):
            return []
        first, last = int(rows[0]), int(rows[-1])
        edits = self._read(
            scan(self._directory / "ledger" / "edits").slice(first, last - first + 1)
        )
        return [edit for edit in edits if edit["id"] == self.index.id(place)]

    def published(self, place: int) -> dict[str, Any]:
        """The row of `data` of a record but its messages; nothing where it was not kept."""
        row = int(self.texts.row_of[place])
        if not 0 <= row < len(self.index.kept):
            return {}
        return self._read(scan(self._directory / "data").drop("messages").slice(row, 1))[0]

    def _read(self, rows: pl.LazyFrame) -> list[dict[str, Any]]:
        with readable(self._directory):
            return rows.collect().to_dicts()

    def _ordered(self, rows: Rows, view: View) -> Rows:
        """Ties as in the input; records without the number last."""
        if not view.order:
            return rows
        numbers = self.index.numbers[view.order.lstrip("-")][rows]
        order = np.argsort(-numbers if view.order.startswith("-") else numbers, kind="stable")
        return rows[order]

    def clusters(self) -> tuple[Rows, Rows]:
        """Kept records with duplicates, and the records of each cluster; largest first."""
        dropped = self.index.survivor[self.index.survivor >= 0]
        kept, sizes = np.unique(dropped, return_counts=True)
        order = np.argsort(-sizes, kind="stable")
        return kept[order], sizes[order] + 1


@dataclass(slots=True)
class Shelf:
    """The corpus of a directory, read again when a run has written it anew."""

    directory: Path
    _library: Library | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def library(self) -> Library:
        """The corpus as it is now. Raises CorpusError while there is none."""
        with self._lock:
            if self._library is None or self._library.stamp != stamp(self.directory):
                self._library = None  # before the new one takes its memory
                self._library = Library(self.directory)
            return self._library


def stamp(directory: Path) -> tuple[int, int, int]:
    """What changes when a corpus is written: its manifest comes last. Raises CorpusError."""
    try:
        found = (directory / MANIFEST).stat()
    except OSError:
        raise CorpusError(
            f"{directory}: holds no finished corpus ({MANIFEST} is missing); repeat `curate run`"
        ) from None
    return found.st_mtime_ns, found.st_size, found.st_ino
