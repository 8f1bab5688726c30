"""Decontamination: finds conversations that contain items of the benchmarks one scores on."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.stages.batch import Drop, StageResult, turns
from curation.stages.decontaminate.index import Index, build, is_sound, load
from curation.stages.decontaminate.match import find
from curation.stages.decontaminate.score import Match
from curation.stages.decontaminate.text import blocks, squeeze
from curation.text.codepoints import CodePoints

__all__ = ["Decontamination", "build", "decontaminate", "is_sound", "load"]

REASON = "benchmark"
_ALSO = 10  # further items named


@dataclass(frozen=True, slots=True)
class Decontamination:
    """What the stage needs to know: where the index is, and the options of the recipe."""

    index: Path
    threshold: float
    action: Literal["drop", "flag"]


def decontaminate(batch: pa.RecordBatch, config: Decontamination) -> StageResult:
    """Column `contamination`: null, or the evidence that a row contains a benchmark item, as JSON.

    With action `drop` such rows are dropped, for the reason `benchmark`.
    """
    index = load(config.index)
    evidence = {
        row: _evidence(index, matches, config.threshold)
        for row, matches in _matches(batch, index, config.threshold).items()
    }
    told = [
        json.dumps(evidence[row], ensure_ascii=False, sort_keys=True) if row in evidence else None
        for row in range(len(batch))
    ]
    drops = [Drop(row, REASON, one) for row, one in evidence.items()]
    columns = {"contamination": pa.array(told, pa.string())}
    return StageResult(columns, drops=drops if config.action == "drop" else ())


def _matches(
    batch: pa.RecordBatch, index: Index, threshold: float
) -> dict[int, list[tuple[Match, int]]]:
    """Row → its matches and their turns, the best first. In row order."""
    flat = turns(batch)
    rows = flat.rows
    lengths = pc.fill_null(pc.binary_length(flat.contents), 0).to_numpy(zero_copy_only=False)
    found: dict[int, list[tuple[Match, int]]] = {}
    for first, last in blocks(np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)])):
        texts = squeeze(CodePoints.of(flat.contents.slice(first, last - first)))
        for text, matches in find(texts, index, threshold):
            row = int(rows[first + text])
            turn = first + text - int(flat.offsets[row])
            found.setdefault(row, []).extend((match, turn) for match in matches)
    return {row: sorted(found[row], key=_rank) for row in sorted(found)}


def _rank(found: tuple[Match, int]) -> tuple[float, bool, int, int]:
    """The best match first: the highest score, with options, the first item, the first turn."""
    match, turn = found
    return -match.score, not match.with_options, match.entry, turn


def _evidence(index: Index, matches: list[tuple[Match, int]], threshold: float) -> dict[str, Any]:
    best, turn = matches[0]
    entries = dict.fromkeys(match.entry for match, _ in matches)
    item, *others = (item for entry in entries for item in range(*index.items[entry : entry + 2]))
    return {
        "benchmark": index.benchmarks[item].as_py(),
        "subject": index.subjects[item].as_py(),
        "item": index.names[item].as_py(),
        "score": round(best.score, 4),
        "matched": "question_and_options" if best.with_options else "question",
        "turn": turn,
        "threshold": threshold,
        "also": [
            f"{index.benchmarks[other].as_py()}/{index.names[other].as_py()}"
            for other in others[:_ALSO]
        ],
    }
