"""Assistants that say which model they are, or who made them, and what is done about it.

Only a self-introduction counts ("我是由OpenAI训练的语言模型", "I'm ChatGPT"), or a system message
that gives one. Text about OpenAI, role play, quotations and a nameless "作为AI语言模型" do not.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from functools import cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.stages.batch import Edit, Turns
from curation.stages.quality.finding import Exchange, Finding
from curation.stages.quality.introductions import Span, given_names, names_in, self_introductions
from curation.stages.quality.model_names import MODEL, NAMESAKE, STEMS, Marked, Name, marked
from curation.stages.quality.role_play import Requests, requests

_ARTICLE = re.compile(r"\b(an?) \Z", re.IGNORECASE)


class _Leak(NamedTuple):
    """A message in which the assistant is another model: where, and the names that say so.

    spans:   the introductions, in places of `message.text`.
    """

    row: int
    turn: int
    content: str
    message: Marked
    spans: list[Span]

    @property
    def words(self) -> str:
        """The first introduction, as it was written."""
        return self.content[slice(*_originals(self.message, self.spans)[0])]


def find_identities(flat: Turns) -> Iterator[Finding]:
    """The messages in which the assistant is another model, in (row, turn) order."""
    return (_finding(leak) for leak in _leaks(flat))


def rename_identities(flat: Turns, name: str, developer: str) -> tuple[list[Edit], list[Finding]]:
    """The messages that change where the assistant is `name`, made by `developer`, in order.

    The findings are of the rows that cannot be renamed as a whole, which have no edit: a sentence
    that introduces the assistant names somebody else too, and not surely the assistant.
    """
    edits: list[Edit] = []
    left: list[Finding] = []
    for leak in _leaks(flat):
        certain, unsure = _names(leak.content, leak.message, leak.spans, (name, developer))
        after = _with_names(leak.content, certain, name, developer)
        if unsure:
            left.append(_finding(leak))
        elif after != leak.content:
            edits.append(Edit(leak.row, leak.turn, ("identity",), leak.content, after))
    rows = {finding.row for finding in left}
    return [edit for edit in edits if edit.row not in rows], left


def introductions(exchange: Exchange) -> list[Span]:
    """Start and end of each self-introduction as another model in the answer, in order."""
    if requests([0], [exchange.prompt]).another_speaks(1):
        return []
    message = marked(exchange.answer)
    return _originals(message, self_introductions(message, exchange.answer))


def renamed(exchange: Exchange, name: str, developer: str) -> str | None:
    """The answer with `name` and `developer` in its introductions; nothing else changes.

    None where a sentence that introduces the assistant has another name too.
    """
    if requests([0], [exchange.prompt]).another_speaks(1):
        return exchange.answer
    message = marked(exchange.answer)
    spans = self_introductions(message, exchange.answer)
    certain, unsure = _names(exchange.answer, message, spans, (name, developer))
    return None if unsure else _with_names(exchange.answer, certain, name, developer)


def _leaks(flat: Turns) -> Iterator[_Leak]:
    named = pc.match_substring_regex(flat.contents, f"(?i){STEMS}")
    places = np.flatnonzero(pc.and_(named, pc.not_equal(flat.roles, "user")))
    rows = np.searchsorted(flat.offsets, places, side="right") - 1
    asked = cache(lambda row: _requests(flat, row))
    said = (column.take(pa.array(places)).to_pylist() for column in (flat.roles, flat.contents))
    for place, row, role, content in zip(places.tolist(), rows.tolist(), *said, strict=True):
        message = marked(content)
        find = given_names if role == "system" else self_introductions
        spans = find(message, content)
        turn = place - int(flat.offsets[row])
        if spans and not asked(row).another_speaks(turn):
            yield _Leak(row, turn, content, message, spans)


def _requests(flat: Turns, row: int) -> Requests:
    first, end = int(flat.offsets[row]), int(flat.offsets[row + 1])
    roles = flat.roles.slice(first, end - first).to_pylist()
    contents = flat.contents.slice(first, end - first).to_pylist()
    turns = [turn for turn, role in enumerate(roles) if role != "assistant"]
    return requests(turns, [contents[turn] for turn in turns])


def _finding(leak: _Leak) -> Finding:
    return Finding(leak.row, leak.turn, "identity", leak.words, "no other model's name")


def _originals(message: Marked, spans: Sequence[Span]) -> list[Span]:
    return [(message.places[start], message.places[end]) for start, end in spans]


def _names(
    content: str, message: Marked, spans: Sequence[Span], own: tuple[str, str]
) -> tuple[list[Name], list[Name]]:
    """The names to be renamed, and those that share a sentence with them; none is one's own.

    One's own name may hold another's; so a second pass changes nothing.
    """
    pattern = "|".join(map(re.escape, sorted(own, key=len, reverse=True)))
    taken = [match.span() for match in re.finditer(pattern, content)]
    others = {i for i, name in enumerate(message.names) if not _overlaps(name, taken)}
    certain, near = (sorted(found & others) for found in names_in(message, spans))
    return [message.names[i] for i in certain], [message.names[i] for i in near]


def _overlaps(name: Name, spans: Sequence[Span]) -> bool:
    """Whether a name shares a character with one of `spans`, which are in order and disjoint."""
    before = bisect_left(spans, name.end, key=lambda span: span[0])
    return before > 0 and name.start < spans[before - 1][1]


def _with_names(content: str, names: Sequence[Name], name: str, developer: str) -> str:
    """`content` with its own assistant and developer in place of `names`."""
    parts: list[str] = []
    position = 0
    for start, end, mark in names:
        word = name if mark in (MODEL, NAMESAKE) else developer
        parts.append(_with_article(content[position:start], word))
        position = end
    return "".join([*parts, content[position:]])


def _with_article(before: str, word: str) -> str:
    """`before` and `word`, with the English article that goes with it."""
    article = _ARTICLE.search(before[-4:])
    if article:
        kept = before[: len(before) - len(article[0])] + article[1][0]
        before = f"{kept}{'n' if word[:1].lower() in 'aeiou' else ''} "
    return before + word
