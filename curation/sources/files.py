"""Which files a source means: paths, globs and files on the Hub."""

import glob
import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from curation.sources import hub
from schemas.document import nearest
from schemas.errors import InputError, RecipeError
from schemas.recipe import Source

_SHOWN = 12  # hexadecimal digits of a hash that a message shows
_ANY_NAME = {"*", "**"}  # last parts of a pattern that mean the files in a folder


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One file of a source.

    name:   of the file within its source, with forward slashes; ids and the ledger use it.
    path:   where it is on this machine.
    sha256: what the recipe expects, or None.
    """

    source: str
    name: str
    path: Path
    sha256: str | None = None


def resolve(source: Source, base: Path) -> list[SourceFile]:
    """The files of `source`, patterns in order and sorted within each; relative to `base`.

    Raises InputError where a path or pattern names nothing or the Hub does not give a file, and
    RecipeError where two files would have one name or `sha256` does not fit the files.
    """
    found: dict[str, SourceFile] = {}  # by absolute path: one listed twice is read once
    for pattern in source.paths:
        for name, path in _expand(pattern, source, base):
            key = os.path.normpath(path.absolute())
            found.setdefault(key, SourceFile(source.name, printable(name), path))
    files = list(found.values())
    _check_names(files)
    return _with_hashes(files, source)


def sha256_of(path: Path) -> str | None:
    """SHA-256 of a file in hexadecimal; None where it cannot be read."""
    try:
        if not path.is_file():  # opening a pipe would wait for its other end
            return None
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return None


def checked_sha256(file: SourceFile) -> str | None:
    """SHA-256 of a source file; None where it cannot be read.

    Raises InputError where it is not the one that the recipe gives.
    """
    found = sha256_of(file.path)
    if found and file.sha256 and found != file.sha256.lower():
        raise InputError(
            f"{file.path} is not the file that source {file.source!r} expects: its SHA-256 starts "
            f"with {found[:_SHOWN]}, the recipe's with {file.sha256[:_SHOWN].lower()}; fetch the "
            "file again, or correct sha256 in the recipe"
        )
    return found


def printable(name: str) -> str:
    """A file name as text: bytes of it that are not UTF-8 are written out."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def _expand(pattern: str, source: Source, base: Path) -> Iterator[tuple[str, Path]]:
    """Name and path of each file that `pattern` means."""
    if pattern.startswith(hub.SCHEME):
        asker = f"source {source.name!r}"
        yield from hub.fetch(pattern, asker, f"sources.{source.name}.path=FILE")
        return
    path = base / pattern
    if os.path.lexists(path):
        yield path.name, path
        return
    files = glob_files(path) if glob.has_magic(pattern) else []
    if not files:
        raise InputError(
            f"source {source.name!r}: no file matches {pattern!r} (looked for {path}); "
            "correct `path` in the recipe, or put the file there"
        )
    yield from files


def glob_files(pattern: Path) -> list[tuple[str, Path]]:
    """Files that `pattern` matches, named from the part of it that has no wildcard."""
    parts = pattern.parts
    plain = next(i for i, part in enumerate(parts) if glob.has_magic(part))
    root = Path(*parts[:plain])
    matches = sorted(glob.glob(str(Path(*parts[plain:])), root_dir=root, recursive=True))  # noqa: PTH207
    files = [(Path(match).as_posix(), root / match) for match in matches]
    if parts[-1] in _ANY_NAME:
        return [(name, path) for name, path in files if not path.is_dir()]
    return files


def _check_names(files: list[SourceFile]) -> None:
    by_name: dict[str, SourceFile] = {}
    for file in files:
        other = by_name.setdefault(file.name, file)
        if other is not file:
            raise RecipeError(
                f"source {file.source!r} has two files named {file.name!r}: {other.path} and "
                f"{file.path}; give one glob that starts at their common folder, or two sources"
            )


def _with_hashes(files: list[SourceFile], source: Source) -> list[SourceFile]:
    """`files` with the hashes that the recipe expects."""
    expected = source.sha256
    if isinstance(expected, str):
        if len(files) != 1:
            raise RecipeError(
                f"source {source.name!r} gives one sha256 for {len(files)} files; write it as a "
                "mapping from file name to SHA-256"
            )
        expected = {files[0].name: expected}
    names = [file.name for file in files]
    unknown = next((name for name in expected or {} if name not in names), None)
    if unknown is not None:
        raise RecipeError(
            f"source {source.name!r}: sha256 names {unknown!r}, which is none of its files; "
            f"{nearest(unknown, names)}"
        )
    return [replace(file, sha256=(expected or {}).get(file.name)) for file in files]
