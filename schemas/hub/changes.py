"""What a push changes: the files that should be there, compared with those that are."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from schemas.errors import AuroraError
from schemas.hub.repository import Remote, RemoteFile

_Action = Literal["add", "replace", "delete"]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the repository should hold of ours.

    files: name in the repository → file or content. owned: names of files there that are ours to
    replace. gone: names that are to go, where they are there. notes: sentences for the person who
    pushes. sha256: of files whose content is known; none else is committed. Other files of the
    repository stay.
    """

    files: Mapping[str, Path | bytes]
    owned: Collection[str] = ()
    gone: Collection[str] = ()
    notes: Sequence[str] = ()
    sha256: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Change:
    """One file of a commit. `bytes` are those of the new content, or of what is deleted."""

    name: str
    action: _Action
    bytes: int


def compare(there: Remote, wanted: Wanted) -> list[Change]:
    """The changes that lead from one to the other, sorted by name; empty where nothing is to do.

    Raises AuroraError where a file of the same name is somebody's.
    """
    files = there.files
    changes = [
        Change(name, "replace" if name in files else "add", size_of(content))
        for name, content in wanted.files.items()
        if name not in files or not _same(files[name], content)
    ]
    _check_owned([one.name for one in changes if one.action == "replace"], there, wanted)
    gone = {name for name in wanted.gone if name in files and name not in wanted.files}
    changes += [Change(name, "delete", files[name].bytes) for name in gone]
    return sorted(changes, key=lambda change: change.name)


def _check_owned(replaced: Sequence[str], there: Remote, wanted: Wanted) -> None:
    others = sorted(name for name in replaced if name not in wanted.owned)
    if others:
        more = f" and {len(others) - 1:,} more" if len(others) > 1 else ""
        raise AuroraError(
            f"{there.target.repo}: has another {others[0]}{more} that no push of Aurora put there; "
            "push to another repository, or delete it there"
        )


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
