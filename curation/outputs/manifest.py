"""The manifest: how it is made and written."""

import glob
import hashlib
from collections.abc import Sequence
from fnmatch import fnmatchcase
from pathlib import Path, PurePath

from curation.outputs.writing import write_all
from curation.recipes import load, shipped
from curation.sources.hub import SCHEME
from schemas.corpus import MANIFEST
from schemas.manifest import Manifest, OutputFile
from schemas.recipe import Recipe, Source


def publishable(recipe: Recipe) -> Recipe:
    """The recipe without folders of this machine.

    Of a path that is absolute or leaves the recipe's folder, its last part, for a glob with the
    folder before; more of its end only where that may mean files of another path, too.
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


def place(source: Source, name: str) -> str:
    """Where a published recipe looks for a local file of `source`, from the recipe's folder."""
    for path in source.paths:
        plain, wild = _divided(path)
        if PurePath(path).name == name:
            return path
        if wild and _fits(PurePath(name).parts, wild):
            return "/".join([*plain, name])
    return name


def _end(path: str, every: Sequence[str]) -> str:
    """The path as others may see it."""
    if _may_be_seen(path):
        return path
    plain, wild = _divided(path)
    local = [other for other in every if not other.startswith(SCHEME)]
    kept = [_parts(other) for other in local if _may_be_seen(other)]
    away = [_parts(other) for other in local if not _may_be_seen(other)]
    others = [*kept, *(other for other in away if other[: len(plain)] != plain)]
    ends = [*(plain[-n:] for n in range(1, len(plain) + 1)), ("files", *plain)]
    alone = (
        end
        for end in ends
        if not any(_holds(other, end) for other in others)
        and not any(_fits(end + wild, pattern) for pattern in kept)
    )
    return "/".join(next(alone, ends[0]) + wild)


def _may_be_seen(path: str) -> bool:
    """Whether it lies in the recipe's folder, or on the Hub."""
    return not Path(path).is_absolute() and ".." not in Path(path).parts


def _holds(parts: tuple[str, ...], some: tuple[str, ...]) -> bool:
    return any(parts[i : i + len(some)] == some for i in range(len(parts)))


def _fits(parts: tuple[str, ...], pattern: tuple[str, ...]) -> bool:
    """Whether a glob matches; `**` stands for any number of folders."""
    if not pattern or not parts:
        return parts == pattern
    if pattern[0] == "**":
        return any(_fits(parts[n:], pattern[1:]) for n in range(len(parts)))
    return fnmatchcase(parts[0], pattern[0]) and _fits(parts[1:], pattern[1:])


def _divided(path: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The parts before the first with a wildcard, and the others."""
    parts = _parts(path)
    wild = (number for number, part in enumerate(parts) if glob.has_magic(part))
    first = next(wild, len(parts))
    return parts[:first], parts[first:]


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
