"""The contamination table: what was found of each benchmark, from the ledger."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

import polars as pl

from curation.engine.tables import tally
from curation.stages.decontaminate import load
from schemas.statistics import Contamination


def contamination(decisions: pl.LazyFrame, index: Path) -> list[Contamination]:
    """One row per benchmark of the index at `index`, in their order."""
    built = load(index)
    items = Counter(built.benchmarks.to_pylist())
    pairs = set(zip(built.benchmarks.to_pylist(), built.subjects.to_pylist(), strict=True))
    subjects = Counter(benchmark for benchmark, _ in pairs)
    evidence = _evidence(decisions)
    found = {
        name for one in evidence for name in (f"{one['benchmark']}/{one['item']}", *one["also"])
    }
    return [
        Contamination(
            benchmark=name,
            items=items[name],
            subjects=subjects[name],
            conversations=sum(one["benchmark"] == name for one in evidence),
            found=sum(item.startswith(f"{name}/") for item in found),
            by_subject=tally(one["subject"] for one in evidence if one["benchmark"] == name),
        )
        for name in items
    ]


def _evidence(decisions: pl.LazyFrame) -> list[dict[str, Any]]:
    """What the ledger tells of each conversation that contains an item, dropped or kept."""
    told = pl.col("evidence").str.contains('"benchmark": ', literal=True)
    checked = (pl.col("stage") == "decontaminate") | (pl.col("outcome") == "kept")
    rows = decisions.filter(checked & told).select("evidence").collect()
    return [json.loads(one) for one in rows["evidence"]]
