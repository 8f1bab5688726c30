"""Script: converts Traditional Chinese to Simplified, and names the script of each message.

OpenCC damages what needs no conversion, so only Traditional text reaches it. A message is
Traditional if it holds characters that only Traditional text has, and hardly any that only
Simplified text has. In a message that holds both, each sentence is judged for itself. Japanese
stays: a message in it, a sentence with kana in a Traditional message, a quotation. So do code,
formulas, URLs and e-mail addresses. A conversation in which the user asks for Traditional
characters stays too: converting it would falsify the answer.
"""

import re
from functools import cache

import numpy as np
import opencc
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.stages.batch import Edit, StageResult, Turns, edited, messages_array, turns
from curation.text import scripts
from curation.text.quotations import looks_chinese, looks_japanese, mask_foreign
from curation.text.scripts import Kind
from curation.text.spans import map_prose, prose
from schemas.recipe import Script

RULE = "traditional_to_simplified"

_STRAGGLERS = frozenset("於徵")
_SENTENCE = re.compile(r"[^。！？!?；;\n]*+[。！？!?；;\n]++|[^。！？!?；;\n]++")
_ASKS_FOR_TRADITIONAL = (
    r"[转轉換换译譯改写寫用以成][^。！？\n的]{0,8}[繁正][体體]"
    r"|繁[体體](?:中文|字)?(?:怎|的?[写寫]法|是什)"
)


def script(batch: pa.RecordBatch, config: Script) -> StageResult:
    """Columns `messages` converted, `script` and `message_scripts` of it, `script_before`.

    An edit per changed message, of rule `traditional_to_simplified`. Drops nothing.
    """
    flat = turns(batch)
    counts = _count(flat.contents)
    before = scripts.names(_per_row(counts, flat))
    edits = _edits(flat, counts, config.config)
    messages = batch.column("messages")
    if edits:
        flat = edited(flat, edits)
        messages, counts = messages_array(flat), _count(flat.contents)
    columns = {
        "messages": messages,
        "script": pa.array(scripts.names(_per_row(counts, flat)), pa.string()),
        "message_scripts": pa.ListArray.from_arrays(
            pa.array(flat.offsets, pa.int32()), pa.array(scripts.names(counts), pa.string())
        ),
        "script_before": pa.array(before, pa.string()),
    }
    return StageResult(columns, edits=edits)


def to_simplified(text: str, config: str) -> str:
    """`text` converted whole by OpenCC's `config` (t2s, tw2s, tw2sp, hk2s, hk2sp)."""
    return str(_converter(config).convert(text))


@cache
def _converter(config: str) -> opencc.OpenCC:
    return opencc.OpenCC(config)


def _count(contents: pa.StringArray) -> NDArray[np.int64]:
    """(m, len(Kind)) characters of each kind in each message.

    Where they speak for two scripts, only the message's own prose counts, if it has any: neither
    code nor what it quotes in Japanese.
    """
    counts = scripts.count(contents)
    both = (counts[:, Kind.TRADITIONAL] > 0) & (counts[:, Kind.SIMPLIFIED] > 0)
    rows = np.flatnonzero(both | (counts[:, Kind.KANA] > 0))
    texts = contents.take(pa.array(rows)).to_pylist()
    own = scripts.count(pa.array([mask_foreign(prose(text))[0] for text in texts], pa.string()))
    written = own[:, Kind.OTHER + 1 :].any(axis=1)
    counts[rows[written]] = own[written]
    return counts


def _edits(flat: Turns, counts: NDArray[np.int64], config: str) -> list[Edit]:
    """What converting the Traditional messages changes."""
    messages = _candidates(counts, flat)
    rows = flat.rows[messages]
    turn_numbers = messages - flat.offsets[rows]
    texts = flat.contents.take(pa.array(messages)).to_pylist()
    edits = []
    for message, row, turn, old in zip(messages, rows, turn_numbers, texts, strict=True):
        new = _convert_traditional(old, counts[message : message + 1], config)
        if new != old:
            edits.append(Edit(int(row), int(turn), (RULE,), old, new))
    return edits


def _per_row(counts: NDArray[np.int64], flat: Turns) -> NDArray[np.int64]:
    """(rows, len(Kind)) counts per conversation from those per message."""
    before = np.zeros((len(counts) + 1, len(Kind)), np.int64)
    np.cumsum(counts, axis=0, out=before[1:])
    return np.asarray(before[flat.offsets[1:]] - before[flat.offsets[:-1]])


def _candidates(counts: NDArray[np.int64], flat: Turns) -> NDArray[np.int64]:
    """Messages that may have something to convert, and may be converted."""
    neutral = (counts[:, Kind.UNSETTLED] > 0) & (counts[:, Kind.SIMPLIFIED] == 0)
    found = (counts[:, Kind.TRADITIONAL] > 0) | neutral
    near = np.isin(flat.rows, flat.rows[found])  # the conversations that have such a message
    users = np.flatnonzero(near & np.asarray(pc.equal(flat.roles, "user")))
    requests = flat.contents.take(pa.array(users))
    asks = users[np.asarray(pc.match_substring_regex(requests, _ASKS_FOR_TRADITIONAL))]
    return np.flatnonzero(found & ~np.isin(flat.rows, flat.rows[asks]))


def _simplify(text: str, config: str) -> str:
    """`text` converted, and those 於 and 徵 looked at again that a dictionary phrase straddles.

    OpenCC misses 於 in 僅次於 | 倫敦. A second pass over everything would undo names that the
    first rightly keeps (乾县, 毕昇), so only these two are taken from it.
    """
    once = to_simplified(text, config)
    if not _STRAGGLERS.intersection(once):
        return once
    twice = to_simplified(once, "t2s")
    if len(twice) != len(once):
        return once
    return "".join(b if a in _STRAGGLERS else a for a, b in zip(once, twice, strict=True))


def _convert_traditional(text: str, counts: NDArray[np.int64], config: str) -> str:
    """`text` with its Traditional prose converted: whole, or by sentences if it is mixed.

    counts: (1, len(Kind)) of `text`.
    """
    masked, restore = mask_foreign(text)
    if looks_japanese(text) and not looks_chinese(masked):
        return text
    if _is_convertible(counts)[0]:
        return restore(map_prose(masked, lambda part: _simplify(part, config)))
    japanese = bool(scripts.is_japanese(counts)[0])
    return restore(map_prose(masked, lambda part: _convert_sentences(part, config, japanese)))


def _convert_sentences(text: str, config: str, japanese: bool) -> str:
    """`text` with each sentence that is Traditional converted; among Japanese, plainly Chinese."""
    sentences = _SENTENCE.findall(text)
    convertible = _is_convertible(scripts.count(pa.array(sentences, pa.string())))
    return "".join(
        _simplify(sentence, config)
        if convert and (not japanese or looks_chinese(sentence))
        else sentence
        for sentence, convert in zip(sentences, convertible, strict=True)
    )


def _is_convertible(counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,) Traditional by its characters, or by words such as 瞭解 alone; and without kana."""
    evidence = counts[:, Kind.TRADITIONAL] + counts[:, Kind.SIMPLIFIED]
    by_words = (counts[:, Kind.UNSETTLED] > 0) & (evidence == 0)
    return np.asarray((scripts.is_traditional(counts) | by_words) & (counts[:, Kind.KANA] == 0))
