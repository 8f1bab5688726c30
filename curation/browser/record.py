"""What the page of one record shows: its whole life, and its duplicates beside it."""

import json
import re
from dataclasses import dataclass
from itertools import groupby, zip_longest
from operator import itemgetter
from typing import Any

import numpy as np

from curation.browser.library import Library
from curation.browser.listing import HIDDEN, PAGE
from curation.browser.marking import Part, cut, finder, marked, sides
from curation.browser.view import View
from curation.engine.tables import evidence_text
from curation.outputs import reasons
from curation.outputs.withheld import redacted, shown_edits
from curation.text.diff import Change, changes
from schemas.conversation import Message

#: Characters of a message, and duplicates of a kept record, that are shown at first.
LONG, _PARTNERS = 4_000, 5
#: What the heading and the conversation say already.
_SAID = ("id", "messages", "source", "message_languages", "message_scripts")


@dataclass(frozen=True, slots=True)
class Edit:
    """A changed message. None where a side would show personal data, or there is none after."""

    message: int  # from 1
    rules: list[str]
    before: list[Part] | None
    after: list[Part] | None


@dataclass(frozen=True, slots=True)
class Partner:
    """A duplicate beside the record. turns: role of each, its text here and its text there."""

    id: str
    source: str
    stayed: bool
    reason: str
    evidence: dict[str, Any]
    turns: list[tuple[str, list[Part], str, list[Part]]]


def record(library: Library, place: int, view: View, whole: bool) -> dict[str, Any]:
    """The page of the record at `place`. whole: nothing is cut.

    All is taken by its place: `explain`, which has only an id, reads the ledger through. Raises
    CorpusError where the corpus has been removed or damaged meanwhile.
    """
    longest = None if whole else LONG
    decision = _decision(library, place)
    raw, said = library.texts.messages(place), _messages(library, place)
    term = finder(library.terms(view.search))
    conversation = [(m.role, list(cut(marked(m.content, term), longest))) for m in said]
    edits = _edits(library, place, longest)
    partners = _partners(library, place, said, longest)
    return {
        "whole": whole,
        "decision": decision,
        "why": reasons.why(decision, library.manifest.recipe.stages),
        "place": reasons.place(decision),
        "facts": _facts(library, place),
        "conversation": conversation,
        "hidden": HIDDEN if _found(term, raw) and not _found(term, said) else "",
        "edits": [
            (stage, [edit for _, edit in group]) for stage, group in groupby(edits, itemgetter(0))
        ],
        "partners": partners,
        "shortened": _shortened(conversation, edits, partners),
        "duplicates": len(library.index.duplicates(place)),
        **_neighbours(library, view, place),
    }


def _shortened(
    conversation: list[tuple[str, list[Part]]],
    edits: list[tuple[str, Edit]],
    partners: list[Partner],
) -> bool:
    """Whether something of the texts is left out."""
    texts = [text for _, text in conversation]
    texts += [side for _, edit in edits for side in (edit.before or [], edit.after or [])]
    texts += [side for one in partners for turn in one.turns for side in (turn[1], turn[3])]
    return any(part.kind == "gap" for text in texts for part in text)


def _decision(library: Library, place: int) -> dict[str, Any]:
    """The ledger's row of a record, without personal data."""
    decision = library.index.decision(place)
    evidence = redacted(_evidence(decision["evidence"]), library.privacy)
    return decision | {"evidence": evidence_text(evidence)}


def _found(term: re.Pattern[str] | None, messages: list[Message]) -> bool:
    return term is not None and any(term.search(m.content) for m in messages)


def _messages(library: Library, place: int) -> list[Message]:
    return [
        Message(m.role, str(redacted(m.content, library.privacy)))
        for m in library.texts.messages(place)
    ]


def _evidence(text: str) -> dict[str, Any]:
    return dict(json.loads(text))


def _facts(library: Library, place: int) -> dict[str, str]:
    """The columns of a published row, as a person reads them."""
    facts = {}
    for name, value in redacted(library.published(place), library.privacy).items():
        if name not in _SAID and value is not None:
            plain = ", ".join(map(str, value)) if isinstance(value, list) else value
            facts[name] = f"{plain:.4g}" if isinstance(plain, float) else str(plain)
    return facts


def _edits(library: Library, place: int, longest: int | None) -> list[tuple[str, Edit]]:
    """Stage and edit, in the order they were made."""
    made = []
    said = [m._asdict() for m in library.texts.messages(place)]
    others = [_evidence(library.index.decision(place)["evidence"]), said]
    for edit in shown_edits(library.edits(place), others, library.privacy):
        rules = edit["rule"].split("+")
        before, after = _before_and_after(edit, longest)
        made.append((edit["stage"], Edit(reasons.counted(edit["turn"]), rules, before, after)))
    return made


def _before_and_after(
    edit: dict[str, Any], longest: int | None
) -> tuple[list[Part] | None, list[Part] | None]:
    if edit["before"] is None or edit["after"] is None:
        before, after = (
            None if edit[side] is None else list(cut([Part("", edit[side])], longest))
            for side in ("before", "after")
        )
        return before, after
    return sides(edit["before"], [Change(**change) for change in edit["diff"]], longest)


def _partners(
    library: Library, place: int, said: list[Message], longest: int | None
) -> list[Partner]:
    """The record that stayed in place of this one, or those that left in favour of it."""
    survivor = int(library.index.survivor[place])
    others = [survivor] if survivor >= 0 else library.index.duplicates(place)[:_PARTNERS].tolist()
    partners = []
    for other in others:
        decision = library.index.decision(place if survivor >= 0 else other)
        partners.append(
            Partner(
                library.index.id(other),
                library.index.decision(other)["source"],
                survivor >= 0,
                decision["reason"],
                redacted(_evidence(decision["evidence"]), library.privacy),
                _beside(said, _messages(library, other), longest),
            )
        )
    return partners


def _beside(
    here: list[Message], there: list[Message], longest: int | None
) -> list[tuple[str, list[Part], str, list[Part]]]:
    turns = []
    for one, other in zip_longest(here, there, fillvalue=Message("", "")):
        left, right = sides(one.content, changes(one.content, other.content), longest)
        turns.append((one.role, left, other.role, right))
    return turns


def _neighbours(library: Library, view: View, place: int) -> dict[str, Any]:
    """The records before and after this one in the view, where it is in it."""
    rows = library.selection(view).rows
    found = np.flatnonzero(rows == place)
    if not len(found):
        return dict.fromkeys(("number", "previous", "following")) | {"view": view}
    at = int(found[0])
    return {
        "view": view.at(at // PAGE + 1),
        "number": at + 1,
        "total": len(rows),
        "previous": library.index.id(int(rows[at - 1])) if at else None,
        "following": library.index.id(int(rows[at + 1])) if at + 1 < len(rows) else None,
    }
