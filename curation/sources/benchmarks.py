"""The benchmarks that a recipe keeps out of training data, and the files that each consists of.

A benchmark is the name of a known one, `hf://datasets/OWNER/NAME/FILE@REVISION`, or a path: a zip,
a folder, a glob or a file. `benchmark_items` reads them.
"""

import glob
import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import orjson

from curation.sources import hub
from curation.sources.files import glob_files, printable, sha256_of
from schemas.document import nearest
from schemas.errors import InputError, RecipeError

#: Known benchmarks as their authors publish them, at revisions that other projects pin too.
#: ceval-exam.zip has SHA-256 68786deeea68… there, and cmmlu_v1_0_1.zip 22ecf70b28be…
KNOWN = {
    "ceval": (
        "hf://datasets/ceval/ceval-exam/ceval-exam.zip@3923b519fd180e689d0961bf3a032ece929742f3",
    ),
    "cmmlu": (
        "hf://datasets/haonan-li/cmmlu/cmmlu_v1_0_1.zip@efcc940752ea4a1ea94d2727f11f83858d64fc8e",
    ),
    "mmlu": tuple(
        f"hf://datasets/cais/mmlu/all/{split}-00000-of-00001.parquet"
        "@c30699e8356da336a370243923dbaf21066bb9fe"
        for split in ("dev", "validation", "test")
    ),
}
_KEY = "stages.decontaminate.benchmarks"

_TABLES, _PACKED = r"\.(?:csv|tsv|parquet|json|jsonl|ndjson)", r"(?:\.gz|\.zst)?"
_DATA = re.compile(rf"\A.+{_TABLES}{_PACKED}", re.IGNORECASE)
_SUFFIX = re.compile(rf"(?:{_TABLES}|\.txt|\.zip){_PACKED}$", re.IGNORECASE)
_ABOUT = {"dataset_info.json", "dataset_infos.json"}  # notes of the `datasets` library
# What the system hides, and MMLU's training data, which is not MMLU.
_JUNK = re.compile(r"\.[^.].*|__MACOSX|auxiliary_train.*")


@dataclass(frozen=True, slots=True)
class Benchmark:
    """The local files of a benchmark.

    name:   as the recipe writes it; of a path, the file's or folder's name; of an address, NAME.
    files:  name within the benchmark, with forward slashes, and path of each.
    sha256: of the name, the files' names and their bytes; equal ones have equal items.
    """

    name: str
    files: tuple[tuple[str, Path], ...]
    sha256: str


def resolve_benchmark(text: str, base: Path) -> Benchmark:
    """The benchmark that `text` means; paths are relative to `base`, and known names come first.

    Downloads what the Hub's cache does not have. Raises RecipeError for a name that is neither a
    known benchmark nor a file, and InputError where a file is missing or cannot be read.
    """
    try:
        name, files = _on_hub(text) if _is_remote(text) else _local(text, base)
    except OSError as error:
        raise InputError(f"benchmark {text!r}: {error}; make it readable") from None
    if len(files) > 1:
        files = [(of, path) for of, path in files if not _is_junk(of)]
    if not files:
        raise InputError(
            f"benchmark {text!r}: no CSV, TSV, Parquet or JSON file in it; correct {_KEY}"
        )
    named = tuple((printable(of), path) for of, path in files)
    return Benchmark(name, named, _digest(name, named))


def is_data(name: str) -> bool:
    """Whether a file so named, in a folder or a zip, is taken to hold items."""
    last = PurePosixPath(name).name
    return bool(_DATA.fullmatch(last)) and last not in _ABOUT and not _is_junk(name)


def stem(name: str) -> str:
    """A file name without the suffixes of its format."""
    return _SUFFIX.sub("", name)


def _is_junk(name: str) -> bool:
    return any(_JUNK.fullmatch(part) for part in PurePosixPath(name).parts)


def _is_remote(text: str) -> bool:
    return text in KNOWN or text.startswith(hub.SCHEME)


def _on_hub(text: str) -> tuple[str, list[tuple[str, Path]]]:
    """Name and files of a benchmark on the Hub."""
    asker = f"benchmark {text!r}"
    name = text if text in KNOWN else hub.parse(text, asker).repo.split("/")[1]
    setting = f"{_KEY}=[PATH/{name}.zip]"
    addresses = KNOWN.get(text, (text,))
    return name, [file for one in addresses for file in hub.fetch(one, asker, setting)]


def _local(text: str, base: Path) -> tuple[str, list[tuple[str, Path]]]:
    """Name and files of a benchmark on this machine; raises OSError."""
    path = base / text
    if path.is_dir():
        return _clean_name(path.resolve().name), sorted(_data_files(path))
    if os.path.lexists(path):
        return _clean_name(stem(path.name)), [(path.name, path)]
    if files := glob_files(path) if glob.has_magic(text) else []:
        plain = path.parts[: next(i for i, p in enumerate(path.parts) if glob.has_magic(p))]
        return _clean_name(Path(*plain).resolve().name), files
    if re.search(r"[/\\.*?\[]", text):
        raise InputError(
            f"benchmark {text!r}: no file matches it (looked for {path}); correct {_KEY}, or put "
            "the file there"
        )
    raise RecipeError(
        f"{_KEY}: {text!r} is no known benchmark and no file; {nearest(text.lower(), KNOWN)}; or "
        "give the path of a zip, a folder or a file, or hf://datasets/OWNER/NAME/FILE@REVISION"
    )


def _data_files(folder: Path) -> Iterator[tuple[str, Path]]:
    """Name and path of every file under `folder` that may hold items."""

    def fail(error: OSError) -> None:
        raise error

    for parent, _, names in os.walk(folder, onerror=fail):
        for path in (Path(parent, name) for name in names):
            name = path.relative_to(folder).as_posix()
            if is_data(name):
                yield name, path


def _clean_name(name: str) -> str:
    """`name` in characters that need no escaping anywhere.

    One that loses letters by this gets a few digits of its hash, so that names stay apart.
    """
    name = printable(name)
    clean = re.sub(r"[^A-Za-z0-9_.-]+", "-", name).strip("-.")
    if clean and name.isascii():
        return clean
    return "-".join(filter(None, (clean, hashlib.sha256(name.encode()).hexdigest()[:8])))


def _digest(name: str, files: tuple[tuple[str, Path], ...]) -> str:
    hashes = []
    for of, path in files:
        if (sha256 := sha256_of(path)) is None:
            raise InputError(f"benchmark {name!r}: {path} cannot be read; make it a readable file")
        hashes.append((of, sha256))
    return hashlib.sha256(orjson.dumps((name, hashes))).hexdigest()
