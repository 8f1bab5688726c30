"""Keeping personal data out of the edits ledger, where the recipe asks for it."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.engine.batches import ChunkState
from curation.stages.privacy import redact_texts
from schemas.recipe import Privacy

#: Stages whose edits hold the text as it was before the privacy stage.
_BEFORE = ("read", "clean", "language", "script", "privacy")


def withhold(state: ChunkState, config: Privacy) -> pa.Table:
    """The edits of a chunk, with null for the texts of those that hold what was found.

    That is every edit up to the privacy stage of a conversation in which something was found:
    what a text lacks now it may still show in pieces. Elsewhere the texts are looked at again, for
    those of conversations that left before the stage, or that it only flagged.
    """
    edits = state.edits
    early = np.isin(edits.column("stage").to_numpy(zero_copy_only=False), _BEFORE)
    hidden = early & np.asarray(pc.is_in(edits.column("id"), _found_in(state)))
    for side in ("before", "after"):
        texts = edits.column(side).fill_null("").to_pylist()
        redacted = redact_texts(texts, config)
        hidden |= np.array([a != b for a, b in zip(texts, redacted, strict=True)], bool)
    for side in ("before", "after", "diff"):
        place = edits.schema.get_field_index(side)
        shown = pc.if_else(pa.array(~hidden), edits.column(side), None)
        edits = edits.set_column(place, edits.schema.field(side), shown)
    return edits


def _found_in(state: ChunkState) -> pa.Array:
    """Ids of the conversations in which the privacy stage found something."""
    by_edit = state.edits.filter(pc.equal(state.edits.column("stage"), "privacy")).column("id")
    by_drop = state.decided.filter(pc.equal(state.decided.column("stage"), "privacy")).column("id")
    kept = state.batch.filter(pc.is_valid(state.batch.column("pii"))).column("id")
    return pa.concat_arrays([*by_edit.chunks, *by_drop.chunks, kept])
