"""What the sources have in common: a matrix of conversations in clusters that two sources share."""

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
    stacked,
    text,
)
from curation.figures.numbers import short
from curation.figures.palette import HEAT
from curation.text.numbers import number, percent
from schemas.statistics import Statistics

MOST = 10  # sources shown; more cells would have no room for their numbers
CELL = 30.0  # height
NARROWEST = 36.0  # cell
#: From which share of its source on a cell has the next colour.
STEPS = (0.0, 0.01, 0.05, 0.2)


def overlap(statistics: Statistics) -> Figure:
    """Rows: a source. Columns: with which other. Cells: its conversations in common with it."""
    title = "What the sources have in common"
    cells = {(cell.source, cell.other): cell.clustered for cell in statistics.overlap}
    sources = _chosen(statistics, cells)
    if not sources:
        return empty("overlap", title)
    records = {source.source: source.records for source in statistics.sources}
    left = _room_of_names(sources, cells)
    pieces = [_heads(len(sources), left)]
    pieces += [_row(i, sources, cells, records[source], left) for i, source in enumerate(sources)]
    hidden = len(statistics.sources) - len(sources)
    if hidden:
        note = text(0.0, 17.0, f"not shown, with less in common: {hidden}", kind="soft")
        pieces.append(Piece(note, ROW + 4))
    pieces.append(_key())
    return figure("overlap", title, _description(cells), stacked(pieces))


def _chosen(statistics: Statistics, cells: dict[tuple[str, str], int]) -> list[str]:
    """All sources, or those with most in common, in their order."""
    names = [source.source for source in statistics.sources]
    common = {name: sum(cells.get((name, other), 0) for other in names) for name in names}
    most = sorted(names, key=lambda name: -common[name])[:MOST]
    return [name for name in names if name in most]


def _room_of_names(sources: list[str], cells: dict[tuple[str, str], int]) -> float:
    """As wide as the longest name, where cells have room for their numbers beside it."""
    longest = max(measured(_numbered(i, name)) for i, name in enumerate(sources)) + 8
    counts = [cells.get((one, other), 0) for one in sources for other in sources]
    pitch = max(NARROWEST, max(measured(short(count)) for count in counts) + 6)
    return min(longest, WIDTH - len(sources) * pitch)


def _description(cells: dict[tuple[str, str], int]) -> str:
    between = {pair: count for pair, count in cells.items() if pair[0] != pair[1] and count}
    if not between:
        return "Conversations that sources have in common: none."
    ordered = sorted(between.items(), key=lambda item: (-item[1], item[0]))
    named = [f"{number(n)} of {source} with {other}" for (source, other), n in ordered[:3]]
    return f"Conversations that sources have in common: {', '.join(named)}."


def _numbered(i: int, name: str) -> str:
    return f"{i + 1} {label(name)}"


def _heads(count: int, left: float) -> Piece:
    pitch = (WIDTH - left) / count
    middles = [left + (i + 0.5) * pitch for i in range(count)]
    heads = [text(x, 15.0, i + 1, anchor="middle", kind="bold") for i, x in enumerate(middles)]
    return Piece("".join(heads), ROW)


def _row(
    i: int, sources: list[str], cells: dict[tuple[str, str], int], records: int, left: float
) -> Piece:
    pitch = (WIDTH - left) / len(sources)
    parts = [text(0.0, 20.0, _numbered(i, sources[i]), room=left - 6)]
    for j, other in enumerate(sources):
        count = cells.get((sources[i], other), 0)
        x = left + j * pitch
        whom = "itself" if i == j else other
        note = f"{sources[i]} with {whom}: {number(count)} ({percent(count / max(records, 1))})"
        parts.append(rect(x + 1, 1.0, pitch - 2, CELL - 2, _heat(count, records), note))
        shown = number(count) if measured(number(count)) <= pitch - 4 else short(count)
        kind = None if count else "soft"
        parts.append(text(x + pitch / 2, 20.0, shown, anchor="middle", kind=kind))
    return Piece("".join(parts), CELL)


def _heat(count: int, records: int) -> str:
    share = count / max(records, 1)
    return HEAT[sum(share > limit for limit in STEPS)]


def _key() -> Piece:
    """What the colours mean."""
    limits = [f"≤ {100 * limit:g} %" for limit in STEPS[1:]]
    names = ["0 %", *limits, f"> {100 * STEPS[-1]:g} %"]
    head = Piece(text(0.0, 22.0, "share of the row's source", kind="soft"), ROW + 8)
    return stacked([head, legend(list(zip(HEAT, names, strict=True)))])
