"""The Hub's client as we use it: silent, with a time limit, and with patience that ends."""

import logging
import secrets
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from schemas.errors import AuroraError
from schemas.hub.failures import LONGEST_WAIT, asked_wait, passes, wait_of

if TYPE_CHECKING:
    from huggingface_hub import HfApi

#: Seconds without a byte after which an answer counts as lost. A large commit may take a minute.
TIMEOUT = 180.0
_ATTEMPTS = 7
_LONGEST_PAUSE = 30.0
_Result = TypeVar("_Result")


@contextmanager
def hub() -> Iterator["HfApi"]:
    """The client. Raises AuroraError where there is no token that it could send."""
    from huggingface_hub import HfApi, get_token, set_client_factory
    from huggingface_hub.utils import _http

    token = get_token()
    if not token:
        raise AuroraError("the Hub needs a token; run `hf auth login`, or set HF_TOKEN")
    if not token.isascii():
        raise AuroraError(
            "the Hub's token (HF_TOKEN, or of `hf auth login`) has characters that no token has; "
            "copy it again"
        )

    def client() -> Any:
        made = _http.default_client_factory()
        made.timeout = TIMEOUT  # it would wait for ever
        made.event_hooks = {**made.event_hooks, "response": [_refuse_long_wait]}
        return made

    set_client_factory(client)
    try:
        with _silence():
            yield HfApi()
    finally:
        set_client_factory(_http.default_client_factory)


def _refuse_long_wait(response: Any) -> None:
    """The client by itself would sleep as long as the Hub says."""
    wait = asked_wait(response)
    if wait is not None and wait > LONGEST_WAIT:
        raise AuroraError(
            f"the Hub asks to wait {wait:,} seconds; repeat the command then: what it has stored "
            "by now is not sent again"
        )


@contextmanager
def _silence() -> Iterator[None]:
    """Its log and warnings quote addresses and the Hub's texts; its bars are for a terminal."""
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

    if not (sys.stderr and sys.stderr.isatty()):
        disable_progress_bars()
    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)


def patiently(attempt: Callable[[], _Result]) -> _Result:
    """Make the attempt until it gives a result, fails for good, or has failed too often.

    Pauses double and are spread at random, so that those who failed together do not come back
    together; what the Hub asks for is waited in full.
    """
    for tried in range(1, _ATTEMPTS):
        try:
            return attempt()
        except Exception as error:
            if not passes(error):
                raise
            pause = min(2.0 ** (tried - 1), _LONGEST_PAUSE)
            pause *= secrets.SystemRandom().uniform(0.5, 1.5)
            time.sleep(max(pause, wait_of(error) or 0))
    return attempt()
