"""What a person sees: tables and progress bars."""

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from curation.text.printable import printable

#: In a pipe there is no terminal to fit, so tables get all the room they need.
_PIPE_WIDTH = 200

#: A column with longer cells than this is prose, and may be folded.
_FREE_TEXT = 40

_on_terminal = sys.stdout is not None and sys.stdout.isatty()
# No markup: what is printed is corpus and recipe text. Styles are given as such.
out = Console(
    highlight=False, markup=False, emoji=False, width=None if _on_terminal else _PIPE_WIDTH
)
err = Console(stderr=True, highlight=False, markup=False, emoji=False)


@contextmanager
def progress(phase: str, tasks: int) -> Iterator[Callable[[], None]]:
    """A progress bar on standard error where that is a terminal, nothing where it is not."""
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=err, disable=not err.is_terminal) as bar:
        task = bar.add_task(phase, total=tasks)
        yield lambda: bar.advance(task)


def say(line: str, style: str = "") -> None:
    """Print a line that the terminal wraps, not we: paths and ids stay whole for copying."""
    out.print(printable(line), style=style, soft_wrap=True)


def complain(line: str) -> None:
    """The same on standard error."""
    err.print(printable(line), soft_wrap=True)


def excerpt(text: str, length: int = 60) -> str:
    """The beginning of a text, on one line."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= length else line[: length - 1] + "…"


def table(title: str, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Table:
    """A table of corpus or recipe values; columns of whole numbers are set right."""
    result = Table(title=title, title_justify="left")
    for column, name in enumerate(header):
        numeric = bool(rows) and all(isinstance(row[column], int | float) for row in rows)
        free = any(len(str(row[column])) > _FREE_TEXT for row in rows)
        result.add_column(
            name, justify="right" if numeric else "left", overflow="fold", no_wrap=not free
        )
    for row in rows:
        # As Text: corpus and recipe text must not be taken for markup.
        result.add_row(
            *(Text(f"{v:,}" if isinstance(v, int | float) else printable(v)) for v in row)
        )
    return result
