"""`statistics.json`, from the notes of the checkpoints and the files that were written."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from curation.engine import checkpoint
from curation.engine.corpus import Corpus
from curation.engine.plan import Plan
from curation.engine.tables import tally
from curation.outputs.clusters import cluster_members, largest_clusters, overlap
from curation.outputs.contamination import contamination
from curation.outputs.parquet import ROW_GROUP, scan
from curation.outputs.spread import histograms, tallies
from curation.stages import COUNT_READ, SIGNATURES
from schemas.conversation import DATA
from schemas.ledger import Outcome
from schemas.statistics import (
    ControlTokensFound,
    Distribution,
    Rounds,
    SamePrompt,
    SourceCounts,
    StageCounts,
    Statistics,
)


def collect(
    directory: Path, plan: Plan, corpus: Corpus, duplicates: pa.Table, compared: Path | None
) -> Statistics:
    """Statistics of the data and ledger under `directory`.

    duplicates: those dropped, by `engine.duplicates.DUPLICATES`, kept at `compared` if looked for.
    """
    reads = [(chunk.source, checkpoint.load_note(chunk.read)) for chunk in corpus.chunks]
    noted = [
        (chunk.source, stage)
        for chunk in corpus.chunks
        for stage in checkpoint.load_note(chunk.index_path)["stages"]
    ]
    stages = [stage for _, stage in noted]
    names = [source.name for source in plan.recipe.sources]
    data, measured = scan(directory / "data"), _measured(directory / "data")
    texts = measured.lazy()
    decisions = scan(directory / "ledger" / "decisions")
    counts = [_read_counts(reads), *_stage_counts(stages)]
    if compared and plan.recipe.stages.dedup.enabled:
        signing = [s for s in stages if s["stage"].startswith(SIGNATURES)]
        timed = [checkpoint.load_note(compared), *signing]
        counts.append(_dedup_counts(len(corpus), duplicates, timed))
    members = cluster_members(corpus, duplicates)
    return Statistics(
        sources=source_counts(decisions, names),
        stages=counts,
        rounds=[*_raw_rounds(reads, names), *_result_rounds(data, names)],
        reasons=_reasons(decisions, names),
        formats=_by_source(reads, names, "formats"),
        repairs=_by_source(reads, names, "repairs"),
        categories=_value_counts(data, "category"),
        languages=_sum(stage.get("language", {}) for stage in stages),
        scripts_read=_sum(stage.get("script_before", {}) for stage in stages),
        scripts=_value_counts(data, "script"),
        pii=_sum(stage.get("pii", {}) for stage in stages),
        control_tokens=_control_tokens(stages),
        tokens=_distribution(data, pl.col("tokens")),
        characters=_distribution(texts, pl.col("characters")),
        splits=_splits(directory / "data"),
        histograms=histograms([*reads, *noted], measured, names),
        tallies=tallies(noted, data, names),
        overlap=overlap(members, names),
        clusters=largest_clusters(corpus, members, plan.recipe.stages.privacy),
        same_prompt=_same_prompt(texts),
        contamination=contamination(decisions, plan.index_path) if plan.benchmarks else [],
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


def _stage_counts(stages: list[dict[str, Any]]) -> list[StageCounts]:
    """Each batch stage, in order, but for those that are a part of another.

    Signatures are the batch half of deduplication, counting what was read is the first of tokens.
    """
    counts = []
    first = [stage for stage in stages if stage["stage"] == COUNT_READ]
    for name in dict.fromkeys(stage["stage"] for stage in stages):
        if name.startswith(SIGNATURES) or name == COUNT_READ:
            continue
        notes = [stage for stage in stages if stage["stage"] == name]
        dropped = _sum(note["dropped"] for note in notes)
        entered = sum(note["entered"] for note in notes)
        counts.append(
            StageCounts(
                stage=name,
                entered=entered,
                kept=entered - sum(dropped.values()),
                dropped=dropped,
                edited=_sum(note["edited"] for note in notes),
                seconds=_seconds([*first, *notes] if name == "tokens" else notes),
            )
        )
    return counts


def _dedup_counts(
    entered: int, duplicates: pa.Table, notes: Sequence[dict[str, Any]]
) -> StageCounts:
    return StageCounts(
        stage="dedup",
        entered=entered,
        kept=entered - duplicates.num_rows,
        dropped=tally(duplicates.column("reason").to_pylist()),
        edited={},
        seconds=_seconds(notes),
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


def _control_tokens(stages: list[dict[str, Any]]) -> ControlTokensFound:
    found = _sum(stage.get("control_tokens", {}) for stage in stages)
    return ControlTokensFound(**{"conversations": 0, "occurrences": 0} | found)


def _splits(folder: Path) -> dict[str, int]:
    """Rows of each split that has files."""
    counts: Counter[str] = Counter()
    for path in sorted(folder.glob("*.parquet")):
        counts[path.name.split("-")[0]] += pq.read_metadata(path).num_rows
    return dict(counts)


def _same_prompt(texts: pl.LazyFrame) -> SamePrompt:
    """Of kept conversations: how many share their user turns with a different one."""
    answers = texts.unique(["prompt", "conversation"]).group_by("prompt").len()
    several = answers.filter(pl.col("len") > 1)
    counts = several.select(pl.len(), pl.col("len").sum().alias("sum"))
    prompts, conversations = counts.collect().row(0)
    return SamePrompt(prompts=prompts, conversations=conversations)


def _batches(path: Path) -> Iterator[pa.RecordBatch]:
    """What is measured of a file, a row group at a time; an empty batch where it has no rows."""
    names = ["source", "messages", "tokens", "quality"]
    yield from pq.ParquetFile(path).iter_batches(ROW_GROUP, columns=names)
    yield pa.RecordBatch.from_pylist([], pa.schema([DATA.field(name) for name in names]))


def _measured(folder: Path) -> pl.DataFrame:
    """Of every kept conversation source, characters, tokens, quality, and hashes of its turns.

    `prompt` is of its user turns, `conversation` of all.

    Read a row group at a time: the texts of a large corpus do not fit into memory.
    """
    message = pl.element().struct
    content = message.field("content")
    asked = pl.when(message.field("role") == "user").then(content)
    measures = (
        pl.col("source", "tokens", "quality"),
        pl.col("messages").list.eval(content.str.len_chars()).list.sum().alias("characters"),
        pl.col("messages").list.eval(asked.drop_nulls()).list.join("\x1e").hash().alias("prompt"),
        pl.col("messages").list.eval(content).list.join("\x1e").hash().alias("conversation"),
    )
    return pl.concat(
        pl.DataFrame(batch).select(measures)
        for path in sorted(folder.glob("*.parquet"))
        for batch in _batches(path)
    )


def _seconds(notes: Iterable[dict[str, Any]]) -> float:
    return round(sum(float(note["seconds"]) for note in notes), 2)


def _sum(counts: Iterable[dict[str, int]]) -> dict[str, int]:
    """Sum of tallies, most frequent first."""
    total: Counter[str] = Counter()
    for count in counts:
        total.update(count)
    return dict(sorted(total.items(), key=lambda item: (-item[1], item[0])))
