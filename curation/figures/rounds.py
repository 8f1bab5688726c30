"""The paper's Table 2 for this corpus: conversations of one round and of several, by source."""

from curation.figures.drawing import (
    ROW,
    WIDTH,
    Figure,
    Piece,
    empty,
    figure,
    rect,
    rule,
    stacked,
    text,
)
from curation.text.numbers import number
from schemas.statistics import Rounds, Statistics

BARS = 44.0  # where bars begin
LONGEST = 250.0
SINGLE = 390.0  # right ends of the columns of numbers
BAR = 13.0


def rounds(statistics: Statistics) -> Figure:
    """Bars of what was read and what is kept, single and multi-round."""
    title = "Rounds per conversation, read and kept"
    pairs = statistics.round_pairs()
    largest = max((raw.single + raw.multi for raw, _ in pairs), default=0)
    if not largest:
        return empty("rounds", title)
    scale = LONGEST / largest
    raw, kept = (_total([pair[of] for pair in pairs]) for of in (0, 1))
    pieces = [_head(), *(_source(*pair, scale) for pair in pairs)]
    if len(pairs) > 1:
        pieces.append(_totals(raw, kept))
    description = (
        f"Read: {number(raw[0])} conversations of one round and {number(raw[1])} of several. "
        f"Kept: {number(kept[0])} of one round and {number(kept[1])} of several."
    )
    return figure("rounds", title, description, stacked(pieces))


def _total(rows: list[Rounds]) -> tuple[int, int]:
    return sum(row.single for row in rows), sum(row.multi for row in rows)


def _head() -> Piece:
    """The names of the columns, which are the legend too."""
    squares = [rect(SINGLE - 68, 4.0, 12.0, 12.0, "one"), rect(WIDTH - 58, 4.0, 12.0, 12.0, "two")]
    names = [text(x, 15.0, of, anchor="end") for x, of in ((SINGLE, "single"), (WIDTH, "multi"))]
    return Piece("".join([*squares, *names]), ROW)


def _source(raw: Rounds, kept: Rounds, scale: float) -> Piece:
    name = text(0.0, 15.0, raw.source, kind="bold", room=300.0)
    rows = _row(ROW, "read", raw, scale) + _row(2 * ROW, "kept", kept, scale)
    return Piece(rule(0.0, WIDTH, 0.5) + name + rows, 3 * ROW + 6)


def _row(y: float, of: str, row: Rounds, scale: float) -> str:
    single, multi = row.single * scale, row.multi * scale
    top = y + 3
    bars = [
        rect(BARS, top, max(single, 1.0), BAR, "one") if row.single else "",
        rect(BARS + single, top, max(multi, 1.0), BAR, "two") if row.multi else "",
    ]
    return "".join([text(0.0, y + 15, of), *bars, _numbers(y + 15, (row.single, row.multi), None)])


def _totals(raw: tuple[int, int], kept: tuple[int, int]) -> Piece:
    rows = [
        text(0.0, 16.0, "all, read", kind="bold") + _numbers(16.0, raw, "bold"),
        text(0.0, 16.0 + ROW, "all, kept", kind="bold") + _numbers(16.0 + ROW, kept, "bold"),
    ]
    return Piece(rule(0.0, WIDTH, 0.5) + "".join(rows), 2 * ROW + 4)


def _numbers(y: float, counts: tuple[int, int], kind: str | None) -> str:
    columns = zip((SINGLE, WIDTH), counts, strict=True)
    return "".join(text(x, y, number(count), anchor="end", kind=kind) for x, count in columns)
