"""What the client raises: what may pass, how long to wait, and a sentence without its texts.

The Hub's own texts may repeat what was sent, the token too: none is shown.
"""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError
from typing import Any

from schemas.errors import AuroraError

#: The longest that we wait because the Hub says so, in seconds: its windows are of 5 minutes.
LONGEST_WAIT = 300
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
_RESET = re.compile(r";\s*t\s*=\s*(\d+)")


def cause(error: BaseException) -> BaseException:
    """What was behind an upload's error: the client wraps that of a thread."""
    while isinstance(error, RuntimeError) and error.__cause__ is not None:
        error = error.__cause__
    return error


def passes(error: BaseException) -> bool:
    """Whether to try again: the Hub is busy or broken, or cannot be reached."""
    from huggingface_hub import errors

    error = cause(error)
    if isinstance(error, errors.OfflineModeIsEnabled):
        return False
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        return status in _PASSING or status >= 500
    # An answer of a broken Hub that is no JSON; RuntimeError is how Xet's uploader fails.
    return isinstance(error, (*_transport(), JSONDecodeError, RuntimeError))


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

    if isinstance(error, errors.LocalTokenNotFoundError):
        return "the Hub needs a token; run `hf auth login`"
    if isinstance(error, errors.OfflineModeIsEnabled):
        return "HF_HUB_OFFLINE forbids to ask the Hub; unset it and repeat the command"
    if isinstance(error, errors.HfHubHTTPError):
        status = error.response.status_code
        return f"the Hub answers {status}: {_REMEDIES.get(status, 'repeat the command later')}"
    if isinstance(error, JSONDecodeError):
        return "the Hub's answer cannot be read; repeat the command later"
    if isinstance(error, (*_transport(), RuntimeError)):
        return "the Hub cannot be reached; check the connection and repeat the command"
    if isinstance(error, ValueError):  # the client's way to say that the Hub refuses
        return (
            "the Hub refuses the metadata of README.md or a large file; mend the card, or "
            "repeat the command later"
        )
    return None


def _transport() -> tuple[type[Exception], ...]:
    from huggingface_hub import errors

    return (errors.HTTPError, ConnectionError, TimeoutError)  # type: ignore[attr-defined]  # httpx2's
