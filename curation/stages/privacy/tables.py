"""Columns of tables and CSV: the cue word of a value may stand in the heading of its column."""

import re
from collections.abc import Iterator

Span = tuple[int, int]

# Beyond these a text is no table that people read; they keep the work to a few passes.
_LONGEST_LINE = 400
_MOST_CELLS = 12
_LINE = re.compile(rf"([^\n]{{0,{_LONGEST_LINE}}}+)\n?")
_RULE = frozenset("|:- ")  # | --- |: the line between headings and rows


def heading(names: str) -> re.Pattern[str]:
    """A pattern for a whole cell with one of `names` (alternatives) in it: for `column`."""
    return re.compile(
        rf"(?<![^\n|,]) ?(?:我的|联系)?(?:{names}) ?(?:号码|号|账号|帐号|id)? ?(?=[|,\n])",
        re.IGNORECASE,
    )


def column(text: str, head: re.Pattern[str]) -> Iterator[Span]:
    """The cells below each heading in `text`, while the lines have as many cells, none empty."""
    read = 0
    for match in head.finditer(text):
        start = text.rfind("\n", max(0, match.start() - _LONGEST_LINE), match.start()) + 1
        line = _LINE.match(text, max(start, match.start() - _LONGEST_LINE))
        if match.start() < read or line is None:
            continue  # the line was read as a row: of one column of headings only
        mark = "|" if "|" in line[1] else ","
        width, place = line[1].count(mark), text.count(mark, line.start(), match.start())
        if 1 <= width < _MOST_CELLS:
            for cell in _below(text, line.end(), mark, width, place):
                read = cell[1]
                yield cell


def _below(text: str, start: int, mark: str, width: int, place: int) -> Iterator[Span]:
    while start < len(text) and (line := _LINE.match(text, start)):
        cells = line[1].split(mark)
        if len(cells) != width + 1:
            return
        cell = cells[place]
        if not _RULE.issuperset(line[1]):
            if not cell.strip():
                return
            begin = start + sum(map(len, cells[:place])) + place
            yield begin + len(cell) - len(cell.lstrip()), begin + len(cell.rstrip())
        start = line.end()
