"""Other packages' chatter, kept off the terminal: what a user can act on, we say ourselves."""

import logging
import sys
import warnings

_TALKERS = (
    "accelerate",
    "bitsandbytes",
    "datasets",
    "peft",
    "torch",
    "torch.utils._pytree",
    "torchao",
    "transformers",
    "trl",
)


def quiet() -> None:
    """Call before those packages are imported; `python -W default` brings the warnings back."""
    for name in _TALKERS:
        logging.getLogger(name).setLevel(logging.ERROR)
    if not sys.warnoptions:
        warnings.simplefilter("ignore")


def no_bars() -> None:
    """No bars of other packages; call after the import of torch."""
    from datasets.utils.logging import disable_progress_bar
    from transformers.utils import logging as transformers_logging

    disable_progress_bar()
    transformers_logging.disable_progress_bar()
    transformers_logging.set_verbosity_error()
