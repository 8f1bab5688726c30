"""Rounds and Mixtral tokens of each conversation, as it was read and as it is published."""

import hashlib
from functools import cache
from importlib.resources import as_file, files
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import sentencepiece

from curation.stages.batch import StageResult, Turns, turns
from schemas.conversation import ROLES

#: The tokens of a conversation as it was read, and 128 bits of BLAKE2b of it.
TOKENS_READ, DIGEST_READ = "tokens_read", "digest_read"


def tokens_read(batch: pa.RecordBatch, _config: None = None) -> StageResult:
    """Give columns `tokens_read`, counted as `tokens` are, and `digest_read`, for `tokens`."""
    flat = turns(batch)
    return StageResult({TOKENS_READ: _counted(flat), DIGEST_READ: _digests(flat)})


def tokens(batch: pa.RecordBatch, _config: None = None) -> StageResult:
    """Give columns `rounds` and `tokens`.

    `tokens` is the exact length of the conversation in Mixtral's v1 template, as mistral-common
    renders it: BOS, then per round "[INST] question [/INST]", answer, EOS; a system message stands
    before the first question, with a blank line between. Conversations that are as they were read
    are not counted again.
    """
    flat = turns(batch)
    answers = np.asarray(pc.equal(flat.roles, "assistant"), np.int64)
    rounds = pa.array(_per_row(answers, flat).astype(np.int32))
    if TOKENS_READ not in batch.schema.names:
        return StageResult({"rounds": rounds, "tokens": _counted(flat)})
    changed = pc.not_equal(_digests(flat), batch.column(DIGEST_READ))
    again = _counted(turns(batch.filter(changed)))
    counts = pc.replace_with_mask(batch.column(TOKENS_READ), changed, again)
    return StageResult({"rounds": rounds, "tokens": counts})


def _counted(flat: Turns) -> pa.Int32Array:
    """(n,) tokens of each conversation."""
    answers = np.asarray(pc.equal(flat.roles, "assistant"), np.int64)
    systems = np.asarray(pc.equal(flat.roles, "system"), np.int64)
    pieces = _tokenizer().encode(_rendered(flat), num_threads=1)
    counts = np.zeros(len(answers), np.int64)
    counts[systems == 0] = [len(piece) for piece in pieces]
    # an EOS per answer, one BOS
    return pa.array((_per_row(counts + answers, flat) + 1).astype(np.int32))


def _digests(flat: Turns) -> pa.FixedSizeBinaryArray:
    """(n,) 128 bits of each conversation; where they are equal, so is all that is counted."""
    contents = flat.contents
    _, offsets, text = contents.buffers()
    ends = np.frombuffer(offsets, np.int32)[contents.offset : contents.offset + len(contents) + 1]
    roles = pc.index_in(flat.roles, pa.array(ROLES)).to_numpy(zero_copy_only=False)
    # Roles and lengths first, so that no two conversations run together to the same bytes.
    heads = memoryview(np.stack([roles, np.diff(ends)], axis=1).astype("<i4").tobytes())
    body = memoryview(text) if text else memoryview(b"")
    digests = []
    for start, end in pairwise(flat.offsets.tolist()):
        digest = hashlib.blake2b(heads[8 * start : 8 * end], digest_size=16)
        digest.update(body[ends[start] : ends[end]])
        digests.append(digest.digest())
    return pa.array(digests, pa.binary(16))


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
