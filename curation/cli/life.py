"""What `curate explain` prints: one record, from where it was read to where it ended."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

from rich.table import Table
from rich.text import Text

from curation.cli.console import excerpt, out, say, table
from curation.cli.views import difference, print_messages, print_pairs
from curation.explain import Life
from curation.outputs.reasons import OUTCOMES, counted, place
from curation.text.diff import changes
from curation.text.printable import printable
from schemas.conversation import Message

#: A terminal of this many columns has room for two texts side by side.
_TWO_COLUMNS = 100
#: Rows of the table of duplicates.
_DUPLICATES = 20


def print_life(life: Life) -> None:
    """One record for a person to read."""
    decision = life.decision
    outcome = OUTCOMES.get(decision["outcome"], decision["outcome"])
    left = f" by {decision['stage']}: {decision['reason']}" if decision["reason"] else ""
    say(f"{decision['id']}: {outcome}{left}", "bold")
    say(f"  read from {place(decision)}, of {decision['source']}")
    _print_edits(life.edits)
    if life.why:
        say("\nwhy it left" if decision["reason"] else "\nof note", "bold")
    for sentence in life.why:
        say(f"  {sentence}")
    if life.row:
        _print_row(life.row)
    _print_dropped(life)
    _print_duplicates(life.duplicates)


def _print_edits(edits: Sequence[dict[str, Any]]) -> None:
    for edit in edits:
        message = counted(edit["turn"])
        say(f"\nedited by {edit['stage']}, message {message}: {edit['rule']}", "bold")
        if edit["before"] is not None:
            out.print(difference(edit["before"], edit["diff"]), soft_wrap=True)
        elif edit["after"] is not None:
            say(
                f"  before not shown: personal data was found; after: {excerpt(edit['after'], 400)}"
            )
        else:
            say("  not shown: personal data was found")


def _print_row(row: dict[str, Any]) -> None:
    say("\nas published", "bold")
    print_pairs([(name, _shown(value)) for name, value in row.items() if name != "messages"])
    print_messages(_messages(row["messages"]))


def _shown(value: Any) -> Any:
    """A list without brackets, a score without the digits that mean nothing."""
    if isinstance(value, list):
        return ", ".join(map(str, value)) or None
    return f"{value:.4g}" if isinstance(value, float) else value


def _print_dropped(life: Life) -> None:
    """The text of a record when it left, beside that of the row that stayed."""
    if life.dropped is None:
        return
    one = _messages(life.dropped)
    if life.survivor is None:
        say("\nits text when it left", "bold")
        print_messages(one)
        return
    other = _messages(life.survivor["messages"])
    heads = ("its text when it left", f"the row that stayed, {life.survivor['id']}")
    if out.width >= _TWO_COLUMNS:
        out.print()
        out.print(_side_by_side(heads, one, other))
        return
    for head, messages in zip(heads, (one, other), strict=True):
        say(f"\n{head}", "bold")
        print_messages(messages)


def _side_by_side(
    heads: tuple[str, str], one: Sequence[Message], other: Sequence[Message]
) -> Table:
    """Two conversations turn by turn; what only one has is marked."""
    result = Table(show_lines=True)
    result.add_column("role", no_wrap=True)
    for head in heads:
        result.add_column(printable(head), ratio=1, overflow="fold")
    nothing = Message("", "")
    for a, b in zip_longest(one, other, fillvalue=nothing):
        result.add_row(printable(a.role or b.role), *_marked(a.content, b.content))
    return result


def _marked(one: str, other: str) -> tuple[Text, Text]:
    """Both texts; where they have something in common, with marks around what differs."""
    found = changes(one, other)
    if 2 * sum(len(change.removed) for change in found) > len(one):
        return Text(printable(one)), Text(printable(other))
    left, right, place = Text(), Text(), 0
    for change in found:
        for text in (left, right):
            text.append(printable(one[place : change.start]))
        _mark(left, "[-", change.removed, "-]", "red")
        _mark(right, "{+", change.added, "+}", "green")
        place = change.start + len(change.removed)
    for text in (left, right):
        text.append(printable(one[place:]))
    return left, right


def _mark(text: Text, begin: str, part: str, end: str, style: str) -> None:
    if part:
        text.append(f"{begin}{printable(part)}{end}", style=style)


def _print_duplicates(duplicates: Sequence[dict[str, Any]]) -> None:
    if not duplicates:
        return
    rows = [
        (one["id"], one["reason"], f"{one['jaccard']:.4f}", one["source"])
        for one in duplicates[:_DUPLICATES]
    ]
    out.print()
    header = ("id", "reason", "Jaccard", "source")
    out.print(table("Dropped in its favour", header, rows))
    if len(duplicates) > _DUPLICATES:
        say(f"and {len(duplicates) - _DUPLICATES:,} more; --json has them all")


def _messages(messages: Sequence[dict[str, str]]) -> list[Message]:
    return [Message(**message) for message in messages]
