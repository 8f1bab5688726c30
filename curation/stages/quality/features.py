"""What the translation model reads off the first exchange of a conversation: counts and ratios.

Every number is a count, or comes of counts by one division or square root, which IEEE 754 rounds
the same everywhere: a row has the same features in any batch and on any machine.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp
from numpy.typing import NDArray

from curation.stages.batch import Turns
from curation.text.arrays import ranges
from curation.text.codepoints import UNICODE_SIZE, CodePoints
from curation.text.ngrams import ngram_counts

#: Characters of a prompt, and of an answer, that are read: 95 % of alpaca_zh answers end before.
MAX_CHARS = 300
#: Orders of the character n-grams, and bits of their hash.
ORDERS, BITS = (1, 2), 16
#: Bits of the hash by which texts are compared, and texts compared at a time: a table of 4 MB.
_SHARED_BITS, _BLOCK = 14, 256

#: The hashed n-grams of n texts, one matrix (n, 2**BITS) per order.
Grams = list[sp.csr_matrix]

#: Classes of characters; what is in none is `other`.
CLASSES = {
    "lower": "abcdefghijklmnopqrstuvwxyz",
    "upper": "ABCDEFGHIJKLMNOPQRSTUVWXYZ",
    "digit": "0123456789",
    "space": " \t",
    "line": "\n",
    "comma": "，、,",
    "stop": "。！？.!?",
    "mark": "；：…—·;:-",
    "quote": "“”‘’「」『』《》\"'",
    "bracket": "()（）[]【】",
    "code": "{}<>=+*/\\|#$%^&_~@`",
}
_NAMES = ["other", "han", *CLASSES]


def _class_table() -> NDArray[np.uint8]:
    table = np.zeros(UNICODE_SIZE, np.uint8)
    table[0x3400:0xA000] = 1
    for number, members in enumerate(CLASSES.values(), 2):
        table[[ord(c) for c in members]] = number
    return table


_CLASS = _class_table()


class Exchanges(NamedTuple):
    """The first exchange of n conversations, as far as it is read.

    rows: (n,) the row of each in its batch.
    turns: (n,) which message of the conversation the answer is.
    instruction, rest: the first line of the prompt, and what follows it.
    answer: the answer.
    prompt_chars, answer_chars: (n,) their whole lengths.
    """

    rows: NDArray[np.int64]
    turns: NDArray[np.int64]
    instruction: CodePoints
    rest: CodePoints
    answer: CodePoints
    prompt_chars: NDArray[np.int64]
    answer_chars: NDArray[np.int64]

    @property
    def fields(self) -> tuple[CodePoints, CodePoints, CodePoints]:
        """What has n-grams: instruction, rest, answer."""
        return self.instruction, self.rest, self.answer


def first_exchanges(flat: Turns) -> Exchanges:
    """The first answer to a user turn of each conversation that has one, with that turn."""
    roles = flat.roles.to_numpy(zero_copy_only=False)
    rows = flat.rows
    answered = (roles[1:] == "assistant") & (roles[:-1] == "user") & (rows[1:] == rows[:-1])
    at = np.flatnonzero(answered)
    at = at[np.diff(rows[at], prepend=-1) != 0]
    prompts, answers = flat.contents.take(pa.array(at)), flat.contents.take(pa.array(at + 1))
    instruction, rest = _split(_head(prompts))
    return Exchanges(
        rows=rows[at],
        turns=at + 1 - flat.offsets[rows[at]],
        instruction=instruction,
        rest=rest,
        answer=_head(answers),
        prompt_chars=_lengths(prompts),
        answer_chars=_lengths(answers),
    )


def _head(texts: pa.StringArray) -> CodePoints:
    return CodePoints.of(pc.utf8_slice_codeunits(texts, 0, MAX_CHARS))


def _lengths(texts: pa.StringArray) -> NDArray[np.int64]:
    lengths: NDArray[np.int64] = pc.utf8_length(texts).to_numpy(zero_copy_only=False)
    return lengths.astype(np.int64)


def _split(texts: CodePoints) -> tuple[CodePoints, CodePoints]:
    """Each text up to its first line break, and from there on."""
    breaks = np.append(np.flatnonzero(texts.points == ord("\n")), len(texts.points))
    starts, ends = texts.offsets[:-1], texts.offsets[1:]
    cut = np.minimum(breaks[np.searchsorted(breaks, starts)], ends)
    return _cut(texts, starts, cut), _cut(texts, cut, ends)


def _cut(texts: CodePoints, first: NDArray[np.int64], last: NDArray[np.int64]) -> CodePoints:
    offsets = np.concatenate([[0], np.cumsum(last - first)])
    return CodePoints(texts.points[ranges(first, last)], offsets)


def unlike_alpaca(exchanges: Exchanges) -> NDArray[np.bool_]:
    """(n,) exchanges that translated Alpaca says little about.

    The answer has no Chinese, hence is not translated (code, a formula, a number, a drawing,
    another language: 5 % of the rows in training); or there is a Markdown fence, which 2 of 25,876
    have, and wherever else people paste code.
    """
    foreign = ~_any_in(exchanges.answer, _CLASS[exchanges.answer.points] == 1)
    for texts in exchanges.fields:
        ticks = np.append(texts.points, [0, 0]) == ord("`")
        foreign |= _any_in(texts, ticks[:-2] & ticks[1:-1] & ticks[2:])
    return foreign


def _any_in(texts: CodePoints, marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(n,) whether any character of each text is marked."""
    seen = np.concatenate([[0], np.cumsum(marked)])
    found: NDArray[np.bool_] = np.diff(seen[texts.offsets]) > 0
    return found


