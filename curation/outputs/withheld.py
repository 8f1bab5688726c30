"""Keeping personal data out of the ledger.

Of its evidence and its dropped texts always, of its edits by recipe.
"""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import unescape
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.engine.batches import ChunkState
from curation.engine.tables import evidence_text
from curation.stages.batch import Turns, messages_array
from curation.stages.clean.characters import control_characters, zero_width
from curation.stages.privacy import PLACEHOLDERS, redact_text, redact_texts
from schemas.recipe import Privacy

#: Stages whose edits hold the text as it was before the privacy stage.
BEFORE_PRIVACY = ("read", "clean", "language", "script", "privacy")


def searched(privacy: Privacy) -> Privacy:
    """What texts are searched for before people see them: what the recipe looks for, else all."""
    return privacy if privacy.searches else Privacy()


def without_personal_data(state: ChunkState, config: Privacy) -> ChunkState:
    """The state with what the privacy stage finds left out of evidence, and by recipe of edits."""
    decided = state.decided
    place = decided.schema.get_field_index("evidence")
    evidence = redacted_evidence(decided.column(place), config)
    decided = decided.set_column(place, decided.schema.field(place), evidence)
    edits = _withheld(state, config) if config.withholds else state.edits
    return replace(state, decided=decided, edits=edits)


def is_private(edits: Sequence[Mapping[str, Any]], others: Any, config: Privacy) -> bool:
    """Whether personal data was found anywhere in the life of a record.

    If so, none of its edits up to the privacy stage may be shown: what one text shows whole, an
    earlier one may show in pieces that no search finds. edits: all of its rows of `EDITS`; others:
    its further texts, as JSON: evidence, messages when it left, row. Placeholders count as found.
    """
    if any(edit["stage"] == "privacy" for edit in edits):
        return True
    texts = [[edit["before"], edit["after"]] for edit in edits]
    if redacted([texts, others], config) != [texts, others]:
        return True
    rest = json.dumps(others, ensure_ascii=False)
    kinds = PLACEHOLDERS.keys() - ({"address"} if not config.addresses else set())
    return any(PLACEHOLDERS[kind] in rest for kind in kinds)


def shown_edits(
    edits: Sequence[Mapping[str, Any]], others: Any, config: Privacy
) -> list[dict[str, Any]]:
    """The edits of one record as people may see them; arguments as of `is_private`.

    Where personal data would show, `before` and `diff` are null, and `after` too unless the privacy
    stage made it.
    """
    private = is_private(edits, others, config)
    return [_shown(dict(edit), private, config) for edit in edits]


def _shown(edit: dict[str, Any], private: bool, config: Privacy) -> dict[str, Any]:
    texts = [edit["before"], edit["after"]]
    if not (private and edit["stage"] in BEFORE_PRIVACY) and redacted(texts, config) == texts:
        return edit
    after = redacted(edit["after"], config) if edit["stage"] == "privacy" else None
    return edit | {"before": None, "after": after, "diff": None}


def _withheld(state: ChunkState, config: Privacy) -> pa.Table:
    """The edits of a chunk, with null for the texts of those that may show what was found.

    The rule of `is_private`, for a whole chunk: the stage has searched what reached it, the rest
    is searched here.
    """
    edits = state.edits
    shows = np.zeros(edits.num_rows, bool)
    for side in ("before", "after"):
        shows |= _shows(edits.column(side), config)
    contents = pc.list_flatten(state.left.column("messages"))
    of_row = pc.list_parent_indices(state.left.column("messages"))
    left = _shows(pc.struct_field(contents, "content"), config)
    left_ids = state.left.column("id").take(of_row.filter(pa.array(left)))
    told = state.decided.filter(pa.array(_shows(state.decided.column("evidence"), config)))
    found = [_found_in(state), edits.column("id").filter(pa.array(shows)), left_ids]
    private = pc.is_in(edits.column("id"), pa.concat_arrays(_chunks([*found, told.column("id")])))
    early = np.isin(edits.column("stage").to_numpy(zero_copy_only=False), BEFORE_PRIVACY)
    hidden = shows | (early & np.asarray(private))
    for side in ("before", "after", "diff"):
        place = edits.schema.get_field_index(side)
        visible = pc.if_else(pa.array(~hidden), edits.column(side), None)
        edits = edits.set_column(place, edits.schema.field(side), visible)
    return edits


