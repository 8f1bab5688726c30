"""Language: names the language of each message and conversation, and keeps those asked for.

A conversation is what its user asks and its assistant answers, so its language is not a count of
characters. Chinese on either side, or in the first question, makes it Chinese: a request for an
English translation and an English question with a Chinese answer both teach Chinese. Otherwise it
is the user's language. A side that is no language, such as code or a number, leaves the decision to
the other; where both are, as in 1+1= and 2, or code and code, the language is `und` and the
conversation is kept: it is not wrong.
"""

import re
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.stages.batch import Drop, StageResult, Turns, turns
from curation.text import hanzi
from curation.text.identify import CODE, UNDETERMINED, identify
from curation.text.quotations import QUOTED, looks_chinese
from schemas.recipe import Language

CHINESE = ("zh", "yue")
#: What messages are that speak no language, and leave the conversation's to the others.
SILENT = (UNDETERMINED, CODE)

_KANA = re.compile(rf"{hanzi.KANA_CLASS}++")


def language(batch: pa.RecordBatch, config: Language) -> StageResult:
    """Columns `language` and `message_languages` (a list per conversation); drops the rest.

    Reason `language`; its evidence names the language of the conversation and of either side.
    """
    flat = turns(batch)
    languages = _message_languages(flat)
    users = _sides(flat, languages, "user")
    assistants = _sides(flat, languages, "assistant")
    openings = _openings(flat, languages)
    decided = [_conversation(*spoken) for spoken in zip(users, assistants, openings, strict=True)]
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
    """The language of each message: of the request or the statement, not of its material.

    Of an assistant's only those in Japanese or Korean are looked at again: “すみません”是道歉.
    """
    languages = identify(flat.contents)
    codes = np.array(languages, object)
    is_user = np.asarray(pc.equal(flat.roles, "user"))
    asian = np.isin(codes, ["ja", "ko"])
    rows = np.flatnonzero(asian | (is_user & ~np.isin(codes, [*CHINESE, *SILENT])))
    texts = flat.contents.take(pa.array(rows))
    chinese = np.asarray(pc.match_substring_regex(texts, r"\p{Han}{2}"))
    for row, text in zip(rows[chinese], texts.filter(pa.array(chinese)).to_pylist(), strict=True):
        parts = _request_parts(text)
        if asian[row]:  # whose writers use Han too
            parts = [_KANA.sub(" ", part) for part in parts if looks_chinese(part)]
        languages[row] = next((c for c in identify(parts) if c in CHINESE), languages[row])
    return languages


def _request_parts(text: str) -> list[str]:
    """Where the request may stand: around quotations, before a colon, first, last."""
    lines = [line for line in text.splitlines() if line.strip()] or [text]
    first, last = QUOTED.sub(" ", lines[0]), QUOTED.sub(" ", lines[-1])
    return [first, re.split("[:：]", first, maxsplit=1)[0], last]


def _sides(flat: Turns, languages: Sequence[str], role: str) -> list[str]:
    """The language of one side of each conversation: that of most of its messages."""
    spoken = np.asarray(pc.equal(flat.roles, role)) & ~np.isin(np.array(languages, object), SILENT)
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


def _openings(flat: Turns, languages: Sequence[str]) -> list[str]:
    """The language of what each user says first: 请用英语和我对话 asks for what follows it."""
    first: dict[int, str] = {}
    is_user = pc.equal(flat.roles, "user").to_pylist()
    for row, code, spoken in zip(flat.rows.tolist(), languages, is_user, strict=True):
        if spoken:
            first.setdefault(row, code)
    return [first.get(row, UNDETERMINED) for row in range(len(flat.offsets) - 1)]


def _conversation(user: str, assistant: str, opening: str) -> str:
    """The language of a conversation from that of its two sides and of how it opens."""
    if "zh" in (user, assistant, opening):
        return "zh"
    return assistant if user == UNDETERMINED else user
