"""The manifest: how it is made and written."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from schemas.corpus import MANIFEST
from schemas.manifest import Manifest, OutputFile
from schemas.recipe import Recipe


def publishable(recipe: Recipe) -> Recipe:
    """The recipe without folders of this machine: of an absolute path, its last part."""
    sources = [
        source.model_copy(update={"path": _last_parts(source.paths)}) for source in recipe.sources
    ]
    decontaminate = recipe.stages.decontaminate
    named = decontaminate.model_copy(update={"benchmarks": _last_parts(decontaminate.benchmarks)})
    stages = recipe.stages.model_copy(update={"decontaminate": named})
    return recipe.model_copy(update={"sources": sources, "stages": stages})


def _last_parts(paths: Sequence[str]) -> list[str]:
    return [Path(path).name if Path(path).is_absolute() else path for path in paths]


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