def _shows(column: pa.Array | pa.ChunkedArray, config: Privacy) -> NDArray[np.bool_]:
    """(n,) whether redaction finds something in the text, as it stands or as it is read."""
    texts = column.fill_null("").to_pylist()
    shows = np.zeros(len(texts), bool)
    for read in (texts, [_plain(text) for text in texts]):
        found = redact_texts(read, config)
        shows |= np.array([a != b for a, b in zip(read, found, strict=True)], bool)
    return shows


def _chunks(arrays: Sequence[pa.Array | pa.ChunkedArray]) -> list[pa.Array]:
    return [chunk for one in arrays for chunk in getattr(one, "chunks", [one])]


def redacted_evidence(evidence: pa.StringArray, config: Privacy) -> pa.StringArray:
    """The column `evidence` (JSON objects) without what the privacy stage finds.

    Records that cannot be read, or that leave before that stage, are quoted in it.
    """
    texts = evidence.to_pylist()
    for i in np.flatnonzero(_shows(evidence, config)).tolist():
        texts[i] = evidence_text(redacted(json.loads(texts[i]), config))
    return pa.array(texts, pa.string())


def redacted_messages(table: pa.Table, config: Privacy) -> pa.Table:
    """The table with its column `messages` redacted."""
    place = table.schema.get_field_index("messages")
    messages = table.column(place).combine_chunks()
    flat = messages.flatten()
    contents = redact_texts(flat.field("content").to_pylist(), config)
    offsets = np.concatenate([[0], np.cumsum(pc.list_value_length(messages))])
    shown = messages_array(
        Turns(flat.field("role"), pa.array(contents, pa.string()), offsets.astype(np.int32))
    )
    return table.set_column(place, table.schema.field(place), shown)


def redacted(value: Any, config: Privacy) -> Any:
    """A JSON value with every text in it redacted.

    So is what a person reads in it, which is shown where something is found in that: a number may
    be in pieces by invisible characters, or stand as entities or escapes.
    """
    if isinstance(value, str):
        found = redact_text(value, config)
        plain = _plain(found)
        again = redact_text(plain, config) if plain != found else plain
        return again if again != plain else found
    if isinstance(value, list | tuple):
        return [redacted(one, config) for one in value]
    if isinstance(value, dict):
        return {redacted(key, config): redacted(one, config) for key, one in value.items()}
    return value


# In a quoted record 电话13912345678 may stand as \u7535\u8bdd13912345678, a line before it as \n.
_ESCAPE = re.compile(r"(?<!\\)\\++(?:u([0-9a-fA-F]{4})|([nrtbf]))")
_BLANKS = {"n": "\n", "r": "\n", "t": "\t"}


def _plain(text: str) -> str:
    """A text as it is read: without escapes of JSON, entities and what is invisible."""
    return zero_width(control_characters(unescape(_ESCAPE.sub(_unescaped, text))))


def _unescaped(match: re.Match[str]) -> str:
    if match[2]:
        return _BLANKS.get(match[2], " ")
    character = chr(int(match[1], 16))
    return character if character.isprintable() else " "


def _found_in(state: ChunkState) -> pa.Array:
    """Ids of the conversations in which the privacy stage found something."""
    by_edit = state.edits.filter(pc.equal(state.edits.column("stage"), "privacy")).column("id")
    by_drop = state.decided.filter(pc.equal(state.decided.column("stage"), "privacy")).column("id")
    kept = state.batch.filter(pc.is_valid(state.batch.column("pii"))).column("id")
    return pa.concat_arrays([*by_edit.chunks, *by_drop.chunks, kept])
