"""What is known of every record, held in memory as arrays: some 60 bytes a record, and its id."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.outputs.parquet import scan

#: Columns that a view filters by one value of, and where each comes from.
DECIDED = ("source", "outcome", "stage", "reason")
PUBLISHED = ("category", "language", "script")
#: Columns that a view orders by, or takes a range of.
NUMBERS = ("quality", "tokens", "rounds")

Rows = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Coded:
    """A column of few values. `codes`: (n,) places in `values`, -1 where a record has none."""

    values: list[str]
    codes: NDArray[np.int32]

    def equals(self, value: str) -> Mask:
        """(n,) which records have `value`."""
        mask: Mask = self.codes == (self.values.index(value) if value in self.values else -2)
        return mask

    def value(self, place: int) -> str:
        """The value of a record; nothing where it has none."""
        code = int(self.codes[place])
        return self.values[code] if code >= 0 else ""

    def counts(self, of: Mask) -> dict[str, int]:
        """Value → how many of the records `of` have it, most frequent first; without zeros."""
        found = np.bincount(self.codes[of & (self.codes >= 0)], minlength=len(self.values))
        order = np.argsort(-found, kind="stable")
        return {self.values[i]: int(found[i]) for i in order if found[i]}


@dataclass(frozen=True, slots=True)
class Several:
    """A column of any number of values a record: (e,) pairs of a record and a place in `values`."""

    values: list[str]
    records: Rows
    codes: NDArray[np.int32]
    size: int

    def equals(self, value: str) -> Mask:
        """(n,) which records have `value` among theirs."""
        mask = np.zeros(self.size, bool)
        if value in self.values:
            mask[self.records[self.codes == self.values.index(value)]] = True
        return mask

    def counts(self, of: Mask) -> dict[str, int]:
        """Value → how many of the records `of` have it."""
        return Coded(self.values, self.codes).counts(of[self.records])


@dataclass(frozen=True, slots=True)
class Index:
    """Every record of the ledger, in its order.

    decisions: the ledger's table. columns and several: by name. numbers: (n,) float32, NaN where a
    record has none. survivor: (n,) the record in whose favour it was dropped, else -1. kept: (d,)
    the record of each row of `data`; edited: (e,) that of each row of the edits, in their order.
    """

    decisions: pa.Table
    columns: dict[str, Coded]
    several: dict[str, Several]
    numbers: dict[str, NDArray[np.float32]]
    survivor: Rows
    kept: Rows
    edited: Rows

    @property
    def facets(self) -> dict[str, Coded | Several]:
        """All that a view filters by."""
        return {**self.columns, **self.several}

    @property
    def size(self) -> int:
        """Records."""
        return int(self.decisions.num_rows)

    def find(self, record: str) -> int | None:
        """The place of a record, by its id."""
        place = pc.index(self.decisions.column("id"), record).as_py()
        return None if place < 0 else int(place)

    def id(self, place: int) -> str:
        """The id of a record, by its place."""
        return str(self.decisions.column("id")[place].as_py())

    def decision(self, place: int) -> dict[str, Any]:
        """The ledger's row of a record."""
        return dict(self.decisions.slice(place, 1).to_pylist()[0])

    def duplicates(self, place: int) -> Rows:
        """The records that were dropped in favour of one."""
        return np.flatnonzero(self.survivor == place)


def read_index(directory: Path) -> Index:
    """Read the index of a corpus. Raises CorpusError, PolarsError or OSError where damaged."""
    decisions = scan(directory / "ledger" / "decisions").collect()
    ids = decisions.lazy().select("id").with_row_index("record")
    data = scan(directory / "data").select("id", "pii", *PUBLISHED, *NUMBERS)
    published = data.join(ids, on="id", how="left", maintain_order="left").collect()
    # A damaged corpus may have rows that the ledger does not know; they are not shown.
    published = published.filter(pl.col("record").is_not_null())
    kept = published["record"].to_numpy().astype(np.int64)
    size = len(decisions)
    rules, edited = _rules(directory, ids, size)
    derived = {"split": _split(decisions), "rounds": _turns(published, kept, size)}
    return Index(
        decisions.to_arrow(),
        {name: _coded(decisions[name]) for name in DECIDED}
        | {name: _spread(_coded(published[name]), kept, size) for name in PUBLISHED}
        | derived,
        {"rule": rules, "pii": _several(published.select("record", value="pii"), size)},
        _all_numbers(decisions, published, kept),
        _survivors(decisions, ids),
        kept,
        edited,
    )


