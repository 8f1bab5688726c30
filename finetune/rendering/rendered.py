"""What a renderer is: conversations in, exact tokens and exact masks out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

import numpy as np

from schemas.errors import AuroraError

IGNORED = -100  # the label that PyTorch's cross entropy leaves out
EMPTY_ANSWER = "an assistant message is empty"

Conversation = Sequence[Mapping[str, str]]  # messages: `role` and `content`
Ids: TypeAlias = np.ndarray[Any, np.dtype[np.int32]]


@dataclass(frozen=True, eq=False)
class Tokens:
    """Tokens, and which of them the model learns to say: spans `(start, stop)`, in order."""

    ids: Ids
    learned: Sequence[tuple[int, int]]

    @property
    def input_ids(self) -> list[int]:
        """The ids, as a list."""
        listed: list[int] = self.ids.tolist()
        return listed

    @property
    def labels(self) -> list[int]:
        """As long as `input_ids`: a token's id where the model learns to say it, else `IGNORED`."""
        labels = np.full_like(self.ids, IGNORED)
        for start, stop in self.learned:
            labels[start:stop] = self.ids[start:stop]
        listed: list[int] = labels.tolist()
        return listed

    @property
    def trained(self) -> int:
        """How many tokens have a label."""
        return sum(stop - start for start, stop in self.learned)


@dataclass(frozen=True, eq=False)
class Rendered(Tokens):
    """A conversation as the model sees it.

    `ends` has one entry per assistant message: the number of tokens up to and with its end-of-turn
    token and what the template always writes behind that.
    """

    ends: Sequence[int]


class Refused(NamedTuple):
    """A conversation that the template has no form for, and why; holds no text of it."""

    reason: str


class Renderer(Protocol):
    """A tokenizer and a chat template. `digest` stands for both: equal digest, equal tokens."""

    name: str
    digest: str
    eos_id: int
    pad_id: int
    control_ids: frozenset[int]  # ids that only the template can produce
    additive: bool  # a round has the same tokens wherever it stands, but for what begins and ends

    def attempt(self, conversations: Sequence[Conversation]) -> list[Rendered | Refused]:
        """Render each conversation whole, or say why there is no form for it."""
        ...

    def render(self, conversations: Sequence[Conversation]) -> list[Rendered]:
        """Render each conversation whole. Raises AuroraError for one that is refused."""
        ...

    def prompt(self, messages: Conversation) -> list[int]:
        """Ids that ask the model for the next assistant turn. Raises AuroraError as `render`."""
        ...

    def decode(self, ids: Sequence[int]) -> str:
        """The text of what a model said, without control tokens."""
        ...

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The text of each token; one that holds part of a character leaves it to the last one."""
        ...


def accept(results: Iterable[Rendered | Refused]) -> list[Rendered]:
    """All of `results`. Raises AuroraError, with its position, if one is refused."""
    rendered = []
    for position, result in enumerate(results):
        if isinstance(result, Refused):
            raise AuroraError(f"conversation {position} cannot be rendered: {result.reason}")
        rendered.append(result)
    return rendered


def refusal(messages: Conversation) -> str | None:
    """Why no template can train on `messages`, if so."""
    if any(not isinstance(message["content"], str) for message in messages):
        return "a message has no text"
    if not all(_is_text(message["content"]) for message in messages):
        return "a message holds bytes or half characters that are no text"
    if unknown := {str(m["role"]) for m in messages} - {"system", "user", "assistant"}:
        return f"unknown role {min(unknown)[:40]!r}"
    if not messages or messages[-1]["role"] != "assistant":
        return "the last message is not the assistant's"
    if any(m["role"] == "assistant" and not m["content"] for m in messages):
        return EMPTY_ANSWER
    return None


def _is_text(text: str) -> bool:
    """Whether all its characters are: JSON and Python can hold halves of one (surrogates)."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
