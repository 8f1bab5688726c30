"""The Hub's client as we use it: silent, with a time limit, and with patience that ends."""

import logging
import secrets
import sys
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, TypeVar

from schemas.errors import AuroraError
from schemas.hub.failures import LONGEST_WAIT, addressed, asked_wait, attempts, wait_of

if TYPE_CHECKING:
    from huggingface_hub import HfApi

#: Seconds without a byte after which an answer counts as lost. A large commit may take a minute.
TIMEOUT = 180.0
#: Seconds that may pass in vain in one push: in requests that fail, and in the pauses after them.
PATIENCE = 900.0
_LONGEST_PAUSE = 30.0
_Result = TypeVar("_Result")


def patiently(attempt: Callable[["HfApi"], _Result]) -> _Result:
    """Make the attempt until it gives a result, fails for good, or has failed too often.

    Pauses double and are spread at random, so that those who failed together do not come back
    together; what the Hub asks for is waited in full. Raises AuroraError where there is no token.
    """
    patience = _Patience()
    failures: Counter[int] = Counter()
    with _hub(patience) as api:
        while True:
            try:
                return attempt(api)
            except Exception as error:
                limit = attempts(error)
                failures[limit] += 1
                if failures[limit] >= limit:
                    raise
                pause = min(2.0 ** (failures.total() - 1), _LONGEST_PAUSE)
                pause *= secrets.SystemRandom().uniform(0.5, 1.5)
                pause = max(pause, wait_of(error) or 0)
                patience.spend(pause)
                time.sleep(pause)


class _Patience:
    """The one account of what passes in vain, whoever waits: the client or we."""

    def __init__(self) -> None:
        self._left = PATIENCE

    def spend(self, seconds: float) -> None:
        self._left -= seconds
        if self._left < 0:
            raise AuroraError(
                f"the Hub has been failing for {PATIENCE / 60:.0f} minutes; repeat the command "
                "later: what it has stored by now is not sent again"
            )

    def around(self, send: Callable[..., Any]) -> Callable[..., Any]:
        """The client's way to send a request, on this account."""
        from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # httpx2's
        from huggingface_hub.utils import hf_raise_for_status  # type: ignore[attr-defined]

        def sent(request: Any, **options: Any) -> Any:
            begun = time.monotonic()
            try:
                response = send(request, **options)
            except HTTPError:
                self.spend(time.monotonic() - begun)
                raise
            if _is_busy(response):
                wait = _bounded(asked_wait(response))
                if request.method != "PUT":  # the client would try again itself, create for ever
                    hf_raise_for_status(response)
                self.spend(time.monotonic() - begun + wait)
            return response

        return sent


def _is_busy(response: Any) -> bool:
    status = response.status_code
    return status == 429 or status >= 500 or (status == 409 and "conflicting" in response.text)


def _bounded(wait: int | None) -> int:
    """Seconds to wait. Raises AuroraError where the Hub asks for too many."""
    if wait is not None and wait > LONGEST_WAIT:
        raise AuroraError(
            f"the Hub asks to wait {wait:,} seconds; repeat the command then: what it has stored "
            "by now is not sent again"
        )
    return wait or 1


@contextmanager
def _hub(patience: _Patience) -> Iterator["HfApi"]:
    """The client. Raises AuroraError where there is no token that it could send."""
    with addressed():
        from huggingface_hub import HfApi, get_session, get_token, set_client_factory
        from huggingface_hub.utils import _http

    token = get_token()
    if not token:
        raise AuroraError("the Hub needs a token; run `hf auth login`, or set HF_TOKEN")
    if not (token.isascii() and token.isprintable()):
        raise AuroraError(
            "the Hub's token (HF_TOKEN, or of `hf auth login`) has characters that no token has; "
            "copy it again"
        )

    def client() -> Any:
        made = _http.default_client_factory()
        made.timeout = TIMEOUT  # it would wait for ever
        made.send = patience.around(made.send)  # type: ignore[method-assign]
        return made

    set_client_factory(client)
    try:
        with _silence():
            with addressed():
                get_session()
            yield HfApi(token=token)
    finally:
        set_client_factory(_http.default_client_factory)


@contextmanager
def _silence() -> Iterator[None]:
    """Its log and warnings quote addresses and the Hub's texts; its bars are for a terminal."""
    from huggingface_hub.utils import disable_progress_bars  # type: ignore[attr-defined]

    logger = logging.getLogger("huggingface_hub")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            if not (sys.stderr and sys.stderr.isatty()):
                disable_progress_bars()
            yield
    finally:
        logger.setLevel(level)
