"""The numbers behind the figures, as tables: before and after, by source."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from schemas.statistics import Histogram, Rounds, Statistics

Measure = Literal["characters", "tokens", "quality"]
Column = Literal["language", "script", "category"]


@dataclass(frozen=True, slots=True)
class Crossed:
    """Counts by value and source. `sides` are the columns of each source."""

    sources: list[str]
    sides: list[str]
    rows: list[tuple[str, list[int]]]  # value → counts, source by source, side by side


def tally_table(statistics: Statistics, column: Column) -> Crossed:
    """Conversations by the values of a column, the most frequent first."""
    tallies = [tally for tally in statistics.tallies if tally.column == column]
    sides = [of for of in _SIDES if any(tally.of == of for tally in tallies)]
    sources = list(dict.fromkeys(tally.source for tally in tallies))
    counts = {(tally.source, tally.of): tally.counts for tally in tallies}
    rows = {
        value: [counts.get((source, of), {}).get(value, 0) for source in sources for of in sides]
        for tally in tallies
        for value in tally.counts
    }
    ordered = sorted(rows.items(), key=lambda row: (-sum(row[1]), row[0]))
    return Crossed(sources, [_SIDES[of] for of in sides], ordered)


def bin_table(statistics: Statistics, measure: Measure) -> Crossed:
    """Conversations by the bins of a measure, without empty bins at either end."""
    histograms = [one for one in statistics.histograms if one.measure == measure]
    sources = list(dict.fromkeys(one.source for one in histograms))
    counts = {(one.source, one.of): one.counts for one in histograms}
    ordered = [counts[source, of] for source in sources for of in ("raw", "result")]
    used = [i for column in ordered for i, n in enumerate(column) if n]
    bins = range(min(used), max(used) + 1) if used else range(0)
    names = list(_names(histograms[0])) if histograms else []
    rows = [(names[i], [column[i] for column in ordered]) for i in bins]
    return Crossed(sources, list(_SIDES.values()), rows)


def total_rounds(statistics: Statistics, of: Literal["raw", "result"]) -> Rounds:
    """The rounds of all sources together."""
    rows = [row for row in statistics.rounds if row.of == of]
    single, multi = sum(row.single for row in rows), sum(row.multi for row in rows)
    return Rounds(of=of, source="all", single=single, multi=multi)


_SIDES: dict[Literal["raw", "result"], str] = {"raw": "before", "result": "after"}


def _names(histogram: Histogram) -> Iterator[str]:
    """What the bins hold: `10 to 19` of whole numbers, `0.1 to < 0.2` of others."""
    edges = histogram.edges
    whole = histogram.measure != "quality"
    for first, end in zip(edges, [*edges[1:], None], strict=True):
        if end is None:
            yield f"{first:,g} or more"
        elif not whole:
            yield f"{first:g} to < {end:g}"
        else:
            yield f"{int(first):,}" if end - first == 1 else f"{int(first):,} to {int(end) - 1:,}"
