"""How measures and labels are spread over the conversations of each source, before and after."""

from collections.abc import Iterator, Sequence
from typing import Any, Literal, get_args

import polars as pl

from curation.engine.bins import EDGES, added, binned
from schemas.statistics import Histogram, Tally

#: Notes of chunks (of reading, or of a stage), each with its source.
Notes = Sequence[tuple[str, dict[str, Any]]]
Of = Literal["raw", "result"]
Measure = Literal["characters", "tokens", "quality"]
Column = Literal["language", "script", "category"]
#: Column of the result → what a stage's note calls its values before the stage changed any.
_NOTED = {"language": "language", "script": "script_before"}


def histograms(notes: Notes, kept: pl.DataFrame, names: Sequence[str]) -> list[Histogram]:
    """Every measure, by measure, then source, then raw and result.

    notes: all that were taken; each may have `histograms`, counts by measure.
    kept: a row per kept conversation: its source and every measure.
    """
    return [
        Histogram(
            of=of, source=name, measure=measure, edges=list(EDGES[measure]), counts=list(counts)
        )
        for measure in get_args(Measure)
        for name in names
        for of, counts in _raw_and_result(notes, kept, name, measure)
    ]


def _raw_and_result(
    notes: Notes, kept: pl.DataFrame, name: str, measure: str
) -> Iterator[tuple[Of, list[int]]]:
    noted = [note.get("histograms", {}) for source, note in notes if source == name]
    yield "raw", added([counts[measure] for counts in noted if measure in counts], measure)
    own = kept.filter(pl.col("source") == name)[measure]
    yield "result", binned(measure, own.cast(pl.Float32).to_numpy())


def tallies(notes: Notes, data: pl.LazyFrame, names: Sequence[str]) -> list[Tally]:
    """Every column, by column, then source, then raw and result; categories have no raw."""
    made = []
    for column in get_args(Column):
        after = _values(data, column)
        for name in names:
            counted: dict[Of, dict[str, int]] = {"result": after.get(name, {})}
            if column in _NOTED:
                counted = {"raw": _noted(notes, name, _NOTED[column]), **counted}
            made += [
                Tally(of=of, source=name, column=column, counts=_most_frequent_first(counts))
                for of, counts in counted.items()
            ]
    return made


def _most_frequent_first(counts: dict[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _noted(notes: Notes, name: str, key: str) -> dict[str, int]:
    total: dict[str, int] = {}
    for source, note in notes:
        for value, number in note.get(key, {}).items() if source == name else ():
            total[value] = total.get(value, 0) + number
    return total


def _values(data: pl.LazyFrame, column: str) -> dict[str, dict[str, int]]:
    """Source → value → conversations; where no stage named it, none."""
    counts: dict[str, dict[str, int]] = {}
    rows = data.group_by("source", column).len().drop_nulls(column).collect().rows()
    for source, value, number in rows:
        counts.setdefault(source, {})[value] = number
    return counts
