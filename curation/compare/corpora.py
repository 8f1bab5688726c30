"""The whole comparison of two corpus directories."""

from pathlib import Path

import polars as pl

from curation.compare.causes import causes, renamed_inputs, renamed_sources
from curation.compare.changes import by_column, by_source, by_trace, changed, new_ids
from curation.compare.moves import moves, rules, with_examples
from curation.compare.records import records
from curation.compare.result import Cause, Change, Comparison
from schemas.corpus import read_manifest
from schemas.manifest import Manifest


def compare(a: Path, b: Path, *, examples: int = 3, seed: int = 0) -> Comparison:
    """What differs between the corpora `a` and `b`, with `examples` records of each move.

    Raises CorpusError where one of them is unfinished, damaged or of another version.
    """
    directories, manifests = (a, b), (read_manifest(a), read_manifest(b))
    old, new = records(a), records(b)
    renamed = new_ids(old, new, renamed_inputs(*manifests))
    sources = renamed_sources(*manifests)
    both = changed(old.with_columns(pl.col("source").replace(sources)), new, renamed)
    found = moves(both)
    read, read_b, kept, kept_b, common = _totals(both)
    return Comparison(
        records=(read, read_b),
        kept=(kept, kept_b),
        common=common,
        causes=_causes(*manifests, bool(found)),
        moves=with_examples(found, both, directories, manifests, (examples, seed)),
        sources=by_source(both, _source_names(manifests, sources)),
        columns=by_column(both),
        ledger=by_trace(both),
        rules=rules(both, directories),
        renamed=renamed,
        same_text=_same_text(both),
    )


def _totals(both: pl.DataFrame) -> tuple[int, ...]:
    """Records of A and of B, kept ones of A and of B, and records of both."""
    outcome, outcome_b = pl.col("outcome"), pl.col("outcome_b")
    return both.select(
        outcome.count().alias("read"),
        outcome_b.count().alias("read_b"),
        (outcome == "kept").sum().alias("kept"),
        (outcome_b == "kept").sum().alias("kept_b"),
        (outcome.is_not_null() & outcome_b.is_not_null()).sum().alias("common"),
    ).row(0)


def _causes(a: Manifest, b: Manifest, moved: bool) -> list[Cause]:
    """Where nothing else can have moved a record, the code did: the key stands for it too."""
    found = causes(a, b)
    if moved and not found and a.key != b.key:
        return [Cause("code", "aurora-zh", a.key, b.key)]
    return found


def _source_names(manifests: tuple[Manifest, Manifest], renamed: dict[str, str]) -> list[str]:
    names = [source.name for manifest in manifests for source in manifest.recipe.sources]
    return list(dict.fromkeys(renamed.get(name, name) for name in names))


def _same_text(both: pl.DataFrame) -> int:
    """Of the kept records that entered: those whose text is that of a kept one that left."""
    left = both.filter(pl.col("change") == Change.LEFT, pl.col("outcome") == "kept")
    entered = both.filter(pl.col("change") == Change.ENTERED, pl.col("outcome_b") == "kept")
    return int(entered["text_b"].is_in(left["text"].to_list()).sum())
