"""The one exception hierarchy.

AuroraError                exit 1   anything a user can be told in a sentence or two
├── RecipeError            exit 2   the recipe, a --set value or a command-line argument is wrong
├── InputError             exit 3   no source yields anything that can be read
├── CorpusError            exit 1   a finished corpus directory is missing, unfinished or damaged
├── ModelError             exit 1   a base model or adapter is not there or not what was asked for
└── TrainingError          exit 1   training cannot begin or go on

Every message names the file, row or key and the remedy; the command line prints it and exits with
`exit_code`. A traceback that reaches a user is a defect.
"""


class AuroraError(Exception):
    """Base of every error meant for a user's eyes."""

    exit_code = 1


class RecipeError(AuroraError):
    """A recipe or an argument asks for something that does not exist or cannot be."""

    exit_code = 2


class InputError(AuroraError):
    """The sources hold nothing usable."""

    exit_code = 3


class CorpusError(AuroraError):
    """A directory that should hold a finished corpus does not."""


class ModelError(AuroraError):
    """A base model or an adapter is missing, or is not what the recipe asks for."""


class TrainingError(AuroraError):
    """Training cannot begin or go on, or would give nothing."""
