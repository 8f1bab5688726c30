"""The manifest: how it is made and written."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

from curation.outputs.writing import write_all
from curation.recipes import load, shipped
from schemas.corpus import MANIFEST
from schemas.manifest import Manifest, OutputFile
from schemas.recipe import Recipe


def publishable(recipe: Recipe) -> Recipe:
    """The recipe without folders of this machine.

    Of a path that is absolute or leaves the recipe's folder, its last part; more of its end only
    where another path ends so, too.
    """
    benchmarks = recipe.stages.decontaminate.benchmarks
    every = [*(path for source in recipe.sources for path in source.paths), *benchmarks]
    ends = {path: _end(path, every) for path in every}
    sources = [
        source.model_copy(update={"path": [ends[path] for path in source.paths]})
        for source in recipe.sources
    ]
    decontaminate = recipe.stages.decontaminate
    named = decontaminate.model_copy(update={"benchmarks": [ends[path] for path in benchmarks]})
    stages = recipe.stages.model_copy(update={"decontaminate": named})
    return recipe.model_copy(update={"sources": sources, "stages": stages})


def shipped_name(recipe: Recipe) -> str | None:
    """The name under which `curate run` finds a published recipe; None where it is the user's."""
    return next((name for name in shipped() if publishable(load(name).recipe) == recipe), None)


def _end(path: str, every: Sequence[str]) -> str:
    """The path as others may see it."""
    if not Path(path).is_absolute() and ".." not in Path(path).parts:
        return path
    parts = _parts(path)
    others = [_parts(other) for other in every if _parts(other) != parts]
    lengths = range(1, len(parts))
    alone = (n for n in lengths if all(other[-n:] != parts[-n:] for other in others))
    return "/".join(parts[-next(alone, len(parts)) :])


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in Path(path).parts if part not in ("..", Path(path).anchor))


def write_manifest(directory: Path, manifest: Manifest) -> None:
    """Write `manifest.json`, whole or not at all."""
    write_all({directory / MANIFEST: manifest_text(manifest).encode()})


def manifest_text(manifest: Manifest) -> str:
    """What stands in `manifest.json`."""
    return manifest.model_dump_json(indent=2) + "\n"


def describe(directory: Path, path: Path, rows: int | None = None) -> OutputFile:
    """The manifest's entry for a file that was written."""
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    relative = path.relative_to(directory).as_posix()
    return OutputFile(path=relative, bytes=path.stat().st_size, sha256=digest, rows=rows)
