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
from curation.text.program import is_program, split_source
from curation.text.quotations import looks_chinese, looks_japanese, mask_foreign
from curation.text.scripts import Kind
from curation.text.spans import map_prose, prose
from schemas.recipe import Script

RULE = "traditional_to_simplified"

_STRAGGLERS = frozenset("於徵")
_SENTENCE = re.compile(r"[^。！？!?；;\n]*+[。！？!?；;\n]++|[^。！？!?；;\n]++")
_CLAUSE = re.compile(r"[^\s，：,]*+[\s，：,]++|[^\s，：,]++")
# Where scripts are the subject, a word in the other one is meant.
_ABOUT_SCRIPTS = re.compile("[繁简簡正异異][体體]")
# Asks for Traditional characters: names them as what to write, and does not deny: 不要用繁体.
_NAMES_TRADITIONAL = r"[繁正][体體]|繁中|[转轉]繁|(?i:traditional|zh-?(?:tw|hk|hant))"
_ASKS_FOR_TRADITIONAL = re.compile(
    r"(?<![不別别勿])(?<![不別别勿][要用])"
    r"(?:[转轉換换译譯翻改写寫用以成为為给給要]|[输輸]出|回[复覆答復])"
    r"[^。！？，,\n的简簡不別别勿]{0,8}(?:[繁正][体體]|繁中)"
    r"|[简簡][体體]?[转轉]繁|繁[体體](?:(?:中文|字)?(?:怎|的?[写寫]法|是什|[：:])|版)"
    r"|(?<!not )\b(?:in|into|to|us(?:e|ing))\s(?:the\s)?traditional\s(?:chinese|characters|script)"
    r"|(?<!from )\bchinese\s?\(traditional|(?<!from )\bzh-?(?:tw|hk|hant)\b",
    re.IGNORECASE,
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
    rows = np.flatnonzero(both | (counts[:, [Kind.KANA, Kind.HANGUL]] > 0).any(axis=1))
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
    named = np.asarray(pc.match_substring_regex(requests, _NAMES_TRADITIONAL))
    asked = map(_ASKS_FOR_TRADITIONAL.search, requests.filter(pa.array(named)).to_pylist())
    asks = users[named][[match is not None for match in asked]]
    return np.flatnonzero(found & ~np.isin(flat.rows, flat.rows[asks]))


def _simplify(text: str, config: str) -> str:
    """`text` converted, but for what the dictionary does amiss.

    OpenCC misses 於 in 僅次於 | 倫敦. A second pass over everything would undo names that the
    first rightly keeps (乾县, 毕昇), so only 於 and 徵 are taken from it, where a dictionary phrase
    straddled them. 嗰 becomes 𠮶, which Cantonese in Simplified characters does not write.
    """
    once = to_simplified(text, config)
    if "嗰" in text and "𠮶" not in text:
        once = once.replace("𠮶", "嗰")
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
    if not text.lstrip().startswith("<") and is_program(text):
        return text
    if _is_convertible(counts)[0]:
        return restore(map_prose(masked, lambda part: _convert_prose(part, config)))
    foreign = bool(scripts.is_japanese(counts)[0] or _is_korean(counts)[0])
    return restore(map_prose(masked, lambda part: _convert_sentences(part, config, foreign)))


def _convert_prose(text: str, config: str) -> str:
    """`text` converted, but for the program text in it that no fence marks."""
    return "".join(
        part if source else _simplify(part, config) for part, source in split_source(text)
    )


def _convert_sentences(text: str, config: str, foreign: bool) -> str:
    """`text` with each sentence that is Traditional converted; in a foreign text, plainly Chinese.

    In a sentence in both scripts each clause and word is judged, unless it is about scripts.
    """
    finer = not foreign and not _ABOUT_SCRIPTS.search(text)
    return "".join(
        part
        if source
        else "".join(
            _convert_sentence(sentence, config, foreign, finer)
            for sentence in _SENTENCE.findall(part)
        )
        for part, source in split_source(text)
    )


def _convert_sentence(sentence: str, config: str, foreign: bool, finer: bool) -> str:
    """`sentence` converted if it is Traditional, or those of its clauses that are if `finer`."""
    counts = scripts.count(pa.array([sentence], pa.string()))
    if _is_convertible(counts)[0]:
        return _simplify(sentence, config) if not foreign or looks_chinese(sentence) else sentence
    if not finer or not counts[0, Kind.TRADITIONAL]:
        return sentence
    clauses = _CLAUSE.findall(sentence)
    counts = scripts.count(pa.array(clauses, pa.string()))
    convertible = _is_convertible(counts) & (counts[:, Kind.TRADITIONAL] > 0)
    return "".join(
        _simplify(clause, config) if convert else clause
        for clause, convert in zip(clauses, convertible, strict=True)
    )


def _is_korean(counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,) Korean, Hanja or not: a syllable to three Han at least; Chinese text glosses names."""
    han = counts[:, Kind.HAN : Kind.JAPANESE + 1].sum(axis=1)
    return np.asarray(counts[:, Kind.HANGUL] * 3 > han)


def _is_convertible(counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(n,) Traditional by its characters, or by words such as 瞭解 alone; no kana, not Korean."""
    evidence = counts[:, Kind.TRADITIONAL] + counts[:, Kind.SIMPLIFIED]
    by_words = (counts[:, Kind.UNSETTLED] > 0) & (evidence == 0)
    own = (counts[:, Kind.KANA] == 0) & ~_is_korean(counts)
    return np.asarray((scripts.is_traditional(counts) | by_words) & own)
