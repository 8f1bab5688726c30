"""Any tokenizer's own chat template, with exact masks and no control token out of text.

The template is rendered twice: with the messages, and with a mark in place of each content. From
the second, the first falls apart into what the template writes and what is content; where it does
not, the template changes content in a way that cannot be followed, and the conversation is refused.

Special tokens are then given other, secret names, in the template's text and in a copy of the
tokenizer. So content that says `<|im_end|>` is tokenised as plain text, and everything else, merges
between template and content included, as `apply_chat_template` does it.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import tokenizers
from jinja2.exceptions import TemplateError

from finetune.rendering.rendered import (
    Conversation,
    Refused,
    Rendered,
    accept,
    refusal,
)
from finetune.rendering.rounds import adds_up
from finetune.rendering.secret import disguise
from schemas.errors import AuroraError, ModelError

_MARK = "\ue0a1{}\ue0a2"  # private characters: no template trims or tests for them
_MARKS = re.compile("\ue0a1([0-9]+)\ue0a2")
_CHANGED = "the chat template changes or leaves out the text of a message"


class _Text(NamedTuple):
    """A rendered conversation, specials disguised; spans are of characters."""

    text: str
    answers: list[tuple[int, int]]  # of each assistant message: its content and end-of-turn token


class ChatTemplate:
    """The renderer `tokenizer`: made by `from_tokenizer`."""

    name = "tokenizer"

    def __init__(self, tokenizer: Any) -> None:
        """`tokenizer`: a fast tokenizer of transformers that has a chat template."""
        self._tokenizer = tokenizer
        self._secret = disguise(tokenizer)
        self.control_ids = frozenset(self._secret.ids)
        self.eos_id: int = tokenizer.eos_token_id
        self.pad_id: int = _padding(tokenizer)
        made_of = [self.name, tokenizers.__version__, tokenizer.get_chat_template()]
        made_of += [
            tokenizer.backend_tokenizer.to_str(),
            *map(str, tokenizer.special_tokens_map.items()),
        ]
        self._lead = self._answer_lead()
        self.digest = hashlib.sha256("\0".join(made_of).encode()).hexdigest()
        self.additive = adds_up(self)

    def __reduce__(self) -> tuple[type["ChatTemplate"], tuple[Any]]:
        return ChatTemplate, (self._tokenizer,)

    def attempt(self, conversations: Sequence[Conversation]) -> list[Rendered | Refused]:
        """Render each conversation, or say why the template has no form for it."""
        texts = [self._training_text(messages) for messages in conversations]
        accepted = [one for one in texts if isinstance(one, _Text)]
        encodings = iter(self._secret.encode([one.text for one in accepted]))
        return [
            _label(one, next(encodings), self.control_ids) if isinstance(one, _Text) else one
            for one in texts
        ]

    def render(self, conversations: Sequence[Conversation]) -> list[Rendered]:
        """Render each conversation. Raises AuroraError for one that is refused."""
        return accept(self.attempt(conversations))

    def prompt(self, messages: Conversation) -> list[int]:
        """Ids that ask for the next answer. Raises AuroraError where the template refuses."""
        found = self._text(messages, prompt=True)
        if isinstance(found, Refused):
            raise AuroraError(f"the prompt cannot be rendered: {found.reason}")
        ids: list[int] = self._secret.encode([found.text])[0].ids
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of what a model said, without control tokens."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=True))

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The text of each token; bytes of a character go to its last token."""
        stream = tokenizers.decoders.DecodeStream(skip_special_tokens=False)
        backend = self._tokenizer.backend_tokenizer
        return [stream.step(backend, int(i)) or "" for i in ids]

    def _training_text(self, messages: Conversation) -> _Text | Refused:
        reason = refusal(messages)
        return Refused(reason) if reason else self._text(messages, prompt=False)

    def _text(self, messages: Conversation, *, prompt: bool) -> _Text | Refused:
        plain = [{"role": m["role"], "content": m["content"]} for m in messages]
        marked = [
            {**m, "content": _MARK.format(i) if m["content"] else ""} for i, m in enumerate(plain)
        ]
        try:
            rendered, skeleton = (self._apply(one, prompt=prompt) for one in (plain, marked))
        except TemplateError as error:
            return Refused(f"the chat template says: {str(error)[:80]}")
        pieces = _MARKS.split(skeleton)
        if [int(i) for i in pieces[1::2]] != [i for i, m in enumerate(plain) if m["content"]]:
            return Refused(_CHANGED)
        contents = [plain[int(i)]["content"] for i in pieces[1::2]]
        found = _contents(rendered, pieces[::2], contents)
        if found is None:
            return Refused(_CHANGED)
        roles = [plain[int(i)]["role"] for i in pieces[1::2]]
        return self._disguised(pieces[::2], found, roles, last_is_prompt=prompt)

    def _apply(self, messages: list[dict[str, str]], *, prompt: bool) -> str:
        return str(
            self._tokenizer.apply_chat_template(
                messages, tokenize=False, add_generation_prompt=prompt
            )
        )

    def _answer_lead(self) -> str:
        """Blanks that the template puts before an answer and not in the prompt: the model says
        them.
        """
        question = {"role": "user", "content": "a"}
        try:
            asked = self._apply([question], prompt=True)
            answered = self._apply([question, {"role": "assistant", "content": "b"}], prompt=False)
        except TemplateError:
            return ""
        lead = answered.removeprefix(asked).partition("b")[0]
        return lead if answered.startswith(asked) and lead.isspace() else ""

    def _disguised(
        self, pieces: list[str], contents: list[str], roles: list[str], *, last_is_prompt: bool
    ) -> _Text | Refused:
        text, answers = self._secret.text(pieces[0]), []
        for content, role, piece in zip(contents, roles, pieces[1:], strict=True):
            start, text = len(text), text + content
            if role == "assistant":
                start -= len(self._lead) if text.endswith(self._lead + content) else 0
                end = self._secret.end_of_turn(piece)
                if not end and not last_is_prompt:
                    return Refused("the chat template puts no special token after an answer")
                answers.append((start, len(text) + end))
            text += self._secret.text(piece)
        return _Text(text, answers)


