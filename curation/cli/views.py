"""What each command prints."""

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.table import Table
from rich.text import Text

from curation.cli.console import excerpt, out, say, table
from curation.engine.plan import Plan
from curation.engine.read import summary_path
from curation.outputs.reasons import OUTCOMES, counted
from curation.outputs.withheld import redacted
from curation.sources.inspect import Inspection
from curation.text.printable import printable
from schemas.conversation import Message
from schemas.recipe import Privacy
from schemas.statistics import Statistics

#: What a table takes beside its cells, and the columns "stage", "reason" and "total" together.
_FRAME, _FIXED = 3, 50


def print_json(value: Any) -> None:
    """Print a JSON document, for programs to read."""
    # On a terminal in ASCII: corpus text holds characters that drive terminals.
    print(json.dumps(value, ensure_ascii=out.is_terminal, indent=2))  # noqa: T201


def print_statistics(statistics: Statistics) -> None:
    """The closing tables: records by source, rounds before and after, and the stages."""
    for view in (_sources, _reasons, _rounds, _stages, _overlap, _contamination):
        if (shown_table := view(statistics)).row_count:
            out.print(shown_table)
    lines = {
        "edits": _edits(statistics),
        "personal data (conversations)": statistics.pii,
        "categories": statistics.categories,
    }
    for name, counts in lines.items():
        if counts:
            out.print(Text(printable(_line(name, counts))))
    if statistics.control_tokens.occurrences:
        found = statistics.control_tokens
        out.print(f"control tokens: {found.occurrences:,} in {found.conversations:,} conversations")
    if statistics.splits.get("validation"):
        out.print(Text(printable(_line("splits", statistics.splits))))
    tokens = statistics.tokens
    out.print(f"tokens: {tokens.total:,} in all, {tokens.p50:,} median, {tokens.maximum:,} most")


def print_finished(directory: Path) -> None:
    """Where to look, and what to do next."""
    say(
        f"\nwritten to {directory}: report.html, README.md (dataset card), "
        "data/, ledger/, statistics.json"
    )
    say(f"next: curate verify {directory} · curate explain {directory} ID")


def plan_document(plan: Plan, directory: Path) -> dict[str, Any]:
    """A plan as a JSON document: the files, the stages, and what an earlier run left."""
    return {
        "output": str(directory),
        "files": [
            {
                "source": f.source.name,
                "file": f.file.name,
                "format": f.source.format,
                "bytes": f.bytes,
                "sha256": f.sha256,
                "read": summary_path(plan.read_task(f).folder).exists(),
            }
            for f in plan.files
        ],
        "stages": plan.recipe.stages.model_dump(),
    }


def print_plan(plan: Plan, directory: Path) -> None:
    """A plan for a person to read."""
    document = plan_document(plan, directory)
    files = [
        (f["source"], f["file"], f["format"], f["bytes"], (f["sha256"] or "unreadable")[:12])
        for f in document["files"]
    ]
    out.print(table("Input files", ("source", "file", "format", "bytes", "sha256"), files))
    stages = [
        (name, ", ".join(f"{key}={value}" for key, value in settings.items()))
        for name, settings in document["stages"].items()
    ]
    out.print(table("Stages", ("stage", "settings"), stages))
    read = sum(f["read"] for f in document["files"])
    say(f"would write to {directory}; {read} of {len(files)} files are read already")


def inspection(found: Inspection) -> dict[str, Any]:
    """An inspection as a JSON document."""
    return {
        "file": found.file.name,
        "container": found.container,
        "compression": found.compression,
        "encoding": found.encoding,
        "records": found.records,
        "conversations": found.conversations,
        "formats": found.formats,
        "repairs": found.repairs,
        "dropped": found.dropped,
        "quarantined": found.quarantined,
        "examples": [_without_personal_data(asdict(example)) for example in found.examples],
        "bad": [redacted(asdict(rejected), Privacy()) for rejected in found.bad],
    }


def _without_personal_data(example: dict[str, Any]) -> dict[str, Any]:
    """A conversation for the eye: what the privacy stage finds by default is named by its kind."""
    without_edits = {name: value for name, value in example.items() if name != "edits"}
    return dict(redacted(without_edits, Privacy()))


def print_inspection(found: Inspection) -> None:
    """What a file holds, its first conversations and its first bad records."""
    out.print(Text(found.file.name, style="bold"))
    facts = inspection(found)
    for name, value in facts.items():
        if isinstance(value, Counter):
            facts[name] = ", ".join(f"{key} {n:,}" for key, n in value.most_common()) or "none"
    told = [(k, v) for k, v in facts.items() if k not in ("file", "examples", "bad")]
    print_pairs([(OUTCOMES.get(name, name), value) for name, value in told])
    for example in facts["examples"]:
        say(f"\n  record {counted(example['position'])} ({example['format']})", "bold")
        messages = [Message(*message) for message in example["messages"]]
        print_messages([Message(m.role, excerpt(m.content, 200)) for m in messages])
    for bad in facts["bad"]:
        outcome = OUTCOMES.get(bad["outcome"], bad["outcome"])
        say(f"\n  record {counted(bad['position'])}: {outcome}, {bad['reason']}", "red")
        print_pairs(list(bad["evidence"].items()))
    out.print()


