"""Rounds and Mixtral tokens of each conversation."""

from functools import cache
from importlib.resources import as_file, files

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sentencepiece

from curation.stages.batch import StageResult, Turns, turns


def tokens(batch: pa.RecordBatch, _config: None = None) -> StageResult:
    """Give columns `rounds` and `tokens`.

    `tokens` is the exact length of the conversation in Mixtral's v1 template, as mistral-common
    renders it: BOS, then per round "[INST] question [/INST]", answer, EOS; a system message stands
    before the first question, with a blank line between.
    """
    flat = turns(batch)
    answers = np.asarray(pc.equal(flat.roles, "assistant"), np.int64)
    systems = np.asarray(pc.equal(flat.roles, "system"), np.int64)
    pieces = _tokenizer().encode(_rendered(flat), num_threads=1)
    counts = np.zeros(len(answers), np.int64)
    counts[systems == 0] = [len(piece) for piece in pieces]
    columns = {
        "rounds": _per_row(answers, flat),
        "tokens": _per_row(counts + answers, flat) + 1,  # an EOS per answer, one BOS
    }
    return StageResult({name: pa.array(v.astype(np.int32)) for name, v in columns.items()})


def _rendered(flat: Turns) -> list[str]:
    """The text of every turn in the template; a system message joins the question after it."""
    texts, system = [], ""
    for role, content in zip(flat.roles.to_pylist(), flat.contents.to_pylist(), strict=True):
        if role == "system":
            system = f"{content}\n\n"
        elif role == "user":
            texts.append(f"[INST] {system}{content} [/INST]")
            system = ""
        else:
            texts.append(content)
    return texts


def _per_row(values: np.ndarray, flat: Turns) -> np.ndarray:
    """(n,) sums of a per-message value over each row."""
    before = np.concatenate([[0], np.cumsum(values)])
    sums: np.ndarray = np.diff(before[flat.offsets])
    return sums


@cache
def _tokenizer() -> sentencepiece.SentencePieceProcessor:
    """Mixtral-8x7B-Instruct-v0.1's own tokenizer, which mistral-common carries in its wheel."""
    with as_file(files("mistral_common") / "data" / "tokenizer.model.v1") as path:
        return sentencepiece.SentencePieceProcessor(model_file=str(path))
