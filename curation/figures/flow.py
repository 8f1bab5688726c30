"""From the sources through the stages to what is kept, with what leaves by reason.

Every band is as wide as its count, on one scale, and at least a hair's breadth. Sources flow in
from the right, the first outermost; what a stage drops leaves to the right.
"""

from curation.figures.drawing import (
    ROW,
    WIDTH,
    Figure,
    Piece,
    empty,
    figure,
    measured,
    path,
    rect,
    rule,
    shifted,
    stacked,
    text,
)
from curation.text.numbers import number, percent
from schemas.statistics import StageCounts, Statistics

RIVER = 150.0  # width of all records
BEND = 6.0  # inner radius of a turn
MOUTH = 190.0  # where bands end
LABELS = 198.0  # where their names begin
HAIR = 1.25  # width of the thinnest band
SEAM = 2.0  # overlap of the river's pieces: without it, hair lines show between them
REASONS = 8  # named for each stage; a ninth too, where it is the last


def flow(statistics: Statistics) -> Figure:
    """Sources, stages with their reasons, and the kept, as bands of honest width."""
    records = sum(source.records for source in statistics.sources)
    kept = sum(source.kept for source in statistics.sources)
    title = "From the sources to the corpus"
    if not records:
        return empty("flow", title)
    scale = RIVER / records
    body = stacked(
        [
            _sources(statistics, scale),
            *(_stage(stage, scale) for stage in statistics.stages),
            _kept(kept, records, scale),
        ]
    )
    description = (
        f"{number(records)} records of {len(statistics.sources)} sources: {number(kept)} "
        f"({percent(kept / records)}) are kept; " + _losses(statistics.stages)
    )
    return figure("flow", title, description, body)


def _losses(stages: list[StageCounts]) -> str:
    losses = [(stage.entered - stage.kept, stage.stage) for stage in stages]
    named = [f"{stage} drops {number(lost)}" for lost, stage in losses if lost]
    return ", ".join(named or ["nothing is dropped"]) + "."


def _sources(statistics: Statistics, scale: float) -> Piece:
    """The bands of the sources, each turning down into its place in the river."""
    records = sum(source.records for source in statistics.sources)
    parts, y, rows = [_heading(15.0, "records", number(records))], ROW + 4, []
    for source in statistics.sources:
        rows.append((source, y))
        y += max(ROW, source.records * scale + 3)
    bottom = y + BEND
    left = 0.0
    for source, top in rows:
        thick = max(source.records * scale, HAIR) if source.records else 0.0
        parts.append(_label(top, source.source, number(source.records), thick))
        if thick:
            above = top - bottom + max((ROW - thick) / 2, 0.0)
            parts.append(shifted(left, bottom, path(_entering(thick, above, left), "rest")))
        left += source.records * scale
    return Piece("".join(parts), bottom)


def _entering(thick: float, top: float, left: float) -> str:
    """From the mouth at `top` (negative: above) leftwards and down to 0."""
    end, outer = MOUTH - left, thick + BEND
    return (
        f"M{end:.2f} {top:.2f}H{outer:.2f}Q0 {top:.2f} 0 {top + outer:.2f}V0H{thick:.2f}"
        f"V{top + outer:.2f}Q{thick:.2f} {top + thick:.2f} {outer:.2f} {top + thick:.2f}"
        f"H{end:.2f}Z"
    )


def _leaving(thick: float, drop: float, left: float) -> str:
    """From 0 downwards, and at `drop` rightwards to the mouth."""
    end, outer = MOUTH - left, thick + BEND
    return (
        f"M0 0V{drop - BEND:.2f}Q0 {drop + thick:.2f} {outer:.2f} {drop + thick:.2f}H{end:.2f}"
        f"V{drop:.2f}H{outer:.2f}Q{thick:.2f} {drop:.2f} {thick:.2f} {drop - BEND:.2f}V0Z"
    )


def _stage(stage: StageCounts, scale: float) -> Piece:
    """The river through a stage: a heading, then a row for each reason."""
    lost = stage.entered - stage.kept
    after = f"{number(stage.kept)} go on" if lost or not stage.kept else "all pass"
    parts = [rule(LABELS, WIDTH, 0.5), _heading(16.0, stage.stage, after)]
    y, left = ROW + 2, stage.entered * scale
    for reason, count in _named(stage.dropped):
        thick = max(count * scale, HAIR)
        left -= count * scale
        drop = y + max((ROW - thick) / 2, 0.0)
        parts.append(shifted(left, 0.0, path(_leaving(thick, drop, left), "lost")))
        parts.append(_label(y, reason, f"–{number(count)}", thick))
        y += max(ROW, thick + 3)
    height = y + 3
    river = (
        rect(0.0, 0.0, max(stage.kept * scale, HAIR), height + SEAM, "kept") if stage.kept else ""
    )
    return Piece(river + "".join(parts), height)


def _named(dropped: dict[str, int]) -> list[tuple[str, int]]:
    """The reasons that are named, and the others as one."""
    ordered = sorted(dropped.items(), key=lambda item: (-item[1], item[0]))
    if len(ordered) <= REASONS + 1:
        return ordered
    rest = ordered[REASONS:]
    return [*ordered[:REASONS], (f"{len(rest)} other reasons", sum(count for _, count in rest))]


def _kept(kept: int, records: int, scale: float) -> Piece:
    """The end of the river and its number."""
    river = rect(0.0, 0.0, max(kept * scale, HAIR), ROW + 3, "kept") if kept else ""
    head = _heading(16.0, "kept", f"{number(kept)} ({percent(kept / records)})")
    return Piece(river + rule(LABELS, WIDTH, 0.5) + head, ROW + 3)


def _heading(y: float, name: str, value: str) -> str:
    return _row(y, name, value, "bold")


def _label(top: float, name: str, value: str, thick: float) -> str:
    return _row(top + max(ROW, thick) / 2 + 5, name, value, None)


def _row(y: float, name: str, value: str, kind: str | None) -> str:
    room = WIDTH - LABELS - measured(value, bold=kind == "bold") - 10
    return text(LABELS, y, name, kind=kind, room=room) + text(
        WIDTH, y, value, anchor="end", kind=kind
    )
