"""What differs in what made two corpora: recipe, inputs, benchmarks, versions."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from curation.compare.result import Cause
from schemas.manifest import InputFile, Manifest
from schemas.recipe import Recipe


@dataclass(frozen=True, slots=True)
class Renamed:
    """An input file that B has under another name, or in another source, byte for byte."""

    before: InputFile
    after: InputFile


def causes(a: Manifest, b: Manifest) -> list[Cause]:
    """What differs, the recipe first."""
    renames = renamed_inputs(a, b)
    return [
        *_differing("recipe", _keys(a.recipe, renamed_sources(a, b)), _keys(b.recipe, {})),
        *(Cause("renamed input", _name(r.after), _name(r.before), _name(r.after)) for r in renames),
        *_differing(
            "input",
            _inputs(a, {_name(r.before) for r in renames}),
            _inputs(b, {_name(r.after) for r in renames}),
        ),
        *_differing("benchmark", _benchmarks(a), _benchmarks(b)),
        *_differing("version", a.versions, b.versions),
    ]


def renamed_inputs(a: Manifest, b: Manifest) -> list[Renamed]:
    """Files that only A names and only B names, paired where their bytes are equal."""
    before, after = ({_name(file): file for file in m.inputs} for m in (a, b))
    by_digest = defaultdict(list)
    for name, file in after.items():
        if name not in before and file.sha256:
            by_digest[file.sha256].append(file)
    gone = (file for name, file in before.items() if name not in after)
    return [
        Renamed(file, by_digest[file.sha256].pop(0))
        for file in gone
        if file.sha256 and by_digest[file.sha256]
    ]


def renamed_sources(a: Manifest, b: Manifest) -> dict[str, str]:
    """Name in A → name in B of sources that only one of them names, with renamed files between."""
    before, after = ({source.name for source in m.recipe.sources} for m in (a, b))
    pairs = {(one.before.source, one.after.source) for one in renamed_inputs(a, b)}
    moved = [(old, new) for old, new in pairs if old not in after and new not in before]
    olds, news = (Counter(names) for names in zip(*moved, strict=True)) if moved else ({}, {})
    return {old: new for old, new in moved if olds[old] == news[new] == 1}


def _differing(
    what: Literal["recipe", "version", "input", "benchmark"],
    before: Mapping[str, Any],
    after: Mapping[str, Any],
) -> Iterator[Cause]:
    for name in dict.fromkeys([*before, *after]):
        if before.get(name) != after.get(name):
            yield Cause(what, name, before.get(name), after.get(name))


def _keys(recipe: Recipe, names: Mapping[str, str]) -> dict[str, Any]:
    """Every key of a recipe by its whole name; sources by theirs, and their order.

    names: of sources, to go by instead of their own.
    """
    document = recipe.model_dump(mode="json")
    listed = document.pop("sources")
    sources = {names.get(source["name"], source["name"]): source for source in listed}
    flat = dict(_flattened(document, ""))
    flat["sources"] = list(sources)
    for name, source in sources.items():
        flat |= _flattened(source, f"sources.{name}.")
    return flat


def _flattened(document: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in document.items():
        if isinstance(value, dict):
            yield from _flattened(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _inputs(manifest: Manifest, without: set[str]) -> dict[str, Any]:
    return {
        name: {"bytes": file.bytes, "sha256": file.sha256}
        for file in manifest.inputs
        if (name := _name(file)) not in without
    }


def _benchmarks(manifest: Manifest) -> dict[str, Any]:
    return {benchmark.name: benchmark.sha256 for benchmark in manifest.benchmarks}


def _name(file: InputFile) -> str:
    return f"{file.source}/{file.file}"
