"""From two corpora to how each record changed, and the counts of that."""

from collections.abc import Iterable, Sequence

import polars as pl

from curation.compare.causes import Renamed
from curation.compare.records import COLUMNS, TRACES
from curation.compare.result import Change, ColumnChanges, SourceChanges

#: Columns of few values, for which it is told what became what.
_FEW_VALUES = ("language", "script", "category", "license", "split")
_NUMBERS = ("rounds", "control_tokens", "category_score", "quality", "tokens")
#: Pairs of values told of a column.
_MOVES = 5
_DECISION = ("outcome", "stage", "reason", "duplicate_of")


def new_ids(a: pl.DataFrame, b: pl.DataFrame, renames: Iterable[Renamed]) -> dict[str, str]:
    """Id in A → id in B of the records of renamed files: equal bytes, so equal positions."""
    ids: dict[str, str] = {}
    for renamed in renames:
        old, new = (
            frame.filter(pl.col("source") == file.source, pl.col("file") == file.file)
            .select("id", "position")
            .unique("position", keep="none")
            for frame, file in ((a, renamed.before), (b, renamed.after))
        )
        ids |= dict(old.join(new, on="position", suffix="_b").select("id", "id_b").rows())
    return ids


def changed(a: pl.DataFrame, b: pl.DataFrame, ids: dict[str, str]) -> pl.DataFrame:
    """All records of A and B side by side, B's values ending in `_b`.

    ids: A's ids that B has as others. Further columns: `was`, the id in A; `owner`, the source;
    `change`, null where the record is the same in both; and per value whether it differs.
    """
    a = a.with_columns(pl.col("id").alias("was"))
    if ids:
        a = a.with_columns(pl.col("id", "duplicate_of").replace(ids))
    both = a.join(b, on="id", how="full", suffix="_b", coalesce=True, maintain_order="right_left")
    return both.with_columns(
        pl.coalesce("source_b", "source").alias("owner"),
        _change().alias("change"),
        *(_differs(name).alias(f"{name}_differs") for name in (*COLUMNS, *TRACES, "text")),
    )


def _differs(*names: str) -> pl.Expr:
    return pl.any_horizontal(pl.col(name).ne_missing(pl.col(f"{name}_b")) for name in names)


def _change() -> pl.Expr:
    kept, kept_b = (pl.col(name).eq("kept") for name in ("outcome", "outcome_b"))
    return (
        pl.when(pl.col("outcome").is_null())
        .then(pl.lit(Change.ENTERED.value))
        .when(pl.col("outcome_b").is_null())
        .then(pl.lit(Change.LEFT.value))
        .when(kept & ~kept_b)
        .then(pl.lit(Change.LOST.value))
        .when(~kept & kept_b)
        .then(pl.lit(Change.GAINED.value))
        .when(_differs(*_DECISION))
        .then(pl.lit(Change.REDECIDED.value))
        .when(kept & _differs("text"))
        .then(pl.lit(Change.TEXT.value))
        .when(_differs(*COLUMNS))
        .then(pl.lit(Change.COLUMNS.value))
        .when(_differs("text", *TRACES))
        .then(pl.lit(Change.LEDGER.value))
    )


def by_source(both: pl.DataFrame, names: Sequence[str]) -> list[SourceChanges]:
    """Counts of each source of A or B."""
    rows = both.group_by("owner", "change").len().rows()
    counts = {(source, change): number for source, change, number in rows}
    before, after = (dict(both[name].value_counts().rows()) for name in ("source", "source_b"))
    return [
        SourceChanges(
            name,
            before.get(name, 0),
            after.get(name, 0),
            {change: counts[name, change] for change in Change if (name, change) in counts},
        )
        for name in names
    ]


def by_column(both: pl.DataFrame) -> list[ColumnChanges]:
    """The columns that differ in records that differ in columns alone, most records first."""
    rows = both.filter(pl.col("change") == Change.COLUMNS)
    found = []
    for column in COLUMNS:
        differing = rows.filter(f"{column}_differs")
        if differing.height:
            found.append(ColumnChanges(column, differing.height, _value_moves(differing, column)))
    return sorted(found, key=lambda one: -one.records)


def _value_moves(rows: pl.DataFrame, column: str) -> list[tuple[str | None, str | None, int]]:
    if column in _NUMBERS:
        higher = int((rows[column] < rows[f"{column}_b"]).sum())
        lower = int((rows[column] > rows[f"{column}_b"]).sum())
        pairs = [(None, "higher", higher), (None, "lower", lower)]
        return [pair for pair in pairs if pair[2]]
    if column not in _FEW_VALUES:
        return []
    names = [column, f"{column}_b"]
    order = ["len", *names]
    counts = rows.group_by(names).len().sort(order, descending=[True, False, False])
    return list(counts.head(_MOVES).rows())


def by_trace(both: pl.DataFrame) -> dict[str, int]:
    """What differs in records that differ in the ledger alone."""
    rows = both.filter(pl.col("change") == Change.LEDGER)
    counts = {name: int(rows[f"{name}_differs"].sum()) for name in (*TRACES, "text")}
    return {name: number for name, number in counts.items() if number}
