"""How a measure is spread before and after, as small histograms, one for each source."""

from bisect import bisect_right
from typing import Literal

from curation.figures.drawing import (
    ROW,
    WIDTH,
    Figure,
    Piece,
    empty,
    figure,
    legend,
    measured,
    path,
    rect,
    rule,
    shifted,
    stacked,
    text,
    tooltip,
)
from curation.figures.numbers import edge, short, step
from curation.text.numbers import number
from schemas.statistics import Histogram, Statistics

Measure = Literal["characters", "tokens", "quality"]

GUTTER = 16.0  # between two columns
AXIS = 42.0  # room of the numbers on the left
CHART = 84.0  # height of the highest bar
TITLES = {
    "characters": "Characters per conversation",
    "tokens": "Mixtral tokens per conversation",
    "quality": "Quality score",
}
Pair = tuple[Histogram, Histogram]


def spread(
    statistics: Statistics, measure: Measure, limit: tuple[str, float] | None = None
) -> Figure:
    """Histograms of `measure`: before as an outline, after filled, on one scale per source.

    limit: name and value of the recipe's threshold, which is drawn where the bins reach it.
    """
    name, title = f"spread-{measure}", f"{TITLES[measure]}, before and after"
    pairs = _pairs(statistics, measure)
    used = [i for pair in pairs for of in pair for i, count in enumerate(of.counts) if count]
    if not used:
        return empty(name, title)
    bins = range(min(used), max(used) + 1)
    columns = 1 if len(pairs) == 1 else 2
    width = (WIDTH - GUTTER * (columns - 1)) / columns
    at = _place(pairs[0][0].edges, bins, limit[1]) if limit else None
    panels = [_panel(raw, result, bins, width, at) for raw, result in pairs]
    rows = [_side_by_side(panels[i : i + columns], width) for i in range(0, len(panels), columns)]
    named = [("lost", f"{limit[0]} {edge(limit[1])}")] if limit and at is not None else []
    key = legend([("outline", "before"), ("kept", "after"), *named])
    before, after = (sum(sum(pair[of].counts) for pair in pairs) for of in (0, 1))
    description = (
        f"{TITLES[measure]} of {number(before)} conversations before and {number(after)} after, "
        f"by source. The fullest bin before is {_peak([raw for raw, _ in pairs])}, after "
        f"{_peak([result for _, result in pairs])}."
    )
    return figure(name, title, description, stacked([key, *rows]))


def _pairs(statistics: Statistics, measure: Measure) -> list[Pair]:
    """Raw and result of each source that has them."""
    by = {(h.source, h.of): h for h in statistics.histograms if h.measure == measure}
    return [
        (by[source, "raw"], by[source, "result"])
        for source, of in by
        if of == "raw" and (source, "result") in by
    ]


def _peak(histograms: list[Histogram]) -> str:
    """The bin that holds most, over all sources."""
    counts = [sum(column) for column in zip(*(h.counts for h in histograms), strict=True)]
    return _range(histograms[0], counts.index(max(counts))) if any(counts) else "nothing"


def _range(histogram: Histogram, i: int) -> str:
    """The values of bin `i`, in words."""
    edges = histogram.edges
    if i + 1 == len(edges):
        return f"{edge(edges[i])} or more"
    return f"{edge(edges[i])} to under {edge(edges[i + 1])}"


def _side_by_side(panels: list[Piece], width: float) -> Piece:
    shown = [shifted(i * (width + GUTTER), 0.0, panel.markup) for i, panel in enumerate(panels)]
    return Piece("".join(shown), max(panel.height for panel in panels) + 12)


def _place(edges: list[float], bins: range, value: float) -> float | None:
    """Where `value` lies among the drawn bins, in bins from the left; None beyond them."""
    i = bisect_right(edges, value) - 1
    if i not in bins:
        return None
    # The last bin is open; it is drawn as wide as the others.
    end = edges[i + 1] if i + 1 < len(edges) else 2 * edges[i] - edges[i - 1]
    return i - bins.start + min((value - edges[i]) / (end - edges[i]), 1.0)


def _panel(
    raw: Histogram, result: Histogram, bins: range, width: float, limit: float | None
) -> Piece:
    """The chart of one source below its name and counts. limit: in bins from the left."""
    counts = f"{number(sum(raw.counts))} before, {number(sum(result.counts))} after"
    top = 2 * ROW + 8
    left, room = AXIS, width - AXIS
    scale = CHART / max(*raw.counts, *result.counts, 1)
    parts = [
        text(0.0, 15.0, raw.source, kind="bold", room=width),
        text(0.0, 15.0 + ROW, counts, kind="soft", room=width),
        shifted(left, top, _bars(raw, result, bins, room / len(bins), scale)),
        _limit(limit, left, top, room / len(bins)),
        _height_mark(step(CHART / scale), top + CHART, scale, left, width),
        rule(left, width, top + CHART + 0.5),
        shifted(left, top + CHART + 17, _ticks(raw.edges, bins, room)),
    ]
    return Piece("".join(parts), top + CHART + ROW + 4)


def _bars(raw: Histogram, result: Histogram, bins: range, pitch: float, scale: float) -> str:
    """Filled bars of the result and the outline of what was there before."""
    parts, outline = [], f"M0 {CHART:.2f}"
    for position, i in enumerate(bins):
        x, before, after = position * pitch, raw.counts[i], result.counts[i]
        height = max(after * scale, 1.0)
        if after:
            parts.append(rect(x + 0.5, CHART - height, pitch - 1, height, "kept"))
        above = max(before * scale, 1.0) if before else 0.0
        outline += f"V{CHART - above:.2f}H{x + pitch:.2f}"
        if before or after:
            note = f"{_range(raw, i)}: {number(before)} before, {number(after)} after"
            parts.append(
                f'<path class="d-hover" d="M{x:.2f} 0h{pitch:.2f}v{CHART:.2f}h-{pitch:.2f}z">'
                f"{tooltip(note)}</path>"
            )
    return "".join(parts) + path(f"{outline}V{CHART:.2f}", "outline")


def _limit(place: float | None, left: float, top: float, pitch: float) -> str:
    """A line down through the chart."""
    return "" if place is None else path(f"M{left + place * pitch:.2f} {top:.2f}v{CHART}", "limit")


def _height_mark(tick: int, bottom: float, scale: float, left: float, width: float) -> str:
    """One number on the left, and its line."""
    y = bottom - tick * scale
    return text(left - 5, y + 5, short(tick), anchor="end", kind="soft") + rule(left, width, y)


def _ticks(edges: list[float], bins: range, room: float) -> str:
    """Edges of bins below their place, as many as fit without touching."""
    names = [edge(edges[i]) for i in bins]
    widest = max(measured(name) for name in names) + 8
    pitch = room / len(names)
    every = next(n for n in range(1, len(names) + 1) if n * pitch >= widest or n == len(names))
    last = room - widest / 2
    return "".join(
        text(i * pitch, 0.0, name, anchor="middle", kind="soft")
        for i, name in enumerate(names)
        if bins[i] % every == 0 and (i * pitch <= last or i == 0)
    )
