"""What the topic model reads of a conversation: character n-grams, and words of known fields."""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import scipy.sparse as sp
from numpy.typing import NDArray

from curation.stages.batch import Turns
from curation.text.codepoints import CodePoints
from curation.text.lexicon import Lexicon
from curation.text.ngrams import ngram_counts

# A topic shows early, and what follows in a long conversation blurs it: messages are read that
# begin within the first `REACH` characters, of a user's message and of an answer so many.
USER_WINDOW = 300
ANSWER_WINDOW = 100
REACH = 200
ANSWER_WEIGHT = 0.5  # of what an answer says, against 1 in a user's turn
ORDERS = (1, 2)  # lengths of the n-grams
BITS = 16  # 65,536 hashed n-grams
# A short question has one word to go by: docs/taxonomy.md.
SHORT = 70  # characters, those of answers by their weight; in shorter texts words of fields …
EMPHASIS = 1.5  # … count up to so much more


@dataclass(frozen=True, slots=True)
class Fields:
    """Words by field, one number a field; words of field -1 only hide what is inside them."""

    words: Lexicon
    field: NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Heads:
    """What is read of n conversations.

    texts:   the beginnings of m messages.
    weights: (m,) float32, 1 or `ANSWER_WEIGHT`.
    offsets: (n + 1,) int64, the messages of conversation i are `offsets[i]:offsets[i + 1]`.
    """

    texts: CodePoints
    weights: NDArray[np.float32]
    offsets: NDArray[np.int64]


def heads(conversations: Turns) -> Heads:
    """The beginning of each conversation, ASCII letters in lower case; no system messages."""
    user = pc.equal(conversations.roles, "user").to_numpy(zero_copy_only=False)
    answer = pc.equal(conversations.roles, "assistant").to_numpy(zero_copy_only=False)
    window = user * USER_WINDOW + answer * ANSWER_WINDOW
    lengths = pc.utf8_length(conversations.contents).to_numpy(zero_copy_only=False)
    total = np.concatenate([[0], np.cumsum(np.minimum(lengths, window))])
    before = total[:-1] - total[conversations.offsets[:-1]][conversations.rows]
    read = (window > 0) & (before < REACH)
    return Heads(
        CodePoints.of(_beginnings(conversations.contents.filter(pa.array(read)), user[read])),
        np.where(user[read], 1, ANSWER_WEIGHT).astype(np.float32),
        np.concatenate([[0], np.cumsum(read)])[conversations.offsets],
    )


def _beginnings(texts: pa.StringArray, user: NDArray[np.bool_]) -> pa.StringArray:
    texts = pc.ascii_lower(pc.utf8_slice_codeunits(texts, 0, USER_WINDOW))
    return pc.if_else(pa.array(user), texts, pc.utf8_slice_codeunits(texts, 0, ANSWER_WINDOW))


def gram_features(read: Heads) -> list[sp.csr_matrix]:
    """For each of `ORDERS` (n, 2**BITS) float32: n-grams, together of about unit length a row."""
    size = len(read.offsets) - 1
    lengths = read.texts.lengths
    rows = np.repeat(np.arange(size), np.diff(read.offsets))
    # As if no n-gram came twice: summing the twins would cost a sort.
    norm = np.sqrt(np.bincount(rows, lengths * read.weights**2, size) * len(ORDERS))
    scale = (read.weights / np.maximum(norm, 1)[rows]).astype(np.float32)
    return [_rows(ngram_counts(read.texts, order, BITS), scale, read.offsets) for order in ORDERS]


def _rows(
    counts: sp.csr_matrix, scale: NDArray[np.float32], offsets: NDArray[np.int64]
) -> sp.csr_matrix:
    """The rows of messages, each scaled, joined to rows of conversations."""
    data = np.repeat(scale, np.diff(counts.indptr))
    shape = len(offsets) - 1, counts.shape[1]
    return sp.csr_matrix((data, counts.indices, counts.indptr[offsets]), shape=shape)


def field_features(read: Heads, fields: Fields) -> sp.csr_matrix:
    """(n, number of fields) square roots of `field_counts`, somewhat larger in short texts."""
    rows = np.repeat(np.arange(len(read.offsets) - 1), np.diff(read.offsets))
    length = np.bincount(rows, read.texts.lengths * read.weights, len(read.offsets) - 1)
    emphasis = np.clip(np.sqrt(SHORT / np.maximum(length, 1)), 1, EMPHASIS).astype(np.float32)
    counts = field_counts(read, fields)
    data = np.sqrt(counts.data) * np.repeat(emphasis, np.diff(counts.indptr))
    return sp.csr_matrix((data, counts.indices, counts.indptr), shape=counts.shape)


def field_counts(read: Heads, fields: Fields) -> sp.csr_matrix:
    """(n, number of fields) how many different words of each field are said, by weight."""
    size = len(read.offsets) - 1, int(fields.field.max()) + 1
    hits = fields.words.find(read.texts)
    known = fields.field[hits.words] >= 0
    texts, words = hits.texts[known], hits.words[known]
    rows = np.searchsorted(read.offsets, texts, "right") - 1
    # A word counts once in a conversation, where it is said first.
    keys = rows * len(fields.field) + words
    order = np.lexsort((texts, keys))
    once = order[np.diff(keys[order], prepend=-1) != 0]
    places = rows[once], fields.field[words[once]]
    return sp.csr_matrix((read.weights[texts[once]], places), shape=size)
