"""The files of a benchmark: a zip, a folder, or what the Hub has under a known name."""

import contextlib
import hashlib
import struct
import zipfile
import zlib
from collections.abc import Generator
from pathlib import Path, PurePosixPath
from typing import IO, NamedTuple

from finetune.evaluation.suites import SUITES, Suite
from schemas.document import nearest
from schemas.errors import InputError, RecipeError

_KINDS = {".csv", ".parquet"}
_HIDDEN = ("__MACOSX", "auxiliary_train")  # MMLU's training data is not MMLU
_MAX_BYTES = 256 * 2**20  # of all tables, unpacked: a zip of 1 MB can hold 1 GB
_METHODS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}  # the others unpack without a bound
_DAMAGE = (
    *(OSError, EOFError, ValueError, RuntimeError),
    *(struct.error, zipfile.BadZipFile, zlib.error),
)

_Members = Generator[tuple[str, IO[bytes]], None, None]


class File(NamedTuple):
    """A file of a benchmark: its name in it, with forward slashes, and its bytes."""

    name: str
    content: bytes


def read_files(text: str) -> list[File]:
    """The tables of the benchmark that `text` means: a known name, or a path.

    Raises RecipeError for a name that is neither and InputError where files cannot be read.
    """
    if text in SUITES:
        return _on_hub(SUITES[text])
    path = Path(text)
    if not path.exists():
        raise RecipeError(
            f"--benchmarks: {text!r} is no known benchmark and no zip or folder; "
            f"{nearest(text, SUITES)}"
        )
    return _tables(path)


def digest(files: list[File]) -> str:
    """SHA-256 over the names and hashes of files."""
    whole = hashlib.sha256()
    for file in files:
        whole.update(f"{hashlib.sha256(file.content).hexdigest()} {file.name}\n".encode())
    return whole.hexdigest()


def _tables(path: Path) -> list[File]:
    """The tables in a zip or folder, by name."""
    try:
        files = _read(path, _in_folder(path) if path.is_dir() else _in_zip(path))
    except _DAMAGE as error:
        raise InputError(f"{path}: cannot be read ({error}); fetch it again") from None
    if not files:
        raise InputError(f"{path}: no CSV or Parquet file in it; give the benchmark's own zip")
    return sorted(files)


def _read(path: Path, members: _Members) -> list[File]:
    files, left = [], _MAX_BYTES
    with contextlib.closing(members):
        for name, stream in members:
            with stream:
                if not name.isprintable():
                    raise InputError(f"{path}: {name!r} has invisible characters; rename it")
                files.append(File(name, stream.read(left + 1)))
            left -= len(files[-1].content)
            if left < 0:
                raise InputError(f"{path}: its tables have more than {_MAX_BYTES:,} bytes")
    return files


def _wanted(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = any(part.startswith((".", *_HIDDEN)) for part in path.parts)
    return path.suffix.lower() in _KINDS and not hidden


def _in_folder(folder: Path) -> _Members:
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if _wanted(name) and path.is_file():
            yield name, path.open("rb")


def _in_zip(path: Path) -> _Members:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.is_dir() or not _wanted(info.filename):
                continue
            if info.compress_type not in _METHODS:
                raise InputError(f"{path}: {info.filename!r} is not packed by deflate; repack it")
            yield info.filename, archive.open(info)


def _on_hub(suite: Suite) -> list[File]:
    """Download what the Hub's cache does not have."""
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import HfHubHTTPError

    repository, revision, names = suite.files
    try:
        paths = [
            Path(hf_hub_download(repository, name, repo_type="dataset", revision=revision))
            for name in names
        ]
    except (OSError, HfHubHTTPError) as error:
        raise InputError(
            f"{suite.title}: {repository} cannot be fetched ({type(error).__name__}); give a local "
            f"copy: --benchmarks PATH/{suite.name}.zip"
        ) from None
    if paths[0].suffix == ".zip":
        return sorted(file for path in paths for file in _tables(path))
    return [File(name, path.read_bytes()) for name, path in zip(names, paths, strict=True)]
