"""What a run is: may this command go on with what OUTPUT holds?

OUTPUT/checkpoints/run.json is written before the first step. The same recipe on the same corpus
and base model with the same number of processes goes on from the newest checkpoint; anything else
is refused.
"""

import hashlib
import shutil
from pathlib import Path

from filelock import FileLock, Timeout
from pydantic import ValidationError

from finetune.adapter.record import RECORD, Data, TrainingRecord, read_record
from finetune.base import TOKENIZER_FILES, base_directory
from finetune.recipe import TrainingRecipe
from finetune.training.checkpoints import write_synced
from schemas.document import Document
from schemas.errors import TrainingError

RUN = "run.json"
LOCK = ".lock"
_SAMPLE = 2**16  # bytes


WEIGHTS = ("adapter_config.json", "adapter_model.safetensors")
#: In `output`, besides the record and checkpoints.
WRITTEN = (*WEIGHTS, *TOKENIZER_FILES, "README.md", "assets/loss.png", "evaluation.json")


class Run(Document):
    """The whole of `run.json`."""

    recipe: TrainingRecipe
    data: Data
    base: str  # see base_identity
    processes: int  # each adds to the global batch


def checkpoints_folder(output: Path) -> Path:
    """Where a run keeps its checkpoints."""
    return output / "checkpoints"


def finished(output: Path, recipe: TrainingRecipe, data: Data) -> TrainingRecord | None:
    """The record of the finished adapter in `output`, if it is of this recipe and corpus.

    None where there is no finished adapter; raises TrainingError where there is another one.
    """
    if not (output / RECORD).exists():
        return None
    record = read_record(output)
    _refuse(output, "a finished adapter", _changes(record.recipe, recipe, record.data, data))
    return record


def base_identity(recipe: TrainingRecipe) -> str:
    """The commit of a base on the Hub; of one in a directory, a hash.

    The hash is of its configuration and tokenizer, and of each shard's name, size and a sample of
    its bytes: all of them would take minutes. Raises ModelError where there is no such base.
    """
    directory = base_directory(recipe.model, recipe.model_revision, ["config.json"])
    if directory != Path(recipe.model):
        return directory.name
    digest = hashlib.sha256()
    for name in ("config.json", *TOKENIZER_FILES):
        if (directory / name).is_file():
            digest.update(f"{name}\n".encode() + (directory / name).read_bytes())
    for path in sorted(directory.glob("*.safetensors")):
        size = path.stat().st_size
        digest.update(f"{path.name} {size}\n".encode())
        with path.open("rb") as file:
            file.seek(size // 2)
            digest.update(file.read(_SAMPLE))
    return digest.hexdigest()


def hold(output: Path) -> FileLock:
    """Keep other runs out of `output` until this process ends, however it ends.

    Raises TrainingError where one is at work, or where a corpus is.
    """
    if (output / "manifest.json").exists():
        raise TrainingError(f"{output}: holds a corpus; name another directory as output")
    folder = checkpoints_folder(output)
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise TrainingError(
            f"{output}: another run is at work in it; wait for its end or name another output"
        ) from None
    return lock


def enter(output: Path, run: Run) -> None:
    """Make `output` ready for `run`, or raise TrainingError where it holds another's work."""
    folder = checkpoints_folder(output)
    before = _read(folder / RUN)
    if before is None:
        write_synced(folder / RUN, run.model_dump_json(indent=1))
        return
    changes = _changes(before.recipe, run.recipe, before.data, run.data)
    if before.base != run.base:
        changes.append(f"the base model {run.recipe.model} is another")
    if before.processes != run.processes:
        changes.append(f"processes: {before.processes} → {run.processes}")
    _refuse(output, "checkpoints", changes)


def clear(output: Path) -> None:
    """Remove what an earlier run left in `output`, the record first; nothing where none ran."""
    folder = checkpoints_folder(output)
    if not (output / RECORD).exists() and not (folder / RUN).exists():
        return
    for name in (RECORD, *WRITTEN):
        (output / name).unlink(missing_ok=True)
    shutil.rmtree(output / "evaluation", ignore_errors=True)
    for path in folder.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
    (folder / RUN).unlink(missing_ok=True)


def _read(path: Path) -> Run | None:
    try:
        return Run.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return None
    except ValidationError:
        raise TrainingError(
            f"{path}: is damaged or of another version; begin anew with --fresh"
        ) from None


def _changes(
    before: TrainingRecipe, now: TrainingRecipe, data_before: Data, data: Data
) -> list[str]:
    changed = [
        f"{key}: {getattr(before, key)} → {getattr(now, key)}"
        for key in TrainingRecipe.model_fields
        if getattr(before, key) != getattr(now, key)
    ]
    if data_before.sha256 != data.sha256:
        changed.append(f"the corpus {data.name} was made anew")
    return changed


def _refuse(output: Path, what: str, changes: list[str]) -> None:
    if changes:
        raise TrainingError(
            f"{output}: holds {what} of another run ({'; '.join(changes)}); name another output, "
            "undo the change, or begin anew with --fresh"
        )
