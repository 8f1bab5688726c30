"""The corpus as the trainer reads it: a directory of `curate run`, a Hub id or a file."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from finetune.adapter.record import Data
from finetune.console import needs
from schemas.conversation import DATA
from schemas.corpus import MANIFEST, read_manifest
from schemas.errors import CorpusError
from schemas.manifest import Manifest

if TYPE_CHECKING:
    from datasets import Dataset

_SUFFIXES = (".parquet", ".jsonl")


@dataclass(frozen=True)
class Corpus:
    """Conversations, memory-mapped, in their order; rows have at least `id` and `messages`.

    The `messages` column is what TRL calls conversational data.
    """

    train: "Dataset"
    validation: "Dataset | None"
    data: Data


def load_corpus(data: str, revision: str | None = None) -> Corpus:
    """Load a directory that `curate run` wrote, a Hub id, or a .parquet or .jsonl file of rows.

    `revision` is a commit or tag on the Hub; what is loaded, and named, is the commit that it
    stands for. A file gets ids 0, 1, … where it has none.
    Raises CorpusError where there is no finished corpus or one of another shape.
    """
    if not data:
        raise CorpusError("the name of the corpus is empty; name a directory, a Hub id or a file")
    path = Path(data)
    if path.is_dir():
        return _directory(path, path.name, None)
    if path.is_file():
        return _file(path)
    if path.suffix in _SUFFIXES or data.count("/") != 1 or data.startswith((".", "/", "~")):
        raise CorpusError(f"{data}: no such file or directory; `curate run` makes one")
    return _hub(data, revision)


def _directory(path: Path, name: str, revision: str | None) -> Corpus:
    manifest = read_manifest(path)
    with needs("finetune"):
        from datasets import Dataset
    files = {
        split: sorted(map(str, (path / "data").glob(f"{split}-*.parquet")))
        for split in ("train", "validation")
    }
    if not files["train"]:
        raise CorpusError(f"{path}: its data hold no conversation to train on")
    # Not load_dataset, which tells a server of each load.
    splits = {split: Dataset.from_parquet(names) for split, names in files.items() if names}
    missing = [column for column in DATA.names if column not in splits["train"].column_names]
    if missing:
        raise CorpusError(f"{path}: its data lack the columns {', '.join(missing)}")
    return Corpus(
        splits["train"],
        splits.get("validation"),
        Data(
            name=manifest.recipe.name if revision is None else name,
            revision=revision,
            sha256=_sha256(path / MANIFEST),
            licenses=_licenses(splits["train"]),
            kept_out=_kept_out(manifest),
        ),
    )


def _kept_out(manifest: Manifest) -> list[str]:
    """The benchmarks whose questions curation removed."""
    stage = manifest.recipe.stages.decontaminate
    removed = stage.enabled and stage.action == "drop"
    return [one.name for one in manifest.benchmarks] if removed else []


def _file(path: Path) -> Corpus:
    if path.suffix not in _SUFFIXES:
        raise CorpusError(f"{path}: must be a corpus directory, a .parquet or a .jsonl file")
    with needs("finetune"):
        from datasets import Dataset
        from datasets.exceptions import DatasetGenerationError
    if not path.stat().st_size:
        raise CorpusError(f"{path}: has no row")
    read = Dataset.from_json if path.suffix == ".jsonl" else Dataset.from_parquet
    try:
        rows = read(str(path))
    except (DatasetGenerationError, ValueError, OSError) as error:
        reason = str(error.__cause__ or error).splitlines()[0]
        raise CorpusError(f"{path}: cannot be read as rows ({reason})") from None
    rows = _checked(rows, str(path))
    data = Data(name=path.name, revision=None, sha256=_sha256(path), licenses=_licenses(rows))
    return Corpus(rows, None, data)


def _hub(name: str, revision: str | None) -> Corpus:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    wanted = [MANIFEST, "data/*.parquet"]
    try:
        snapshot = Path(
            snapshot_download(name, repo_type="dataset", revision=revision, allow_patterns=wanted)
        )
    except HFValidationError:
        raise CorpusError(f"{name}: is no directory here and no name of the Hub") from None
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise CorpusError(
            f"{name}: no such directory, and the Hub gives no data set of that name "
            f"({str(error).splitlines()[0]}); check the name, the revision and `hf auth login`"
        ) from None
    commit = snapshot.name  # snapshots are kept in folders named by their commit
    if (snapshot / MANIFEST).is_file():
        return _directory(snapshot, name, commit)
    return _foreign(name, commit)


def _foreign(name: str, commit: str) -> Corpus:
    """A data set of the Hub without a manifest of `curate run`, with a `messages` column."""
    with needs("finetune"):
        from datasets import load_dataset

    from finetune.rendering.cache import fingerprint

    splits = load_dataset(name, revision=commit)
    if "train" not in splits:
        raise CorpusError(f"{name}: has no split `train`, only {', '.join(splits)}")
    rows = {split: _checked(splits[split], name) for split in splits if split in _SPLITS}
    data = Data(
        name=name,
        revision=commit,
        sha256=fingerprint(rows["train"]),
        licenses=_licenses(rows["train"]),
    )
    return Corpus(rows["train"], rows.get("validation"), data)


_SPLITS = ("train", "validation")


def _checked(rows: "Dataset", name: str) -> "Dataset":
    """`rows` with ids. Raises CorpusError where `messages` is not a list of role and content."""
    feature: Any = rows.features.get("messages")
    fields = feature[0] if isinstance(feature, list) else getattr(feature, "feature", None)
    texts = [
        getattr(fields[name], "dtype", None)
        if isinstance(fields, dict) and name in fields
        else None
        for name in ("role", "content")
    ]
    if any(text not in ("string", "large_string") for text in texts):
        raise CorpusError(f"{name}: each row needs `messages`, a list of {{role, content}} texts")
    if "id" in rows.column_names:
        if not hasattr(rows.features["id"], "dtype"):
            raise CorpusError(f"{name}: `id` must be a text or a number in each row")
        return rows
    return rows.add_column("id", [str(position) for position in range(len(rows))])


def _licenses(rows: "Dataset") -> list[str]:
    if "license" not in rows.column_names:
        return []
    return sorted(one for one in rows.unique("license") if one)


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