@dataclass
class _Columns:
    """Named columns while they are gathered."""

    names: list[str]
    values: list[NDArray[np.float64]]

    def add(self, name: str, values: NDArray[np.number]) -> None:
        self.names.append(name)
        self.values.append(values.astype(np.float64))


def field_grams(exchanges: Exchanges) -> list[Grams]:
    """The n-grams of instruction, rest and answer."""
    return [[ngram_counts(field, order, BITS) for order in ORDERS] for field in exchanges.fields]


def surface(exchanges: Exchanges, grams: list[Grams]) -> tuple[list[str], NDArray[np.float64]]:
    """Names of the d surface features, and (n, d) of them."""
    columns = _Columns([], [])
    for name in ("instruction", "rest", "answer"):
        _shape(columns, name, getattr(exchanges, name))
    chars = exchanges.answer_chars
    columns.add("answer_chars", chars)
    columns.add("prompt_chars", exchanges.prompt_chars)
    columns.add("answer_to_prompt", chars / np.maximum(exchanges.prompt_chars, 1))
    columns.add("answer_to_rest", chars / np.maximum(exchanges.rest.lengths, 1))
    _shared(columns, "instruction", grams[0], grams[2])
    _shared(columns, "rest", grams[1], grams[2])
    return columns.names, np.stack(columns.values, axis=1)


def _shape(columns: _Columns, name: str, texts: CodePoints) -> None:
    classes, n = _CLASS[texts.points], len(texts.lengths)
    owner = np.repeat(np.arange(n) * len(_NAMES), texts.lengths)
    counts = np.bincount(owner + classes, minlength=n * len(_NAMES)).reshape(n, len(_NAMES))
    for number, kind in enumerate(_NAMES):
        columns.add(f"{name} {kind}", counts[:, number])
        columns.add(f"{name} {kind} share", counts[:, number] / np.maximum(texts.lengths, 1))
    some = texts.lengths > 0
    ends = np.zeros((2, n), np.int64)
    ends[0, some] = classes[texts.offsets[:-1][some]]
    ends[1, some] = classes[texts.offsets[1:][some] - 1]
    columns.add(f"{name} begins", ends[0])
    columns.add(f"{name} ends", ends[1])


def _shared(columns: _Columns, name: str, asked: Grams, answer: Grams) -> None:
    """How many n-grams of the answer are in what was asked, and the other way round."""
    for n, (first, second) in enumerate(zip(asked, answer, strict=True), 1):
        sides = ("of answer", second, first), ("in answer", first, second)
        for label, counted, other in sides:
            common, total = _common(counted, other), np.diff(counted.indptr)
            columns.add(f"{name} {n}-grams {label}", common / np.maximum(total, 1))
            columns.add(f"{name} {n}-grams not {label}", total - common)


def _common(counted: sp.csr_matrix, other: sp.csr_matrix) -> NDArray[np.int64]:
    """(n,) how many n-grams of each text are also in the text of the same number in `other`."""
    common = np.zeros(counted.shape[0], np.int64)
    for start in range(0, len(common), _BLOCK):
        block = slice(start, start + _BLOCK)
        there = np.zeros(min(_BLOCK, len(common) - start) << _SHARED_BITS, np.bool_)
        there[_cells(other, block)] = True
        known = np.cumsum(there[_cells(counted, block)], dtype=np.int64)
        bounds = counted.indptr[start : start + _BLOCK + 1] - counted.indptr[start]
        common[block] = np.diff(np.concatenate([[0], known])[bounds])
    return common


def _cells(grams: sp.csr_matrix, block: slice) -> NDArray[np.int64]:
    """Where the n-grams of `block`'s texts are in a flat table (texts, 2**_SHARED_BITS)."""
    bounds = grams.indptr[block.start : block.stop + 1]
    texts = np.repeat(np.arange(len(bounds) - 1) << _SHARED_BITS, np.diff(bounds))
    cells: NDArray[np.int64] = texts + (
        grams.indices[bounds[0] : bounds[-1]] >> (BITS - _SHARED_BITS)
    )
    return cells
