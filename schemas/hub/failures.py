"""What the client raises: what may pass, how long to wait, and a sentence without its texts.

The Hub's own texts may repeat what was sent, the token too: none is shown.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from schemas.errors import AuroraError

#: The longest that we wait because the Hub says so, in seconds: its windows are of 5 minutes.
LONGEST_WAIT = 300
_ATTEMPTS = 7
#: Busy, changed meanwhile, too early, too many requests. All from 500 on too.
_PASSING = {408, 409, 412, 423, 425, 429}
_REMEDIES = {
    400: "it refuses the card, a name or a file; repeat the command, or update huggingface_hub",
    401: "it does not know your token; run `hf auth login`",
    403: "your token may not write there; make one with write access and run `hf auth login`",
    404: "it has no such repository or revision, or your token may not see it; check both names",
    409: "it is busy with another change; repeat the command",
    412: "somebody else keeps changing the repository; repeat the command when they are done",
    413: "a file or the commit is too large for it; see its limits, or split the push",
    422: "it refuses the content; update huggingface_hub and repeat the command",
    429: "it asks to wait; repeat the command later",
}
_ADDRESS = (
    "HF_ENDPOINT or the proxy of your environment is no address that can be used here; mend or "
    "unset it"
)
_STORAGE = "large files could not be stored on the Hub; check the connection and repeat the command"
_RESET = re.compile(r";\s*t\s*=\s*(\d+)")


class OddAnswerError(Exception):
    """The Hub's answer is none that the client can read."""


class StorageError(Exception):
    """Large files could not be stored, after attempts of the uploader's own."""


class AgainError(Exception):
    """What the Hub has made does not show yet. Its text is a sentence."""


@contextmanager
def asking() -> Iterator[None]:
    """Around calls of the client and nothing else: it stumbles over answers that are odd."""
    from huggingface_hub.errors import HTTPError  # type: ignore[attr-defined]  # httpx2's

    try:
        yield
    except Exception as error:
        odd = isinstance(cause(error), (LookupError, TypeError, AttributeError, ValueError))
        if odd and not isinstance(cause(error), HTTPError):  # which may be a ValueError too
            raise OddAnswerError from error
        raise


@contextmanager
def addressed() -> Iterator[None]:
    """Around the first import of the client and its first connection, which read addresses."""
    try:
        yield
    except ModuleNotFoundError:
        raise
    except Exception as error:
        if isinstance(error, (ImportError, ValueError)) or _is_address(error):
            raise AuroraError(_ADDRESS) from None
        raise


def _is_address(error: BaseException) -> bool:
    return type(error).__name__ in ("UnsupportedProtocol", "InvalidURL", "LocalProtocolError")


def cause(error: BaseException) -> BaseException:
    """What was behind an upload's error: the client wraps that of a thread."""
    while isinstance(error, RuntimeError) and error.__cause__ is not None:
        error = error.__cause__
    return error


def attempts(error: BaseException) -> int:
    """How often to try what fails so: more than once where the Hub is busy or cannot be reached."""
    from huggingface_hub import errors

    error = cause(error)
    if isinstance(error, errors.OfflineModeIsEnabled) or _is_address(error):
        return 1
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        return _ATTEMPTS if status in _PASSING or status >= 500 else 1
    if isinstance(error, (OddAnswerError, StorageError)):
        return 2
    return _ATTEMPTS if isinstance(error, (*_transport(), AgainError)) else 1


def is_lost(error: BaseException) -> bool:
    """Whether the Hub may yet do what it was asked for."""
    from huggingface_hub import errors

    if isinstance(error, errors.HfHubHTTPError):
        return error.response.status_code in (408, 500, 502, 504)
    refused = type(error).__name__ in ("ConnectError", "ConnectTimeout") or _is_address(error)
    return isinstance(error, (*_transport(), OddAnswerError)) and not refused


def asked_wait(response: Any) -> int | None:
    """Seconds that an answer asks to wait: `Retry-After`, or the Hub's `RateLimit` window."""
    if getattr(response, "status_code", None) not in (429, 503):
        return None
    after = response.headers.get("retry-after", "").strip()
    limit = _RESET.search(response.headers.get("ratelimit", ""))
    if after.isdigit():
        return int(after)
    return int(limit[1]) if limit else None


def wait_of(error: BaseException) -> int | None:
    """Seconds that the Hub asks to wait before the next attempt, if it does."""
    return asked_wait(getattr(cause(error), "response", None))


@contextmanager
def explained(repo: str) -> Iterator[None]:
    """Turn the client's errors into a sentence without its texts."""
    try:
        yield
    except (AuroraError, KeyboardInterrupt):
        raise
    except Exception as error:  # what is not known is raised again
        inner = cause(error)
        if isinstance(inner, AuroraError):
            raise inner from None
        sentence = _sentence(inner)
        if sentence is None:
            raise
        raise AuroraError(f"{repo}: {sentence}") from None


def _sentence(error: BaseException) -> str | None:
    from huggingface_hub import errors

    if isinstance(error, errors.HfHubHTTPError):
        return _answered(error)
    if isinstance(error, AgainError):
        return str(error)
    if _is_address(error):
        return _ADDRESS
    kinds: list[tuple[type[Exception] | tuple[type[Exception], ...], str]] = [
        (errors.LocalTokenNotFoundError, "the Hub needs a token; run `hf auth login`"),
        (
            errors.OfflineModeIsEnabled,
            "HF_HUB_OFFLINE forbids to ask the Hub; unset it and repeat the command",
        ),
        (OddAnswerError, "the Hub's answer cannot be read; repeat the command later"),
        (_transport(), "the Hub cannot be reached; check the connection and repeat the command"),
        (StorageError, _STORAGE),
    ]
    return next((sentence for kind, sentence in kinds if isinstance(error, kind)), None)


def _answered(error: Any) -> str:
    from huggingface_hub import errors

    status = error.response.status_code
    if isinstance(error, errors.DisabledRepoError):
        return "the Hub has disabled this repository; see its page there"
    if isinstance(error, errors.GatedRepoError):
        return "the repository asks for conditions first; accept them on its page, and repeat"
    return f"the Hub answers {status}: {_REMEDIES.get(status, 'repeat the command later')}"


def _transport() -> tuple[type[Exception], ...]:
    from huggingface_hub import errors

    return (errors.HTTPError, ConnectionError, TimeoutError)  # type: ignore[attr-defined]  # httpx2's
