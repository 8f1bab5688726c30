"""The manifest: how it is made and written."""

import hashlib
from pathlib import Path

from schemas.corpus import MANIFEST
from schemas.manifest import Manifest, OutputFile
from schemas.recipe import Recipe


def publishable(recipe: Recipe) -> Recipe:
    """The recipe without folders of this machine: of an absolute path, its last part."""
    sources = [
        source.model_copy(
            update={"path": [Path(p).name if Path(p).is_absolute() else p for p in source.paths]}
        )
        for source in recipe.sources
    ]
    return recipe.model_copy(update={"sources": sources})


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Write `manifest.json`, whole or not at all."""
    partial = directory / f"{MANIFEST}.partial"
    partial.write_text(manifest.model_dump_json(indent=2) + "\n", encoding="utf-8")
    partial.replace(directory / MANIFEST)


def describe(directory: Path, path: Path, rows: int | None = None) -> OutputFile:
    """The manifest's entry for a file that was written."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    relative = path.relative_to(directory).as_posix()
    return OutputFile(path=relative, bytes=path.stat().st_size, sha256=digest, rows=rows)
