"""The contract between `curation` and `finetune`. Imports neither."""

from schemas.conversation import DATA, MESSAGES, ROLES, Message, count_rounds
from schemas.errors import AuroraError, CorpusError, InputError, RecipeError
from schemas.ledger import DECISIONS, EDITS, Outcome
from schemas.manifest import InputFile, Manifest, OutputFile
from schemas.recipe import Recipe, Source
from schemas.statistics import Statistics

__all__ = [
    "DATA",
    "DECISIONS",
    "EDITS",
    "MESSAGES",
    "ROLES",
    "AuroraError",
    "CorpusError",
    "InputError",
    "InputFile",
    "Manifest",
    "Message",
    "Outcome",
    "OutputFile",
    "Recipe",
    "RecipeError",
    "Source",
    "Statistics",
    "count_rounds",
]
