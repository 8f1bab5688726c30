"""Whether a corpus may be pushed: sound, and with no personal data for everybody to read."""

from pathlib import Path, PurePosixPath

import polars as pl

from curation.outputs.parquet import scan
from curation.outputs.verify import verify
from curation.stages.privacy import redact_texts
from schemas.corpus import read_manifest, read_statistics
from schemas.errors import CorpusError
from schemas.manifest import Manifest
from schemas.recipe import Privacy

_SHOWN = 3  # problems of a damaged corpus; `curate verify` shows all
_ROWS = 20_000


def check(directory: Path, *, public: bool) -> Manifest:
    """The manifest of a corpus that may be pushed.

    Raises CorpusError where it is damaged or, for everybody to read, shows personal data.
    """
    if problems := verify(directory):
        more = f", and {len(problems) - _SHOWN} more" if len(problems) > _SHOWN else ""
        raise CorpusError(
            f"{directory}: is damaged: {'; '.join(problems[:_SHOWN])}{more}; repeat `curate run`, "
            "which mends it"
        )
    manifest = read_manifest(directory)
    for file in manifest.outputs:
        _check_path(directory, file.path)
    if public and _shows_personal_data(directory, manifest.recipe.stages.privacy):
        raise CorpusError(
            f"{directory}: its ledger/edits show the personal data that was replaced in data; for "
            "a public repository repeat `curate run` with --set stages.privacy.originals=false "
            "(it resumes), or push without --public"
        )
    return manifest


def _check_path(directory: Path, name: str) -> None:
    """Refuse a name by which something outside the corpus would leave the machine."""
    parts = PurePosixPath(name).parts
    inside = (directory / name).resolve().is_relative_to(directory.resolve())
    if not inside or any(part.startswith(".") for part in parts) or name.startswith("/"):
        raise CorpusError(
            f"{directory}: its manifest names {name}, which is no file of a corpus; repeat "
            "`curate run --fresh`"
        )


def _shows_personal_data(directory: Path, privacy: Privacy) -> bool:
    """Whether the edits ledger holds what the recipe has kept out of `data`."""
    if not privacy.searches or privacy.withholds or privacy.action == "flag":
        return False
    # The statistics know of what reached the stage; records that left before it have edits too.
    return bool(read_statistics(directory).pii) or _found_in_edits(directory, privacy)


def _found_in_edits(directory: Path, privacy: Privacy) -> bool:
    edits = scan(directory / "ledger" / "edits").select(pl.col("before", "after").fill_null(""))
    for rows in edits.collect().iter_slices(_ROWS):
        for side in rows:
            texts = side.to_list()
            if redact_texts(texts, privacy) != texts:
                return True
    return False
