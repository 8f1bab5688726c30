"""Recipes: loading one from a YAML file or by the name of a shipped one, and `--set` changes."""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from curation.sources.benchmarks import KNOWN
from schemas.document import explain, nearest
from schemas.errors import RecipeError
from schemas.recipe import Recipe
from schemas.strict_yaml import YAML_ERRORS, parse_yaml, read_mapping

_SHIPPED = Path(str(files(__name__)))


@dataclass(frozen=True, slots=True)
class LoadedRecipe:
    """A recipe, and the folder its relative paths start from."""

    recipe: Recipe
    base: Path


def shipped() -> dict[str, Path]:
    """Name → file of the recipes in this package."""
    return {path.stem: path for path in sorted(_SHIPPED.glob("*.yaml"))}


def load(name_or_path: str, changes: Sequence[str] = ()) -> LoadedRecipe:
    """Load a recipe; each of `changes` is KEY=VALUE with a dotted key and a YAML value.

    A source is named in a key by its name or its number: `sources.alpaca_zh.path=/data/a.json`.
    A relative path starts at the recipe's folder; one given by a change, at the current folder,
    and the recipe's sha256 of the file it replaces no longer applies.
    Raises RecipeError.
    """
    path = _find(name_or_path)
    document = read_mapping(path)
    for change in changes:
        _change(document, change)
    try:
        recipe = Recipe.model_validate(document)
    except ValidationError as error:
        raise RecipeError(f"{path}: {explain(Recipe, error)}") from None
    return LoadedRecipe(recipe, path.parent)


def _find(name_or_path: str) -> Path:
    path = Path(name_or_path)
    if path.is_file():
        return path.absolute()
    known = shipped()
    if name_or_path in known:
        return known[name_or_path]
    if path.suffix in (".yaml", ".yml") or len(path.parts) > 1:
        raise RecipeError(
            f"{name_or_path}: no such recipe file; `curate recipes` lists the shipped ones"
        )
    raise RecipeError(f"no recipe {name_or_path!r}; {nearest(name_or_path, known)}")


def _change(document: dict[str, Any], change: str) -> None:
    """Apply one KEY=VALUE to `document`, in place."""
    dotted, equals, text = change.partition("=")
    if not equals or not dotted:
        raise RecipeError(f"--set {change}: must be KEY=VALUE, e.g. stages.dedup.threshold=0.7")
    *parents, last = dotted.split(".")
    value = _value(last, text, change)
    target: Any = document
    for step in parents:
        target = _enter(target, step, change)
    if isinstance(target, list):
        target[_index(target, last, change)] = value
    elif last == "benchmarks":
        target[last] = _existing_from_here(value)
    elif last == "path":
        target[last] = _from_here(value)
        target.pop("sha256", None)  # it was the other file's; give this one's after it, if known
    else:
        target[last] = value


def _value(key: str, text: str, change: str) -> Any:
    """The value of a change. A path may be written as it is, though `*` means more in YAML."""
    try:
        return parse_yaml(text)
    except YAML_ERRORS:
        if key in ("path", "benchmarks"):
            return text
        raise RecipeError(f"--set {change}: the value is not valid YAML") from None


def _enter(target: Any, step: str, change: str) -> Any:
    """The value under `step`; a mapping that is not there yet is made."""
    key = _index(target, step, change) if isinstance(target, list) else step
    if isinstance(target, dict) and target.get(step) is None:
        target[step] = {}
    if not isinstance(target[key], dict | list):
        raise RecipeError(f"--set {change}: {step!r} has no keys below it")
    return target[key]


def _index(items: list[Any], step: str, change: str) -> int:
    """The place of an item, given by its name or its number."""
    names = [item.get("name") if isinstance(item, dict) else None for item in items]
    if step in names:
        return names.index(step)
    if step.isdecimal() and int(step) < len(items):
        return int(step)
    known = (name for name in names if isinstance(name, str))
    raise RecipeError(f"--set {change}: no {step!r}; {nearest(step, known)}")


def _existing_from_here(benchmarks: Any) -> Any:
    """Benchmarks from the command line: what is a path here is one, the others are names."""
    if isinstance(benchmarks, list):
        return [_existing_from_here(one) for one in benchmarks]
    if not isinstance(benchmarks, str) or benchmarks in ("", *KNOWN):
        return benchmarks
    return _from_here(benchmarks) if Path(benchmarks).exists() or "/" in benchmarks else benchmarks


def _from_here(path: Any) -> Any:
    """A path from the command line, made absolute."""
    if isinstance(path, list):
        return [_from_here(one) for one in path]
    if not isinstance(path, str) or path.startswith("hf://"):
        return path
    return str(Path(path).expanduser().absolute())
