"""What a push changes: the files that should be there, compared with those that are."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from schemas.hub.repository import RemoteFile

_Action = Literal["add", "replace", "delete"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the repository should hold of ours.

    files: name in the repository → file or content. gone: names that are to go, where they are
    there. notes: sentences for the person who pushes. sha256: of files whose content is known; none
    else is committed. Other files of the repository stay.
    """

    files: Mapping[str, Path | bytes]
    gone: Collection[str] = ()
    notes: Sequence[str] = ()
    sha256: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """One file of a commit. `bytes` are those of the new content, or of what is deleted."""

    name: str
    action: _Action
    bytes: int


def compare(there: Mapping[str, RemoteFile], wanted: Wanted) -> list[Change]:
    """The changes that lead from one to the other, sorted by name; empty where nothing is to do."""
    changes = [
        Change(name, "replace" if name in there else "add", size_of(content))
        for name, content in wanted.files.items()
        if name not in there or not _same(there[name], content)
    ]
    gone = {name for name in wanted.gone if name in there and name not in wanted.files}
    changes += [Change(name, "delete", there[name].bytes) for name in gone]
    return sorted(changes, key=lambda change: change.name)


def size_of(content: Path | bytes) -> int:
    """Bytes of a file or content."""
    return len(content) if isinstance(content, bytes) else content.stat().st_size


def _same(remote: RemoteFile, content: Path | bytes) -> bool:
    """Whether the Hub has just this content, by the name it stores it under."""
    size = size_of(content)
    if size != remote.bytes:
        return False
    if remote.sha256:
        return remote.sha256 == _digest(content, hashlib.sha256())
    # As git names a blob: https://git-scm.com/book/en/v2/Git-Internals-Git-Objects
    blob = hashlib.sha1(b"blob %d\0" % size, usedforsecurity=False)
    return remote.blob_id == _digest(content, blob)


def _digest(content: Path | bytes, digest: "hashlib._Hash") -> str:
    if isinstance(content, bytes):
        digest.update(content)
        return digest.hexdigest()
    with content.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()
