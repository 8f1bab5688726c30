"""The corpus as the trainer reads it."""

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from schemas.conversation import DATA
from schemas.errors import AuroraError, CorpusError
from schemas.manifest import Manifest

if TYPE_CHECKING:
    from datasets import Dataset


def load_corpus(directory: Path) -> "Dataset":
    """Load the conversations that `curate run` wrote, memory-mapped, in their order.

    The `messages` column is what TRL calls conversational data; `SFTTrainer` takes it as it is.
    Raises CorpusError where the directory holds no finished corpus or one of another shape.
    """
    try:
        from datasets import load_dataset
    except ImportError as error:
        raise AuroraError(
            "training needs the finetune extra; install it with: pip install 'aurora-zh[finetune]'"
        ) from error
    _check(directory)
    corpus: Dataset = load_dataset(str(directory), split="train")
    missing = [name for name in DATA.names if name not in corpus.column_names]
    if missing:
        raise CorpusError(f"{directory}: its data lack the columns {', '.join(missing)}")
    return corpus


def _check(directory: Path) -> None:
    path = directory / "manifest.json"
    try:
        Manifest.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        raise CorpusError(f"{directory}: holds no finished corpus; run `curate run`") from None
    except OSError as error:
        raise CorpusError(f"{path}: cannot be read ({error.strerror})") from None
    except ValidationError:
        raise CorpusError(f"{path}: is damaged; run `curate verify {directory}`") from None
