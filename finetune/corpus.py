"""The corpus as the trainer reads it."""

from pathlib import Path
from typing import TYPE_CHECKING

from schemas.conversation import DATA
from schemas.corpus import read_manifest
from schemas.errors import AuroraError, CorpusError

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
    read_manifest(directory)
    corpus: Dataset = load_dataset(str(directory), split="train")
    missing = [name for name in DATA.names if name not in corpus.column_names]
    if missing:
        raise CorpusError(f"{directory}: its data lack the columns {', '.join(missing)}")
    return corpus
