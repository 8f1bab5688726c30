"""Making turns into a conversation. Every repair is named, and what it changed is kept."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, takewhile

from curation.sources.formats import JOINT
from curation.sources.record import RepairEdit
from schemas.conversation import Message

#: White space, and the zero-width characters that chat exports leave in place of an answer.
_BLANK = re.compile(r"[\s\u200b-\u200f\u2060\ufeff\u00ad]*+")


@dataclass(frozen=True, slots=True)
class Repaired:
    """A conversation and what it took.

    messages: an optional system message, then user and assistant in turn, ending on assistant;
              empty where the turns hold no exchange.
    repairs:  names, each once, sorted.
    edits:    in turn order; a turn is changed by one repair at most.
    """

    messages: tuple[Message, ...]
    repairs: tuple[str, ...] = ()
    edits: tuple[RepairEdit, ...] = ()


def repair(turns: Sequence[Message]) -> Repaired:
    """The conversation that `turns` hold.

    In this order: empty turns go; system turns that open are merged, others go; assistant turns
    that open and user turns that close go; neighbours of one role are merged.
    """
    if _is_sound(turns):
        return Repaired(tuple(turns))
    work = _Work(turns)
    work.drop_empty()
    work.settle_system()
    work.trim()
    work.merge()
    return work.done()


def is_blank(text: str) -> bool:
    """Whether `text` shows nothing."""
    return _BLANK.fullmatch(text) is not None


def _is_sound(turns: Sequence[Message]) -> bool:
    """Whether there is nothing to repair; nearly every conversation takes this way."""
    expected = "user"
    for i, (role, content) in enumerate(turns):
        if is_blank(content):
            return False
        if role == expected:
            expected = "assistant" if role == "user" else "user"
        elif i or role != "system":
            return False
    return expected == "user" and len(turns) > 1


class _Work:
    """Turns with their places, while they are repaired."""

    def __init__(self, turns: Sequence[Message]) -> None:
        self._turns = turns
        self._places = list(range(len(turns)))  # of the turns still there
        self._merged: dict[int, str] = {}  # place → content, where merging changed it
        self._edits: list[RepairEdit] = []

    def drop_empty(self) -> None:
        self._drop([p for p in self._places if is_blank(self._turns[p].content)], "empty_turn")

    def settle_system(self) -> None:
        """At most one system turn, at the start."""
        opening = list(takewhile(lambda p: self._role(p) == "system", self._places))
        later = self._places[len(opening) :]
        self._drop([p for p in later if self._role(p) == "system"], "misplaced_system")
        self._join(opening, "multiple_system")

    def trim(self) -> None:
        """Start on user, end on assistant."""
        spoken = [p for p in self._places if self._role(p) != "system"]
        leading = list(takewhile(lambda p: self._role(p) == "assistant", spoken))
        spoken = spoken[len(leading) :]
        trailing = list(takewhile(lambda p: self._role(p) == "user", reversed(spoken)))
        self._drop(leading, "leading_assistant")
        self._drop(trailing, "trailing_user")

    def merge(self) -> None:
        """One turn of a role after the other."""
        for _, run in groupby(list(self._places), key=self._role):
            self._join(list(run), "consecutive_role")

    def done(self) -> Repaired:
        messages = tuple(
            Message(self._role(p), self._merged.get(p, self._turns[p].content))
            for p in self._places
        )
        exchange = any(message.role == "user" for message in messages)
        edits = sorted(self._edits, key=lambda edit: edit.turn)
        repairs = tuple(sorted({edit.rule for edit in edits}))
        return Repaired(messages if exchange else (), repairs, tuple(edits))

    def _role(self, place: int) -> str:
        return self._turns[place].role

    def _drop(self, places: Sequence[int], rule: str) -> None:
        gone = set(places)
        self._edits += [RepairEdit(p, rule, self._turns[p].content, None) for p in places]
        self._places = [p for p in self._places if p not in gone]

    def _join(self, places: Sequence[int], rule: str) -> None:
        """Put the content of all `places` into the first."""
        if len(places) < 2:
            return
        first, rest = places[0], places[1:]
        before = self._turns[first].content
        self._merged[first] = JOINT.join(self._turns[p].content for p in places)
        self._edits.append(RepairEdit(first, rule, before, self._merged[first]))
        self._drop(rest, rule)
