"""The files of a benchmark: a zip, a folder, or what the Hub has under a known name."""

import hashlib
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from finetune.evaluation.suites import SUITES, Suite
from schemas.document import nearest
from schemas.errors import InputError, RecipeError

_KINDS = {".csv", ".parquet"}
_HIDDEN = ("__MACOSX", "auxiliary_train")  # MMLU's training data is not MMLU
_MAX_FILE = 128 * 2**20  # a zip of 1 MB can claim to hold 1 GB


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
    try:
        if path.is_dir():
            found = [*_in_folder(path)]
        elif path.is_file():
            found = [*_in_zip(path)]
        else:
            raise RecipeError(
                f"--benchmarks: {text!r} is no known benchmark and no zip or folder; "
                f"{nearest(text, SUITES)}"
            )
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
        raise InputError(f"{text}: cannot be read ({error}); fetch it again") from None
    if not found:
        raise InputError(f"{text}: no CSV or Parquet file in it; give the benchmark's own zip")
    return sorted(found)


def digest(files: list[File]) -> str:
    """SHA-256 over the names and hashes of files."""
    whole = hashlib.sha256()
    for file in files:
        whole.update(f"{hashlib.sha256(file.content).hexdigest()} {file.name}\n".encode())
    return whole.hexdigest()


def _wanted(name: str) -> bool:
    path = PurePosixPath(name)
    hidden = any(part.startswith((".", *_HIDDEN)) for part in path.parts)
    return path.suffix.lower() in _KINDS and not hidden


def _in_folder(folder: Path) -> Iterator[File]:
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if _wanted(name) and path.is_file():
            yield File(name, path.read_bytes())


def _in_zip(path: Path) -> Iterator[File]:
    with zipfile.ZipFile(path) as archive:
        for info in archive.infolist():
            if info.is_dir() or not _wanted(info.filename):
                continue
            if info.file_size > _MAX_FILE:
                raise InputError(f"{path}: {info.filename} is larger than {_MAX_FILE} bytes")
            yield File(info.filename, archive.read(info))


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
        return sorted(file for path in paths for file in _in_zip(path))
    return [File(name, path.read_bytes()) for name, path in zip(names, paths, strict=True)]
