"""Shares of languages or scripts before and after, by source."""

from typing import Literal

from curation.figures.drawing import (
    ROW,
    WIDTH,
    Figure,
    Piece,
    empty,
    figure,
    label,
    legend,
    measured,
    rect,
    rule,
    series,
    stacked,
    text,
)
from curation.text.numbers import number
from schemas.statistics import Statistics, Tally

Column = Literal["language", "script"]

NAMED = 6  # values with a colour of their own
OTHER = "other"
BARS = 58.0  # where bars begin
BAR = 13.0
SEPARATOR = " · "


def shares(statistics: Statistics, column: Column) -> Figure:
    """Two bars for each source, before and after, with the numbers below."""
    title = f"{column.capitalize()}, before and after"
    tallies = [tally for tally in statistics.tallies if tally.column == column]
    values = _values(tallies)
    if not values:
        return empty(column, title)
    sources = list(dict.fromkeys(tally.source for tally in tallies))
    pieces = [legend([(series(i), value) for i, value in enumerate(values)])]
    pieces += [_source(source, tallies, values) for source in sources]
    description = " ".join(
        f"{when}: {_sentence(tallies, of, values)}."
        for when, of in (("Before", "raw"), ("After", "result"))
    )
    return figure(column, title, description, stacked(pieces))


def _values(tallies: list[Tally]) -> list[str]:
    """The most frequent values over all sources, and `other` where there are more."""
    totals: dict[str, int] = {}
    for tally in tallies:
        for value, count in tally.counts.items():
            totals[value] = totals.get(value, 0) + count
    ordered = sorted((value for value in totals if totals[value]), key=lambda v: (-totals[v], v))
    return ordered if len(ordered) <= NAMED else [*ordered[:NAMED], OTHER]


def _grouped(counts: dict[str, int], values: list[str]) -> list[int]:
    """The count of each of `values`."""
    named = [counts.get(value, 0) for value in values[:NAMED]]
    return [*named, sum(counts.values()) - sum(named)][: len(values)]


def _sentence(tallies: list[Tally], of: str, values: list[str]) -> str:
    chosen = [_grouped(tally.counts, values) for tally in tallies if tally.of == of]
    counts = [sum(column) for column in zip(*chosen, strict=True)]
    named = [f"{value} {number(n)}" for value, n in zip(values, counts, strict=False) if n]
    return ", ".join(named) or "none"


def _source(source: str, tallies: list[Tally], values: list[str]) -> Piece:
    """The name of a source, its two bars, and what they show in numbers."""
    own: dict[str, dict[str, int]] = {
        tally.of: tally.counts for tally in tallies if tally.source == source
    }
    before, after = (_grouped(own.get(of, {}), values) for of in ("raw", "result"))
    changes = [
        f"{label(value)} {number(old)} → {number(new)}"
        for value, old, new in zip(values, before, after, strict=True)
        if old or new
    ]
    if len(changes) < 2:  # two bars of one colour would tell nothing
        return _in_a_line(source, *(changes or ["none"]))
    lines = _wrapped(changes, WIDTH - BARS)
    head = rule(0.0, WIDTH, 0.5) + text(0.0, 16.0, source, kind="bold")
    bars = [Piece(head, ROW), _bar("before", before), _bar("after", after)]
    written = [Piece(text(BARS, 15.0, line, kind="soft", room=WIDTH - BARS), ROW) for line in lines]
    return stacked([*bars, *written, Piece("", 6.0)])


def _in_a_line(source: str, change: str) -> Piece:
    """A source whose conversations all have one value, before and after."""
    head = text(0.0, 16.0, source, kind="bold", room=WIDTH - measured(change) - 10)
    told = text(WIDTH, 16.0, change, anchor="end", kind="soft")
    return Piece(rule(0.0, WIDTH, 0.5) + head + told, ROW + 6)


def _bar(when: str, counts: list[int]) -> Piece:
    """A stacked bar over the whole width."""
    total = max(sum(counts), 1)
    parts, x, room = [text(0.0, 14.0, when)], BARS, WIDTH - BARS
    for i, count in enumerate(counts):
        wide = count / total * room
        if count:
            parts.append(rect(x, 3.0, max(wide - 1, 1.0), BAR, series(i)))
        x += wide
    return Piece("".join(parts), ROW - 2)


def _wrapped(items: list[str], room: float) -> list[str]:
    """Items on as few lines as hold them."""
    lines: list[str] = []
    for item in items:
        joined = lines[-1] + SEPARATOR + item if lines else item
        if lines and measured(joined) <= room:
            lines[-1] = joined
        else:
            lines.append(item)
    return lines