def from_tokenizer(tokenizer: Any) -> ChatTemplate:
    """A renderer of the tokenizer's own chat template.

    Raises ModelError where there is none, or it cannot be rendered exactly.
    """
    name = json.dumps(str(getattr(tokenizer, "name_or_path", "")))
    if not getattr(tokenizer, "is_fast", False):
        raise ModelError(f"{name}: has no fast tokenizer (tokenizer.json), which masks need")
    if not tokenizer.chat_template:
        raise ModelError(f"{name}: its tokenizer has no chat template; use an instruct model")
    if tokenizer.eos_token_id is None:
        raise ModelError(f"{name}: its tokenizer has no end-of-sequence token")
    renderer = ChatTemplate(tokenizer)
    trial = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]
    result = renderer.attempt([trial])[0]
    if isinstance(result, Refused):
        raise ModelError(f"{name}: its chat template cannot be trained on: {result.reason}")
    return renderer


def _contents(rendered: str, pieces: list[str], contents: list[str]) -> list[str] | None:
    """What stands between the template's `pieces`: each content as it is or trimmed."""
    if not rendered.startswith(pieces[0]):
        return None
    at, found = len(pieces[0]), []
    for content, piece in zip(contents, pieces[1:], strict=True):
        forms = (content, content.strip(), content.lstrip(), content.rstrip())
        form = next((one for one in forms if rendered.startswith(one + piece, at)), None)
        if form is None:
            return None
        found.append(form)
        at += len(form) + len(piece)
    return found if at == len(rendered) else None


def _label(text: _Text, encoding: Any, control_ids: frozenset[int]) -> Rendered:
    ids: list[int] = encoding.ids
    offsets: list[tuple[int, int]] = encoding.offsets
    learned: list[tuple[int, int]] = []
    ends, at = [], 0
    for start, stop in text.answers:
        first = None
        while at < len(ids) and offsets[at][0] < stop:
            begins, finishes = offsets[at]
            # A control token from before may reach in: some swallow the blanks that follow them.
            before = begins < start and (finishes <= start or ids[at] in control_ids)
            first = at if first is None and not before else first
            at += 1
        if first is not None:
            learned.append((first, at))
        ends.append(at)
    return Rendered(np.array(ids, np.int32), learned, ends)


def _padding(tokenizer: Any) -> int:
    """The padding id; where there is none, a token that is not the end: it is masked anyway."""
    pad = tokenizer.pad_token_id
    if pad is not None and pad != tokenizer.eos_token_id:
        return int(pad)
    spare = [tokenizer.unk_token_id, tokenizer.bos_token_id, 0]
    return next(int(i) for i in spare if i is not None and i != tokenizer.eos_token_id)
