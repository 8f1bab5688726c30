"""The dataset card: metadata the Hub understands, and what happened, from the statistics.

What a user writes in its sections stays when the card is made again (schemas/sections.py).
"""

import hashlib
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from curation.outputs.card.metadata import LICENSE, card_data
from curation.outputs.card.prose import SECTIONS, body, license_text
from curation.outputs.manifest import describe
from curation.outputs.writing import write_all
from schemas.corpus import MANIFEST
from schemas.errors import CorpusError
from schemas.licenses import Combined, combine
from schemas.manifest import Manifest, OutputFile
from schemas.sections import CARD, sections, skeleton_sha256, with_sections
from schemas.statistics import Statistics

if TYPE_CHECKING:
    from curation.figures import Figure

__all__ = [
    "CARD_FIGURES",
    "describe_card",
    "is_users",
    "kept_sections",
    "license_of",
    "remove_older",
    "render_card",
    "sha256_of_ours",
    "write_card",
]

#: The figures that it shows, by name; no others are drawn as PNG.
CARD_FIGURES = ("flow", "rounds", "categories", "spread-tokens", "overlap")
#: The first line of a LICENSE.md that is ours; without it the file is the user's, and stays.
_OURS = "<!-- made by curate; delete this line, and your text stays -->"


def write_card(
    directory: Path, manifest: Manifest, statistics: Statistics, figures: Collection["Figure"]
) -> list[OutputFile]:
    """Write README.md, and LICENSE.md where no known licence stands for all rows.

    manifest: of all that was written before; the card links what it names. Gives the entries of
    the files. Raises CorpusError as `kept_sections` does.
    """
    kept = kept_sections(directory)
    card = render_card(directory, manifest, statistics, figures, kept)
    files = {directory / CARD: card.encode()}
    license_ = license_of(manifest, statistics)
    path = directory / LICENSE
    if path.exists() and not is_users(path):
        path.unlink()
    if license_.name and not path.exists():
        files[path] = f"{_OURS}\n\n{license_text(manifest, license_)}".encode()
    write_all(files)
    # The card links the licence, whoever wrote it.
    licences = [describe(directory, path)] if license_.name else []
    return [describe_card(directory), *licences]


def render_card(
    directory: Path,
    manifest: Manifest,
    statistics: Statistics,
    figures: Collection["Figure"] = (),
    kept: Mapping[str, str] | None = None,
) -> str:
    """README.md: YAML front matter and Markdown, with the text of `kept` in its sections."""
    license_ = license_of(manifest, statistics)
    data = card_data(directory, manifest, statistics, license_)
    text = f"---\n{data.to_yaml()}\n---\n\n{body(manifest, statistics, license_, figures)}"
    return with_sections(text, kept or {})


def license_of(manifest: Manifest, statistics: Statistics) -> Combined:
    """One licence for all texts in the directory; the ledger has those of dropped records, too."""
    read = {source.source for source in statistics.sources if source.records}
    sources = manifest.recipe.sources
    return combine(s.license for s in sources if s.name in read or not read)


def kept_sections(directory: Path) -> dict[str, str]:
    """The user's text in the card that is there; empty where there is none.

    Raises CorpusError where the text cannot be told from ours, so that none of it is lost.
    """
    path = directory / CARD
    try:
        text = path.read_text(encoding="utf-8")
        found = sections(text)
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError):
        raise CorpusError(f"{path}: cannot be read as text; move it away and repeat") from None
    except ValueError as error:
        raise CorpusError(
            f"{path}: {error}; mend the marks of your text, or move the file away, and repeat"
        ) from None
    _check_names(path, found)
    return found


def remove_older(directory: Path) -> None:
    """Remove a card of another version, of which the manifest beside it proves that all is ours.

    Before the manifest goes: without that, what is the user's in such a card could not be told.
    """
    path = directory / CARD
    if path.is_file() and _is_unchanged(path) and not _has_our_sections(path):
        path.unlink()


def describe_card(directory: Path) -> OutputFile:
    """The manifest's entry of the card."""
    path = directory / CARD
    entry = describe(directory, path)
    return entry.model_copy(update={"skeleton_sha256": sha256_of_ours(path)})


def sha256_of_ours(path: Path) -> str | None:
    """SHA-256 of the card without its user's text; None where its marks are damaged."""
    try:
        return skeleton_sha256(path.read_text(encoding="utf-8"))
    except ValueError:  # not UTF-8 either
        return None


def _has_our_sections(path: Path) -> bool:
    try:
        return set(sections(path.read_text(encoding="utf-8"))) == set(SECTIONS)
    except ValueError:
        return False


def _check_names(path: Path, found: Mapping[str, str]) -> None:
    """Refuse a card whose sections are not ours, unless it is just what an older run wrote."""
    if set(found) == set(SECTIONS) or _is_unchanged(path):
        return
    names = ", ".join(SECTIONS)
    unknown = sorted(set(found) - set(SECTIONS))
    missing = sorted(set(SECTIONS) - set(found))
    what = f"an unknown section {unknown[0]!r}" if unknown else f"no section {missing[0]!r}"
    raise CorpusError(
        f"{path}: has {what}, and what is yours in it cannot be told; its sections are {names}: "
        "mend their marks, or move the file away, and repeat"
    )


def _is_unchanged(path: Path) -> bool:
    """Whether the card is byte for byte what the manifest beside it, of any version, names."""
    try:
        outputs = json.loads((path.parent / MANIFEST).read_bytes())["outputs"]
        digests = [one["sha256"] for one in outputs if one["path"] == path.name]
    except (OSError, ValueError, TypeError, KeyError):
        return False
    return hashlib.sha256(path.read_bytes()).hexdigest() in digests


def is_users(path: Path) -> bool:
    """Whether a LICENSE.md is its user's own."""
    return not path.read_bytes().startswith(_OURS.encode())
