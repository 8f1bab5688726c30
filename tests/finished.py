"""What a command of either half leaves behind."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Finished:
    """A command that ended."""

    code: int
    out: str
    err: str
