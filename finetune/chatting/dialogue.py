"""What was said so far, and as much of it as the model can read."""

from dataclasses import dataclass, replace
from typing import NamedTuple, Self

from finetune.chatting.text import whole
from finetune.rendering.rendered import Renderer
from schemas.errors import AuroraError


class Round(NamedTuple):
    """A question and its answer."""

    question: str
    answer: str


@dataclass(frozen=True)
class Dialogue:
    """A system text and the rounds under it."""

    system: str = ""
    rounds: tuple[Round, ...] = ()

    def messages(self, question: str) -> list[dict[str, str]]:
        """The conversation that asks for the answer to `question`."""
        system = [{"role": "system", "content": self.system}] if self.system else []
        turns = [
            {"role": role, "content": content}
            for each in self.rounds
            for role, content in zip(("user", "assistant"), each, strict=True)
        ]
        messages = [*system, *turns, {"role": "user", "content": question}]
        return [{**each, "content": whole(each["content"])} for each in messages]

    def then(self, question: str, answer: str) -> Self:
        """With one round more; an empty answer leaves no trace, no model was trained on one."""
        if not answer.strip():
            return self
        return replace(self, rounds=(*self.rounds, Round(question, answer)))

    def without_first(self) -> Self:
        """With the oldest round forgotten."""
        return replace(self, rounds=self.rounds[1:])


class Fitted(NamedTuple):
    """A prompt that leaves room for its answer."""

    prompt: list[int]  # token ids
    dialogue: Dialogue  # what of it the prompt holds
    forgotten: int  # rounds left out, the oldest first
    room: int  # tokens the answer may have


def fit(
    dialogue: Dialogue, question: str, renderer: Renderer, *, context: int, answer: int
) -> Fitted:
    """Forget whole rounds until prompt and answer fit into `context` tokens.

    Raises AuroraError where the question with the system text alone leaves no room.
    """
    kept = dialogue
    prompt = renderer.prompt(kept.messages(question))
    while len(prompt) + answer > context and kept.rounds:
        kept = kept.without_first()
        prompt = renderer.prompt(kept.messages(question))
    if len(prompt) >= context:
        raise AuroraError(
            f"the question with the system text has {len(prompt)} tokens and the model reads "
            f"{context}; shorten it"
        )
    forgotten = len(dialogue.rounds) - len(kept.rounds)
    return Fitted(prompt, kept, forgotten, min(answer, context - len(prompt)))
