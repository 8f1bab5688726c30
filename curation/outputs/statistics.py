"""`statistics.json`, from the notes of the checkpoints and the files that were written."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import polars as pl

from curation.engine import checkpoint
from curation.engine.batches import ChunkTask
from curation.outputs.parquet import scan
from schemas.ledger import Outcome
from schemas.recipe import Recipe
from schemas.statistics import (
    Distribution,
    Overlap,
    Rounds,
    SourceCounts,
    StageCounts,
    Statistics,
)

_DEDUP = "dedup"
_SIGNATURES = "signatures"  # the batch half of deduplication


def collect(
    directory: Path, recipe: Recipe, chunks: Sequence[ChunkTask], duplicates: Path | None
) -> Statistics:
    """Statistics of the data and ledger under `directory`."""
    reads = [(chunk.source, checkpoint.load_note(chunk.read)) for chunk in chunks]
    stages = [
        stage for chunk in chunks for stage in checkpoint.load_note(chunk.index_path)["stages"]
    ]
    names = [source.name for source in recipe.sources]
    data = scan(directory / "data")
    decisions = scan(directory / "ledger" / "decisions")
    return Statistics(
        sources=source_counts(decisions, names),
        stages=[_read_counts(reads), *_stage_counts(stages, duplicates)],
        rounds=[*_raw_rounds(reads, names), *_result_rounds(data, names)],
        reasons=_reasons(decisions, names),
        formats=_by_source(reads, names, "formats"),
        repairs=_by_source(reads, names, "repairs"),
        categories=_value_counts(data, "category"),
        languages=_sum(stage.get("language", {}) for stage in stages),
        scripts_read=_sum(stage.get("script_before", {}) for stage in stages),
        scripts=_value_counts(data, "script"),
        tokens=_distribution(data, pl.col("tokens")),
        characters=_distribution(data, _characters()),
        overlap=_overlap(duplicates, chunks),
    )


def source_counts(decisions: pl.LazyFrame, names: Sequence[str]) -> list[SourceCounts]:
    """The identity of each source, counted from the ledger."""
    rows = decisions.group_by("source", "outcome").len().collect().rows()
    counts = {(source, outcome): number for source, outcome, number in rows}
    return [
        SourceCounts(
            source=name,
            records=sum(counts.get((name, outcome), 0) for outcome in Outcome),
            **{outcome.value: counts.get((name, outcome), 0) for outcome in Outcome},
        )
        for name in names
    ]


def _read_counts(reads: list[tuple[str, dict[str, Any]]]) -> StageCounts:
    notes = [note for _, note in reads]
    entered = sum(note["records"] for note in notes)
    rejected = _sum(note["rejected"] for note in notes)
    return StageCounts(
        stage="read",
        entered=entered,
        kept=entered - sum(rejected.values()),
        dropped=rejected,
        edited=_sum(note["repairs"] for note in notes),
        seconds=_seconds(notes),
    )


def _stage_counts(stages: list[dict[str, Any]], duplicates: Path | None) -> list[StageCounts]:
    """Each batch stage, in order; then deduplication, which includes making the signatures."""
    counts = []
    for name in dict.fromkeys(stage["stage"] for stage in stages):
        notes = [stage for stage in stages if stage["stage"] == name]
        dropped = _sum(note["dropped"] for note in notes)
        if name == _SIGNATURES:
            continue
        entered = sum(note["entered"] for note in notes)
        counts.append(
            StageCounts(
                stage=name,
                entered=entered,
                kept=entered - sum(dropped.values()),
                dropped=dropped,
                edited=_sum(note["edited"] for note in notes),
                seconds=_seconds(notes),
            )
        )
    if duplicates is not None:
        signatures = [stage for stage in stages if stage["stage"] == _SIGNATURES]
        counts.append(_dedup_counts(signatures, duplicates))
    return counts


def _dedup_counts(signatures: list[dict[str, Any]], duplicates: Path) -> StageCounts:
    (table,), note = checkpoint.load(duplicates)
    entered = sum(one["entered"] for one in signatures)
    exact = sum(table.column("exact").to_pylist())
    dropped = {"exact_duplicate": exact, "near_duplicate": table.num_rows - exact}
    return StageCounts(
        stage=_DEDUP,
        entered=entered,
        kept=entered - table.num_rows,
        dropped={reason: number for reason, number in dropped.items() if number},
        edited={},
        seconds=_seconds([*signatures, note]),
    )


def _raw_rounds(reads: list[tuple[str, dict[str, Any]]], names: Sequence[str]) -> list[Rounds]:
    return [
        Rounds(
            of="raw",
            source=name,
            single=sum(note["single"] for source, note in reads if source == name),
            multi=sum(note["multi"] for source, note in reads if source == name),
        )
        for name in names
    ]


def _result_rounds(data: pl.LazyFrame, names: Sequence[str]) -> list[Rounds]:
    multi = (pl.col("rounds") > 1).sum()
    rows = data.group_by("source").agg(pl.len() - multi, multi.alias("multi")).collect().rows()
    counts = {source: (single, many) for source, single, many in rows}
    return [
        Rounds(of="result", source=name, single=single, multi=many)
        for name in names
        for single, many in [counts.get(name, (0, 0))]
    ]


def _reasons(decisions: pl.LazyFrame, names: Sequence[str]) -> dict[str, dict[str, int]]:
    left = decisions.filter(pl.col("reason").is_not_null())
    rows = left.group_by("source", "reason").len().collect()
    ordered = rows.sort(["len", "reason"], descending=[True, False]).rows()
    return {
        name: {reason: number for source, reason, number in ordered if source == name}
        for name in names
    }


def _by_source(
    reads: list[tuple[str, dict[str, Any]]], names: Sequence[str], key: str
) -> dict[str, dict[str, int]]:
    return {name: _sum(note[key] for source, note in reads if source == name) for name in names}


def _value_counts(data: pl.LazyFrame, column: str) -> dict[str, int]:
    counts = data.group_by(column).len().drop_nulls().collect()
    return dict(counts.sort(["len", column], descending=[True, False]).rows())


def _characters() -> pl.Expr:
    content = pl.element().struct.field("content").str.len_chars()
    return pl.col("messages").list.eval(content).list.sum()


def _distribution(data: pl.LazyFrame, values: pl.Expr) -> Distribution:
    quantiles = {"p5": 0.05, "p50": 0.5, "p95": 0.95, "p99": 0.99}
    row = data.select(
        values.sum().cast(pl.Int64).fill_null(0).alias("total"),
        values.mean().fill_null(0.0).round(1).alias("mean"),
        values.min().fill_null(0).alias("minimum"),
        values.max().fill_null(0).alias("maximum"),
        *(
            values.quantile(q, "nearest").fill_null(0).cast(pl.Int64).alias(name)
            for name, q in quantiles.items()
        ),
    ).collect()
    return Distribution(**row.row(0, named=True))


def _overlap(duplicates: Path | None, chunks: Sequence[ChunkTask]) -> list[Overlap]:
    """Dropped duplicates by the pair of sources, within one source too."""
    if duplicates is None:
        return []
    (table,), _ = checkpoint.load(duplicates)
    pairs = Counter(
        (chunks[chunk].source, survivor, exact)
        for chunk, survivor, exact in zip(
            table.column("chunk").to_pylist(),
            table.column("survivor_source").to_pylist(),
            table.column("exact").to_pylist(),
            strict=True,
        )
    )
    return [
        Overlap(
            source=source,
            duplicate_of=survivor,
            exact=pairs[source, survivor, True],
            near=pairs[source, survivor, False],
        )
        for source, survivor in sorted({(source, survivor) for source, survivor, _ in pairs})
    ]


def _seconds(notes: Iterable[dict[str, Any]]) -> float:
    return round(sum(float(note["seconds"]) for note in notes), 2)


def _sum(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    """Sum of tallies, most frequent first."""
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))
