"""What `curate diff` prints: the causes, then the effects, then examples."""

from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path
from typing import Any

from rich.text import Text

from curation.cli.console import excerpt, out, say, table
from curation.cli.views import difference
from curation.compare.result import Cause, Change, Comparison, Example, Move, Side, Standing
from curation.outputs.reasons import numbered
from curation.text.diff import changes
from curation.text.printable import printable

#: What a change is called, and the traces of a record in the ledger.
_TITLES = {
    Change.ENTERED: "only in B",
    Change.LEFT: "only in A",
    Change.LOST: "no longer kept",
    Change.GAINED: "newly kept",
    Change.REDECIDED: "dropped otherwise",
    Change.TEXT: "other text",
    Change.COLUMNS: "other columns",
    Change.LEDGER: "other ledger",
}
_TRACES = {"evidence": "evidence", "edits": "edits", "text": "text that was dropped"}
#: Moves of one change with examples, and changed places of a message, that are shown.
_MOVES, _PLACES = 3, 8
#: Characters shown of a value, and of each end of what changed in a text.
_VALUE, _STRETCH = 40, 60


_WITHHELD = "differs in personal data, and is not shown"
_Message = dict[str, str | None]


def print_comparison(a: Path, b: Path, found: Comparison) -> None:
    """Everything that differs, for a person to read."""
    for name, directory, records, kept in zip("AB", (a, b), found.records, found.kept, strict=True):
        say(f"{name}  {directory}: {records:,} records, {kept:,} kept", "bold")
    _print_causes(found)
    _print_effects(found)
    for change in Change:
        moves = [move for move in found.moves if move.change is change]
        for move in moves[: 1 if change is Change.LEDGER else _MOVES]:
            _print_examples(move)
    _print_verdict(a, b, found)


def _print_causes(found: Comparison) -> None:
    rows = [
        (cause.what, cause.name, _shown(cause, cause.before), _shown(cause, cause.after))
        for cause in found.causes
    ]
    if rows:
        out.print()
        out.print(table("What made them", ("what", "name", "A", "B"), rows))


def _shown(cause: Cause, value: Any) -> str:
    """A value of a recipe, or what stands for a file."""
    if value is None:
        return "-"
    if cause.what == "input":
        return f"{value['bytes']:,} bytes, {(value['sha256'] or 'unreadable')[:8]}"
    if cause.what == "benchmark":
        return str(value)[:8]
    if isinstance(value, float):
        return f"{value:g}"
    return excerpt(", ".join(map(str, value)) if isinstance(value, list) else str(value), _VALUE)


def _print_effects(found: Comparison) -> None:
    moves = [
        (*_ends(move), len(move.ids)) for move in found.moves if move.change is not Change.LEDGER
    ]
    if found.ledger:
        parts = " or ".join(_TRACES[name] for name in found.ledger)
        moves.append(("", f"the same, other {parts}", found.changes[Change.LEDGER]))
    columns = [(c.column, c.records, _pairs(c.moves)) for c in found.columns]
    rules = [(rule.stage, rule.rule, rule.before, rule.after) for rule in found.rules]
    views = [
        table("Records", ("in A", "in B", "records"), moves),
        _sources(found),
        table(
            "Columns of those whose text is the same", ("column", "records", "most often"), columns
        ),
        table("Edits of those whose text is other", ("stage", "rule", "A", "B"), rules),
    ]
    for view in views:
        if view.row_count:
            out.print()
            out.print(view)
    if found.renamed:
        say(f"\n{len(found.renamed):,} records have other ids: their file or source was renamed")
    if found.same_text:
        say(
            f"\n{found.same_text:,} of the kept records only in B have the text of one only in A: "
            "an id depends on its file's name and on the record as it was read"
        )


def _ends(move: Move) -> tuple[str, str]:
    """Where records stood in A and stand in B."""
    before, after = _standing(move.before), _standing(move.after)
    if before != after:
        return before, after
    note = "other survivor" if move.change is Change.REDECIDED else _TITLES[move.change]
    return before, f"{after}, {note}"


def _standing(standing: Standing | None) -> str:
    if standing is None:
        return "-"
    if standing.stage is None:
        return str(standing.outcome)
    return f"{standing.stage}/{standing.reason}"


def _sources(found: Comparison) -> Any:
    """One column for each change that there is."""
    names = list(found.changes)
    rows = [
        (one.source, one.before, one.after, *(one.changes.get(name, 0) for name in names))
        for one in found.sources
        if one.changes
    ]
    header = ("source", "A", "B", *(_TITLES[name].replace(" ", "\n") for name in names))
    return table("By source", header, rows)


