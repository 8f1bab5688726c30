"""What a quality rule looks at and what it says."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.stages.batch import Turns
from curation.text.spans import protected


class Exchange(NamedTuple):
    """One answer and what it answers (empty where an answer opens the conversation)."""

    prompt: str
    answer: str


class Finding(NamedTuple):
    """A rule that fired on one message.

    row:       row of the batch.
    turn:      0-based message of the conversation.
    rule:      name of the rule, a key of `curation.stages.quality.PENALTIES`.
    measured:  what the rule saw, JSON-able: a share, a length, or the text that matched.
    threshold: what `measured` was held against.
    """

    row: int
    turn: int
    rule: str
    measured: Any
    threshold: Any


@dataclass(frozen=True, slots=True)
class Messages:
    """The messages of one role in a batch, flat: m of them.

    rows, turns: (m,) int64, the conversation each belongs to and its place in it.
    contents:    (m,) Arrow strings.
    prompts:     (m,) Arrow strings, the last user message before each; "" where there is none.
    lengths:     (m,) int64, characters.
    foreign:     (m,) whether it is in another language than the Chinese request it answers, and
                 than the answer before it.
    flat:        all messages of the batch.
    """

    rows: NDArray[np.int64]
    turns: NDArray[np.int64]
    contents: pa.StringArray
    prompts: pa.StringArray
    lengths: NDArray[np.int64]
    foreign: NDArray[np.bool_]
    flat: Turns


#: Batch-wide first look: (m,) the messages that a rule may find something in.
Suspects = Callable[[Messages], NDArray[np.bool_]]


def languages_of(batch: pa.RecordBatch) -> pa.StringArray | None:
    """The language code of every message of `batch`, where an earlier stage wrote them."""
    if "message_languages" not in batch.schema.names:
        return None
    return batch.column("message_languages").flatten()


def messages_of(flat: Turns, role: str, languages: pa.StringArray | None = None) -> Messages:
    """The messages of `role`; `languages` has the code of every message of `flat`."""
    roles = flat.roles.to_numpy(zero_copy_only=False)
    places = np.flatnonzero(roles == role)
    rows = flat.rows
    before = _last(flat, roles == "user")[places]
    contents = flat.contents.take(pa.array(places))
    prompts = flat.contents.take(pa.array(before, mask=before < 0, type=pa.int64())).fill_null("")
    lengths = pc.utf8_length(contents).to_numpy(zero_copy_only=False).astype(np.int64)
    foreign = _foreign(languages, places, before, _last(flat, roles == role)[places])
    turns = places - flat.offsets[rows[places]]
    return Messages(rows[places], turns, contents, prompts, lengths, foreign, flat)


def _last(flat: Turns, marked: NDArray[np.bool_]) -> NDArray[np.int64]:
    """(m,) the last of the `marked` messages before each in its conversation, or -1."""
    latest = np.maximum.accumulate(np.where(marked, np.arange(len(marked)), -1))
    before = np.concatenate([[-1], latest])[: len(marked)]
    last: NDArray[np.int64] = np.where(before >= flat.offsets[flat.rows], before, -1)
    return last


def _foreign(
    languages: pa.StringArray | None,
    places: NDArray[np.int64],
    asked: NDArray[np.int64],
    answered: NDArray[np.int64],
) -> NDArray[np.bool_]:
    if languages is None:
        return np.zeros(len(places), bool)
    codes = languages.to_numpy(zero_copy_only=False)
    chinese = np.isin(codes, ["zh", "yue"])
    asked_in_chinese = (asked >= 0) & chinese[asked]
    as_before = (answered >= 0) & (codes[answered] == codes[places])
    foreign: NDArray[np.bool_] = (
        asked_in_chinese & ~chinese[places] & (codes[places] != "und") & ~as_before
    )
    return foreign


def matching(pattern: str) -> Suspects:
    """Suspects are what `pattern` (RE2, whose classes are ASCII) is found in."""
    return lambda messages: np.asarray(pc.match_substring_regex(messages.contents, pattern))


def asked_for(pattern: str) -> Suspects:
    """Suspects are what answers a prompt that `pattern` (RE2) is found in."""
    return lambda messages: np.asarray(pc.match_substring_regex(messages.prompts, pattern))


def not_wished(pattern: str, messages: Messages, suspects: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """(m,) the suspects with no `pattern` (RE2) in what their conversation asked before.

    That is system and user messages, the one they answer included.
    """
    flat, unheard = messages.flat, suspects.copy()
    looked_at = np.zeros(len(flat.offsets), bool)
    looked_at[messages.rows[suspects]] = True
    asks = flat.roles.to_numpy(zero_copy_only=False) != "assistant"
    requests = np.flatnonzero(asks & looked_at[flat.rows])
    said = pc.match_substring_regex(flat.contents.take(pa.array(requests)), pattern)
    wishes = requests[np.asarray(said)]
    first = flat.offsets[messages.rows[suspects]]
    wished = np.searchsorted(wishes, first + messages.turns[suspects])
    unheard[suspects] = wished == np.searchsorted(wishes, first)
    return unheard


def at_most(chars: int) -> Suspects:
    """Suspects have `chars` characters or fewer."""
    return lambda messages: messages.lengths <= chars


def at_least(chars: int) -> Suspects:
    """Suspects have `chars` characters or more."""
    return lambda messages: messages.lengths >= chars


def without_code(text: str) -> str:
    """`text` without its code; a space stands where a block or a span was."""
    parts, position = [], 0
    for start, end in protected(text):
        if text[start] in "`~ \t":
            parts.append(text[position:start])
            position = end
    return " ".join([*parts, text[position:]])
