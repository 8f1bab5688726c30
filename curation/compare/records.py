"""A corpus as one row per record, its texts as fingerprints: it fits into memory, they do not."""

from pathlib import Path

import polars as pl

from curation.outputs.parquet import readable, scan
from schemas.conversation import DATA

#: Columns of `data` that are compared value by value, beside the split that its files stand for.
COLUMNS = [name for name in DATA.names if name not in ("id", "source", "messages")] + ["split"]
#: What of a record only the ledger has, as 64-bit fingerprints.
TRACES = ["evidence", "edits"]


def records(directory: Path) -> pl.DataFrame:
    """Every record of a corpus, in the ledger's order.

    Columns: id, source, file, position, outcome, stage, reason, duplicate_of; `evidence`, `edits`
    and `text` (of the messages published or dropped) as fingerprints that hold for this process;
    and `COLUMNS`, null where not kept. Raises CorpusError where files are missing or damaged.
    """
    with readable(directory):
        kept = pl.concat([_kept(directory, path) for path in _shards(directory)])
        dropped = scan(directory / "ledger" / "dropped").select("id", text=_TEXT)
        texts = pl.concat([kept.select("id", "text").lazy(), dropped])
        decisions = scan(directory / "ledger" / "decisions").with_columns(pl.col("evidence").hash())
        frame = (
            decisions.join(_edits(directory), on="id", how="left")
            .join(texts, on="id", how="left")
            .join(kept.drop("text").lazy(), on="id", how="left", maintain_order="left")
        )
        return frame.collect()


def _shards(directory: Path) -> list[Path]:
    scan(directory / "data")  # raises where there is none
    return sorted((directory / "data").glob("*.parquet"))


def _kept(directory: Path, path: Path) -> pl.DataFrame:
    """The rows of one shard, without their texts; streamed."""
    split = pl.lit(path.name.split("-")[0]).alias("split")
    rows = pl.scan_parquet(path, glob=False)
    wanted = [name for name in COLUMNS if name != "split"]
    return rows.select("id", *wanted, split, _TEXT.alias("text")).collect(engine="streaming")


def _edits(directory: Path) -> pl.LazyFrame:
    """One fingerprint per record that was edited."""
    edits = scan(directory / "ledger" / "edits")
    row = pl.struct("turn", "stage", "rule", "before", "after").hash()
    fingerprints = edits.select("id", edits=row).group_by("id").agg(pl.col("edits").sum())
    return fingerprints.collect(engine="streaming").lazy()


_MESSAGE = pl.element().struct
_CONTENT = _MESSAGE.field("content")
# With the length, so that no content can pass for several messages.
_TEXT = (
    pl.col("messages")
    .list.eval(pl.format("{} {} {}", _MESSAGE.field("role"), _CONTENT.str.len_bytes(), _CONTENT))
    .list.join("\n")
    .hash()
)
