"""The paper's Figure 1 for this corpus: kept conversations by topic."""

from curation.figures.drawing import ROW, WIDTH, Figure, Piece, empty, figure, measured, rect, text
from curation.text.numbers import number, percent
from schemas.statistics import Statistics

NAMES = 130.0  # room of the topics' names
SHARE = 66.0  # room of a share
GAP = 8.0
OTHER = "Other"


def categories(statistics: Statistics) -> Figure:
    """Bars of the topics, most frequent first and what has none last."""
    title = "Topics of the corpus"
    counts = sorted(statistics.categories.items(), key=lambda item: item[0] == OTHER)
    total = sum(statistics.categories.values())
    if not total:
        return empty("categories", title)
    most = max(count for _, count in counts)
    digits = measured(number(most))
    longest = WIDTH - NAMES - SHARE - digits - 2 * GAP
    rows = []
    for position, (name, count) in enumerate(counts):
        y = position * ROW
        kind = "rest" if name == OTHER else "one"
        rows += [
            text(0.0, y + 15, name, room=NAMES - GAP),
            rect(NAMES, y + 3, max(count / most * longest, 1.0), ROW - 6, kind),
            text(WIDTH - SHARE, y + 15, number(count), anchor="end"),
            text(WIDTH, y + 15, percent(count / total), anchor="end", kind="soft"),
        ]
    first = [f"{name} {number(count)}" for name, count in counts[:3]]
    description = f"{number(total)} kept conversations by topic: {', '.join(first)}"
    description += f", and {len(counts) - 3} more." if len(counts) > 3 else "."
    return figure("categories", title, description, Piece("".join(rows), len(counts) * ROW + 3))