def _coded(column: pl.Series) -> Coded:
    values = column.drop_nulls().unique().sort()
    codes = column.to_frame("value").join(
        values.to_frame("value").with_row_index("code"),
        on="value",
        how="left",
        maintain_order="left",
    )["code"]
    return Coded(values.to_list(), codes.cast(pl.Int32).fill_null(-1).to_numpy())


def _spread(column: Coded, kept: Rows, size: int) -> Coded:
    """A column of the published rows as one of all records."""
    codes = np.full(size, -1, np.int32)
    codes[kept] = column.codes
    return Coded(column.values, codes)


def _numbers(column: pl.Series, kept: Rows, size: int) -> NDArray[np.float32]:
    numbers = np.full(size, np.nan, np.float32)
    numbers[kept] = column.cast(pl.Float32).fill_null(float("nan")).to_numpy()
    return numbers


def _all_numbers(
    decisions: pl.DataFrame, published: pl.DataFrame, kept: Rows
) -> dict[str, NDArray[np.float32]]:
    numbers = {name: _numbers(published[name], kept, len(decisions)) for name in NUMBERS}
    dropped = _scores(decisions)
    return numbers | {"quality": np.where(np.isnan(dropped), numbers["quality"], dropped)}


def _scores(decisions: pl.DataFrame) -> NDArray[np.float32]:
    """(n,) the quality of those that the quality stage dropped for it, by their evidence."""
    score = pl.col("evidence").str.json_path_match("$.score").cast(pl.Float32, strict=False)
    scores = decisions.select(pl.when(pl.col("stage") == "quality").then(score))
    return scores.to_series().fill_null(float("nan")).to_numpy()


def _split(decisions: pl.DataFrame) -> Coded:
    split = pl.col("evidence").str.json_path_match("$.split").fill_null("train")
    return _coded(decisions.select(pl.when(pl.col("outcome") == "kept").then(split)).to_series())


def _turns(published: pl.DataFrame, kept: Rows, size: int) -> Coded:
    names = pl.when(pl.col("rounds") > 1).then(pl.lit("multi")).otherwise(pl.lit("single"))
    return _spread(_coded(published.select(names).to_series()), kept, size)


def _rules(directory: Path, ids: pl.LazyFrame, size: int) -> tuple[Several, Rows]:
    """Which rules edited which records, and the record of each edit."""
    edits = scan(directory / "ledger" / "edits").select("id", value=pl.col("rule").str.split("+"))
    found = edits.join(ids, on="id", how="left", maintain_order="left").collect()
    known = found.filter(pl.col("record").is_not_null())
    return _several(known, size), found["record"].cast(pl.Int64).fill_null(-1).to_numpy()


def _several(lists: pl.DataFrame, size: int) -> Several:
    """lists: columns record, and `value`, lists that may be null."""
    pairs = lists.select("record", "value").explode("value").drop_nulls().unique()
    pairs = pairs.sort("record", "value")
    coded = _coded(pairs["value"])
    return Several(coded.values, pairs["record"].to_numpy().astype(np.int64), coded.codes, size)


def _survivors(decisions: pl.DataFrame, ids: pl.LazyFrame) -> Rows:
    joined = (
        decisions.lazy()
        .select("duplicate_of")
        .join(ids, left_on="duplicate_of", right_on="id", how="left", maintain_order="left")
    )
    return joined.collect()["record"].cast(pl.Int64).fill_null(-1).to_numpy()
