"""Language: names the language of each message and conversation, and keeps those asked for.

A conversation is what its user asks and its assistant answers, so its language is not a count of
characters. Chinese on either side makes it Chinese: a request for an English translation and an
English question with a Chinese answer both teach Chinese. Otherwise it is the user's language. A
side that is no language, such as code or a number, leaves the decision to the other; where both
are, as in 1+1= and 2, the language is `und` and the conversation is kept: it is not wrong.
"""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.stages.batch import Drop, StageResult, Turns, turns
from curation.text import hanzi
from curation.text.identify import UNDETERMINED, identify
from schemas.recipe import Language

CHINESE = ("zh", "yue")

_QUOTED = re.compile(r'“[^“”]*+”|「[^「」]*+」|『[^『』]*+』|"[^"\n]*+"|‘[^‘’]*+’|《[^《》]*+》')


def language(batch: pa.RecordBatch, config: Language) -> StageResult:
    """Columns `language` and `message_languages` (a list per conversation); drops the rest.

    Reason `language`; its evidence names the language of the conversation and of either side.
    """
    flat = turns(batch)
    languages = _message_languages(flat)
    users = _sides(flat, languages, "user")
    assistants = _sides(flat, languages, "assistant")
    decided = [_conversation(*sides) for sides in zip(users, assistants, strict=True)]
    drops = [
        Drop(row, "language", {"language": code, "user": users[row], "assistant": assistants[row]})
        for row, code in enumerate(decided)
        if config.keep != "all" and code not in (UNDETERMINED, *config.keep)
    ]
    offsets = pa.array(flat.offsets, pa.int32())
    columns = {
        "language": pa.array(decided, pa.string()),
        "message_languages": pa.ListArray.from_arrays(offsets, pa.array(languages, pa.string())),
    }
    return StageResult(columns, drops)


def _message_languages(flat: Turns) -> list[str]:
    """The language of each message; of a user's, that of the request rather than its material."""
    languages = identify(flat.contents)
    is_user = np.asarray(pc.equal(flat.roles, "user"))
    foreign = is_user & ~np.isin(np.array(languages, object), [*CHINESE, UNDETERMINED])
    rows = np.flatnonzero(foreign)
    texts = flat.contents.take(pa.array(rows))
    chinese = np.asarray(pc.match_substring_regex(texts, r"\p{Han}{2}"))
    for row, text in zip(rows[chinese], texts.filter(pa.array(chinese)).to_pylist(), strict=True):
        parts = _request_parts(text)
        if languages[row] in ("ja", "ko"):  # whose writers use Han too
            parts = [part for part in parts if not hanzi.not_japanese_set().isdisjoint(part)]
        languages[row] = next((c for c in identify(parts) if c in CHINESE), languages[row])
    return languages


def _request_parts(text: str) -> list[str]:
    """Where the request may stand in `text`: around a quotation, before a colon, first, last."""
    lines = [line for line in text.splitlines() if line.strip()] or [text]
    parts = [_QUOTED.sub(" ", lines[0]), re.split("[:：]", lines[0], maxsplit=1)[0]]
    return [*parts, _QUOTED.sub(" ", lines[-1])]


def _sides(flat: Turns, languages: Sequence[str], role: str) -> list[str]:
    """The language of one side of each conversation: that of most of its messages."""
    spoken = np.asarray(pc.equal(flat.roles, role)) & (np.array(languages, object) != UNDETERMINED)
    codes = np.where(spoken, languages, "").tolist()
    return [
        _most(codes[start:end])
        for start, end in zip(flat.offsets[:-1].tolist(), flat.offsets[1:].tolist(), strict=True)
    ]


def _most(codes: Sequence[str]) -> str:
    """The most frequent of `codes`, the empty ones apart; on a tie the first, Chinese before it."""
    said = [code for code in codes if code]
    if len(set(said)) < 2:
        return said[0] if said else UNDETERMINED
    counts = Counter(said)
    return max(counts, key=lambda code: (counts[code], code == "zh"))


def _conversation(user: str, assistant: str) -> str:
    """The language of a conversation from that of its two sides."""
    if "zh" in (user, assistant):
        return "zh"
    return assistant if user == UNDETERMINED else user