def _pairs(moves: Sequence[tuple[str | None, str | None, int]]) -> str:
    """What became what, most frequent first."""
    return ", ".join(
        f"{after} {number:,}" if before is None and after in ("higher", "lower") else
        f"{before or '-'} → {after or '-'} {number:,}"
        for before, after, number in moves
    )  # fmt: skip


def _print_examples(move: Move) -> None:
    if not move.examples:
        return
    before, after = _standing(move.before), _standing(move.after)
    where = f"{before} → {after}" if before != after else before
    number = f"{len(move.examples)} of {len(move.ids):,}"
    say(f"\n{_TITLES[move.change]}: {where} ({number})", "bold")
    for example in move.examples:
        _print_example(move.change, example)


def _print_example(change: Change, example: Example) -> None:
    say(f"  {example.id}", "cyan")
    before, after = example.before, example.after
    _print_reasons(change, before, after)
    for column, (old, new) in example.columns.items():
        _line(f"{column}: {excerpt(str(old), _VALUE)} → {excerpt(str(new), _VALUE)}")
    if before and after and _print_differences(change, example, before, after):
        return
    shown = after or before
    _print_messages((shown and shown.messages) or [])


def _print_differences(change: Change, example: Example, before: Side, after: Side) -> bool:
    """What differs of the texts and of the traces; whether that says all there is to say."""
    old, new = before.messages or [], after.messages or []
    differ = old != new or any(message["content"] is None for message in old)
    if differ:
        _print_changes(old, new)
    elif change is Change.TEXT or "text" in example.traces:
        _line("its text differs in personal data only, which is not shown")
    if "evidence" in example.traces and before.evidence == after.evidence:
        _line("its evidence differs in personal data only, which is not shown")
    if "edits" in example.traces:
        _line("its edits differ; `curate explain` shows them")
    return differ or change is Change.TEXT


def _print_reasons(change: Change, before: Side | None, after: Side | None) -> None:
    """Why a record left; where both ledgers say the same, only what differs of the evidence."""
    if change is Change.LEDGER and before and after:
        olds, news = numbered(before.evidence), numbered(after.evidence)
        for key in dict.fromkeys([*olds, *news]):
            old, new = olds.get(key, "-"), news.get(key, "-")
            if old != new:
                _line(f"{key}: {excerpt(str(old), _VALUE)} → {excerpt(str(new), _VALUE)}")
        return
    for name, side in (("A", before), ("B", after)):
        if side and side.standing.stage:
            _line(f"{name}: {_reason(side)}", "dim")


def _reason(side: Side) -> str:
    evidence = numbered(side.evidence)
    facts = [f"{key}={value}" for key, value in evidence.items() if value not in (None, [])]
    survivor = [f"in favour of {side.duplicate_of}"] if side.duplicate_of else []
    return ", ".join([_standing(side.standing), *survivor, *facts])


def _print_messages(messages: Sequence[_Message]) -> None:
    for message in messages[:2]:
        _line(_said(message))


def _said(message: _Message) -> str:
    content = message["content"]
    return f"{message['role']}: {_WITHHELD if content is None else content}"


def _print_changes(before: Sequence[_Message], after: Sequence[_Message]) -> None:
    for old, new in zip_longest(before, after):
        if old and old["content"] is None:
            _line(_said(old))
        elif old != new:
            _print_places(*(_said(m) if m else "" for m in (old, new)))


def _print_places(a: str, b: str) -> None:
    """Where two texts differ, line ends as signs: a change has its lines to itself."""
    places = changes(a, b)
    end = places[_PLACES].start if len(places) > _PLACES else len(a)
    shown = [
        {"start": place.start, "removed": _signs(place.removed), "added": _signs(place.added)}
        for place in places[:_PLACES]
    ]
    out.print(Text("  ") + difference(_signs(a[:end]), shown, most=_STRETCH), soft_wrap=True)
    if len(places) > _PLACES:
        _line(f"… and {len(places) - _PLACES:,} more places", "dim")


def _signs(text: str) -> str:
    return text.replace("\n", "↵")


def _line(text: str, style: str = "") -> None:
    """A line that is cut where the terminal ends."""
    line = Text(f"    {printable(' '.join(text.split()))}", style=style)
    line.truncate(out.width, overflow="ellipsis")
    out.print(line)


def _print_verdict(a: Path, b: Path, found: Comparison) -> None:
    if not found.differs:
        say("nothing differs")
        return
    parts = [f"{number:,} {_TITLES[change]}" for change, number in found.changes.items()]
    same = found.common - sum(
        number
        for change, number in found.changes.items()
        if change not in (Change.ENTERED, Change.LEFT)
    )
    say(f"\n{', '.join([*parts, f'{same:,} the same'])}", "bold")
    if parts:
        say(f"next: curate explain {a} ID · curate explain {b} ID")
