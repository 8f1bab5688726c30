"""Other packages' chatter, kept off the terminal: what a user can act on, we say ourselves."""

import logging
import os
import sys
import warnings

_TALKERS = (
    "accelerate",
    "bitsandbytes",
    "datasets",
    "huggingface_hub",
    "peft",
    "torch",
    "torch.utils._pytree",
    "torchao",
    "transformers",
    "trl",
)


def quiet() -> None:
    """Call before those packages are imported; `python -W default` brings the warnings back."""
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_DATASETS_DISABLE_PROGRESS_BARS", "1")
    if not sys.stderr.isatty():
        os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    for name in _TALKERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")