def print_pairs(pairs: Sequence[tuple[str, object]]) -> None:
    """Names and values, a line each; without those that say nothing."""
    for name, value in pairs:
        if value not in (None, "{}"):
            line = Text.assemble((f"  {name:<17} ", "dim"), printable(value))
            out.print(line, soft_wrap=True)


def print_messages(messages: Sequence[Message]) -> None:
    """A conversation."""
    for message in messages:
        line = Text.assemble((f"  {message.role:<10}", "cyan"), printable(message.content))
        out.print(line, soft_wrap=True)


def difference(
    before: str, diff: Sequence[dict[str, Any]] | None, context: int = 20, most: int = 10**9
) -> Text:
    """The changed parts of a text, [-as it was-]{+as it is+}, with a little of what is around.

    context and most: characters shown of each end of what stays, and of what does not.
    """
    if diff is None:
        return Text(f"  [-{excerpt(before, 200)}-]", style="red")
    text, place = Text("  "), 0
    for change in diff:
        text.append(_around(before[place : change["start"]], context))
        if change["removed"]:
            text.append(f"[-{_around(change['removed'], most)}-]", style="red")
        if change["added"]:
            text.append(f"{{+{_around(change['added'], most)}+}}", style="green")
        place = change["start"] + len(change["removed"])
    return text.append(_around(before[place:], context))


def _around(stretch: str, context: int) -> str:
    """The two ends of a stretch of text."""
    cut = len(stretch) > 2 * context
    return printable(f"{stretch[:context]}…{stretch[-context:]}" if cut else stretch)


def _sources(statistics: Statistics) -> Table:
    rows = [(s.source, s.records, s.kept, s.dropped, s.quarantined) for s in statistics.sources]
    header = ("source", "records", "kept", "dropped", "unreadable")
    return table("Records", header, [*rows, ("total", *_sums(rows))])


def _reasons(statistics: Statistics) -> Table:
    """Why records left, by source."""
    names = [source.source for source in statistics.sources]
    if _FIXED + sum(len(name) + _FRAME for name in names) > out.width:
        names = []  # no room for a column each
    rows = []
    for stage in statistics.stages:
        for reason, total in stage.dropped.items():
            counts = [statistics.reasons[name].get(reason, 0) for name in names]
            rows.append((stage.stage, reason, *counts, total))
    return table("Dropped or unreadable", ("stage", "reason", *names, "total"), rows)


def _rounds(statistics: Statistics) -> Table:
    rows = [
        (raw.source, raw.single, raw.multi, result.single, result.multi)
        for raw, result in statistics.round_pairs()
    ]
    header = ("source", "single, read", "multi, read", "single, kept", "multi, kept")
    return table("Rounds (Table 2 of the paper)", header, [*rows, ("total", *_sums(rows))])


def _stages(statistics: Statistics) -> Table:
    rows = [
        (s.stage, s.entered, s.kept, sum(s.dropped.values()), sum(s.edited.values()), s.seconds)
        for s in statistics.stages
    ]
    header = ("stage", "entered", "kept", "dropped", "edits", "worker s")
    return table("Stages", header, rows)


def _overlap(statistics: Statistics) -> Table:
    rows = [
        (o.source, o.other, o.clustered, o.exact, o.near, o.same_prompt)
        for o in statistics.overlap
        if o.clustered
    ]
    header = ("source", "and", "in common", "exact", "near", "same prompt")
    return table("Overlap (dropped in favour of the second)", header, rows)


def _contamination(statistics: Statistics) -> Table:
    rows = [
        (c.benchmark, c.items, c.subjects, c.conversations, c.found)
        for c in statistics.contamination
    ]
    header = ("benchmark", "items", "subjects", "conversations", "items named")
    return table("Contamination", header, rows)


def _sums(rows: Sequence[tuple[str, *tuple[int, ...]]]) -> list[int]:
    """Sums of the columns after the first."""
    return [sum(column) for column in zip(*(row[1:] for row in rows), strict=True)]


def _edits(statistics: Statistics) -> dict[str, int]:
    """How often each repair and each rule was applied."""
    return {rule: n for stage in statistics.stages for rule, n in stage.edited.items()}


def _line(name: str, counts: dict[str, int]) -> str:
    return f"{name}: " + ", ".join(f"{key} {n:,}" for key, n in counts.items())
