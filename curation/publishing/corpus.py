"""What of a corpus directory stands on the Hub: its manifest, and exactly what that names."""

import hashlib
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from curation.outputs.card.metadata import LICENSE
from curation.outputs.card.prose import HERE, SECTIONS
from curation.outputs.manifest import describe
from schemas.corpus import MANIFEST, STATISTICS
from schemas.hub import Remote, Target, Wanted
from schemas.hub.card import Ours, meet
from schemas.manifest import Manifest, OutputFile
from schemas.sections import CARD, sections, skeleton, skeleton_sha256, with_sections

#: Metadata that a card of ours may have. What else stands on the Hub is somebody's, and stays.
_KEYS = (
    "pretty_name", "language", "license", "license_name", "license_link", "size_categories",
    "task_categories", "annotations_creators", "language_creators", "multilinguality",
    "source_datasets", "tags", "configs", "dataset_info",
)  # fmt: skip
_CARD = Ours(sections=SECTIONS, keys=_KEYS, prose="about")
#: Where files of a corpus lie. Nothing else is ever deleted, whatever a manifest there says.
_LAYOUT = re.compile(r"(data|ledger|assets)/.+|LICENSE\.md|statistics\.json|report\.html")
_LARGEST = 50_000_000  # bytes of a manifest that is read from the Hub


def target(
    manifest: Manifest, repo: str, *, public: bool, revision: str | None, create_pr: bool
) -> Target:
    """The repository of a corpus. Equal versions have equal titles."""
    return Target(
        repo,
        "dataset",
        title=f"Upload corpus {manifest.recipe.name} ({manifest.key[:12]})",
        what="the corpus",
        public=public,
        revision=revision,
        create_pr=create_pr,
    )


def wanted(directory: Path, manifest: Manifest, there: Remote) -> Wanted:
    """What the repository should hold. Raises AuroraError where its card cannot be understood."""
    home = _at_home((directory / CARD).read_text(encoding="utf-8"), there.target.repo)
    earlier = _earlier(there)
    card, notes = meet(home, there, _CARD, earlier.get(CARD, {}).get("skeleton_sha256"))
    own = {file.path for file in manifest.outputs} | {MANIFEST}
    listed = [_as_it_goes(directory, file, card) for file in manifest.outputs]
    written = manifest.model_copy(update={"outputs": listed}).model_dump_json(indent=2) + "\n"
    files: dict[str, Path | bytes] = {name: directory / name for name in own}
    files |= {CARD: card, MANIFEST: written.encode()}
    sha256 = {file.path: file.sha256 for file in listed}
    if ours_already := _of_another_run(directory, written, there, earlier):
        files |= ours_already
        sha256[STATISTICS] = earlier[STATISTICS]["sha256"]
    strangers = sorted(
        name
        for name in there.files
        if name.startswith(("data/", "ledger/")) and name not in own and name not in earlier
    )
    return Wanted(
        files=files,
        owned={CARD, *earlier, *([MANIFEST] if earlier else [])},
        gone=[name for name in earlier if name not in own and _untouched(there, earlier[name])],
        notes=[*notes, *_about(strangers)],
        sha256=sha256,
    )


def _at_home(card: str, repo: str) -> str:
    """The card with the repository's name where it says how to load; not in its user's text."""
    ours = skeleton(card).replace(f'"script_url": "{HERE}"', f'"hf_hub_url": "{repo}"')
    return with_sections(ours.replace(HERE, repo), sections(card))


def _as_it_goes(directory: Path, file: OutputFile, card: bytes) -> OutputFile:
    """The manifest's entry of a file as it is pushed; its user may have changed two of them."""
    if file.path == LICENSE:
        return describe(directory, directory / LICENSE)
    return _described(file, card) if file.path == CARD else file


def _described(file: OutputFile, card: bytes) -> OutputFile:
    """The manifest's entry of the card as it is pushed."""
    digest = hashlib.sha256(card).hexdigest()
    ours = skeleton_sha256(card.decode())
    changes = {"bytes": len(card), "sha256": digest, "skeleton_sha256": ours}
    return file.model_copy(update=changes)


def _earlier(there: Remote) -> dict[str, dict[str, Any]]:
    """Files that an earlier push of a corpus, by any version, put there: name → their entry."""
    if MANIFEST not in there.files or there.files[MANIFEST].bytes > _LARGEST:
        return {}
    try:
        outputs = json.loads(there.read(MANIFEST))["outputs"]
        return {str(file["path"]): dict(file) for file in outputs if file["sha256"]}
    except (ValueError, KeyError, TypeError, RecursionError):
        return {}  # some other program's


def _of_another_run(
    directory: Path, written: str, there: Remote, earlier: Mapping[str, dict[str, Any]]
) -> dict[str, bytes]:
    """Statistics and manifest there, where another run made this corpus: only its times differ."""
    own = (directory / STATISTICS).read_bytes()
    entry = earlier.get(STATISTICS, {}).get("sha256")
    if STATISTICS not in there.files or entry in (None, hashlib.sha256(own).hexdigest()):
        return {}
    manifest = there.read(MANIFEST)
    if _without_statistics(manifest) != _without_statistics(written):
        return {}
    statistics = there.read(STATISTICS)
    sound = hashlib.sha256(statistics).hexdigest() == entry
    same = sound and _without_seconds(statistics) == _without_seconds(own)
    return {STATISTICS: statistics, MANIFEST: manifest} if same else {}


def _without_statistics(manifest: str | bytes) -> dict[str, Any]:
    found = json.loads(manifest)
    outputs = [file for file in found["outputs"] if file["path"] != STATISTICS]
    return {**found, "outputs": outputs}


def _without_seconds(statistics: bytes) -> Any:
    """What a statistics file says but for the times of stages; None of what is none."""
    try:
        return json.loads(statistics, object_hook=_timeless)
    except (ValueError, RecursionError):
        return None


def _timeless(found: dict[str, Any]) -> dict[str, Any]:
    return found | {"seconds": None} if "stage" in found else found


def _untouched(there: Remote, entry: dict[str, Any]) -> bool:
    """Whether a file of a corpus still is what that push put there: then it may go."""
    name = entry["path"]
    if name not in there.files or not _LAYOUT.fullmatch(name):
        return False
    digest = there.files[name].sha256 or hashlib.sha256(there.read(name)).hexdigest()
    return bool(digest == entry["sha256"])


def _about(strangers: Sequence[str]) -> list[str]:
    if not strangers:
        return []
    more = f" and {len(strangers) - 1} more" if len(strangers) > 1 else ""
    return [
        f"{strangers[0]}{more}: not of this corpus, and left on the Hub; `curate verify` of a copy "
        "will name it"
    ]
