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
from collections.abc import Iterator, Sequence
from datetime import date
from itertools import chain, groupby, takewhile
from typing import Any, NamedTuple

import numpy as np
import tokenizers
from jinja2.exceptions import TemplateError

from finetune.rendering.rendered import (
    EMPTY_ANSWER,
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
_THINKING = re.compile(r"(\s*<think>)(.*?)(</think>)(.*)", re.DOTALL)
_TODAY = re.compile(r"""\bstrftime_now\(\s*(["'])(.*?)\1\s*\)""")
_DATE = date(2024, 7, 26)  # what templates write for today: Llama 3.1's own where it knows none
#: What a template can raise: it is a program, of strangers.
_FAILURES = (
    *(TemplateError, TypeError, ValueError, ArithmeticError, LookupError),
    *(AttributeError, RuntimeError),
)
_USER, _ANSWER = {"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}
_TRIAL = [_USER, _ANSWER, _USER, _ANSWER]


class _Segment(NamedTuple):
    """A message's content, or one of its two: what an answer says between <think> and </think>, and
    the rest.
    """

    message: int
    text: str
    thinking: bool = False


class _Answer(NamedTuple):
    """Of an assistant message: where what is learned starts and stops, and where all ends that the
    template writes behind it. Positions are of characters.
    """

    start: int
    stop: int
    end: int


class _Text(NamedTuple):
    """A rendered conversation, specials disguised."""

    text: str
    answers: list[_Answer]


class ChatTemplate:
    """The renderer `tokenizer`: made by `from_tokenizer`."""

    name = "tokenizer"

    def __init__(self, tokenizer: Any) -> None:
        """`tokenizer`: a fast tokenizer of transformers that has a chat template."""
        self._tokenizer = tokenizer
        self._template = _dated(tokenizer.get_chat_template())
        self._asking, self._trailing, written = self._try_out()
        self._secret = disguise(tokenizer, written)
        self.control_ids = frozenset(self._secret.ids)
        self.eos_id: int = tokenizer.eos_token_id
        self.pad_id: int = _padding(tokenizer)
        made_of = [self.name, tokenizers.__version__, self._template]
        made_of += [
            tokenizer.backend_tokenizer.to_str(),
            *map(str, tokenizer.special_tokens_map.items()),
        ]
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
        marked, segments = _marked(plain)
        try:
            rendered, skeleton = (self._apply(one, prompt=prompt) for one in (plain, marked))
        except _FAILURES as error:
            return Refused(f"the chat template says: {str(error)[:80]}")
        pieces = _MARKS.split(skeleton)
        shown = [int(i) for i in pieces[1::2]]
        if shown != [i for i, one in enumerate(segments) if i in set(shown) or not one.thinking]:
            return Refused(_CHANGED)
        written = [segments[i] for i in shown]
        found = _contents(rendered, pieces[::2], [one.text for one in written])
        if found is None:
            return Refused(_CHANGED)
        kept = [one._replace(text=text) for one, text in zip(written, found, strict=True)]
        roles = [m["role"] for m in plain]
        return self._disguised(pieces[::2], kept, roles, last_is_prompt=prompt)

    def _apply(self, messages: Conversation, *, prompt: bool) -> str:
        return str(
            self._tokenizer.apply_chat_template(
                messages,
                chat_template=self._template,
                tokenize=False,
                add_generation_prompt=prompt,
            )
        )

    def _try_out(self) -> tuple[str, str, list[str]]:
        """What the template writes from a question to where the model goes on, and behind every
        answer; and all pieces that it writes.
        """
        system = {"role": "system", "content": "c"}
        trials = [([_USER], True), (_TRIAL, False), ([system, *_TRIAL], False)]
        written = [self._pieces(messages, prompt=prompt) for messages, prompt in trials]
        asking, answers = written[0][-1], [written[1][i] for i in (2, 4) if i < len(written[1])]
        return asking, _common_beginning(answers), list(chain.from_iterable(written))

    def _pieces(self, messages: list[dict[str, str]], *, prompt: bool) -> list[str]:
        """What the template writes between the contents; nothing where it refuses."""
        try:
            skeleton = self._apply(_marked(messages)[0], prompt=prompt)
        except _FAILURES:
            return [""]
        return _MARKS.split(skeleton)[::2]

    def _disguised(
        self, pieces: list[str], found: list[_Segment], roles: list[str], *, last_is_prompt: bool
    ) -> _Text | Refused:
        text, answers = self._secret.text(pieces[0]), []
        before = pieces[0]
        for message, segments in groupby(zip(found, pieces[1:], strict=True), lambda x: x[0][0]):
            start = len(text)
            if roles[message] == "assistant":
                start -= len(self._secret.text(self._lead(before)))
            for segment, piece in segments:
                stop, text = len(text + segment.text), text + segment.text
                text += self._secret.text(piece)
                before = piece
            if roles[message] == "assistant" and not last_is_prompt:
                end = self._secret.end_of_turn(before)
                if not segment.text:
                    return Refused(EMPTY_ANSWER)
                if not end:
                    return Refused("the chat template puts no special token after an answer")
                trailing = self._trailing if before.startswith(self._trailing) else ""
                behind = max(end, len(self._secret.text(trailing)))
                answers.append(_Answer(start, stop + end, stop + behind))
        return _Text(text, answers)

    def _lead(self, piece: str) -> str:
        """What stands in `piece`, before an answer, after the end of a prompt: the model says it.
        Mixtral's blank, for one, or the empty thoughts that Qwen3 puts before the last answer.
        """
        at = piece.rfind(self._asking)
        return piece[at + len(self._asking) :] if at >= 0 else ""


def from_tokenizer(tokenizer: Any) -> ChatTemplate:
    """A renderer of the tokenizer's own chat template.

    Raises ModelError where there is none, or it cannot be rendered exactly.
    """
    name = json.dumps(str(getattr(tokenizer, "name_or_path", "")))
    _check(name, tokenizer)
    try:
        renderer = ChatTemplate(tokenizer)
    except ValueError as error:
        raise ModelError(f"{name}: its tokenizer cannot be rendered exactly: {error}") from None
    result = renderer.attempt([[_USER, _ANSWER]])[0]
    if isinstance(result, Refused):
        raise ModelError(f"{name}: its chat template cannot be trained on: {result.reason}")
    return renderer


def _check(name: str, tokenizer: Any) -> None:
    if not getattr(tokenizer, "is_fast", False):
        raise ModelError(f"{name}: has no fast tokenizer (tokenizer.json), which masks need")
    if not tokenizer.chat_template:
        raise ModelError(f"{name}: its tokenizer has no chat template; use an instruct model")
    if tokenizer.eos_token_id is None:
        raise ModelError(f"{name}: its tokenizer has no end-of-sequence token")


def _marked(messages: Conversation) -> tuple[list[dict[str, str]], list[_Segment]]:
    """`messages` with a mark in place of each text, and those texts by the number of their mark."""
    segments: list[_Segment] = []

    def mark(segment: _Segment) -> str:
        if not segment.text:
            return ""
        segments.append(segment)
        return _MARK.format(len(segments) - 1)

    marked = []
    for i, message in enumerate(messages):
        content = message["content"]
        thought = _THINKING.fullmatch(content) if message["role"] == "assistant" else None
        if thought and thought[4].strip():
            before, thoughts, after, rest = thought.groups()
            written = mark(_Segment(i, thoughts, thinking=True)) if thoughts.strip() else thoughts
            shown = before + written + after + mark(_Segment(i, rest))
        else:
            shown = mark(_Segment(i, content))
        marked.append({"role": message["role"], "content": shown})
    return marked, segments


def _contents(rendered: str, pieces: list[str], contents: list[str]) -> list[str] | None:
    """What stands between the template's `pieces`: each content as it is or trimmed."""
    if not rendered.startswith(pieces[0]):
        return None
    at, found = len(pieces[0]), []
    for content, piece in zip(contents, pieces[1:], strict=True):
        form = next((one for one in _forms(content) if rendered.startswith(one + piece, at)), None)
        if form is None:
            return None
        found.append(form)
        at += len(form) + len(piece)
    return found if at == len(rendered) else None


def _common_beginning(texts: list[str]) -> str:
    same = takewhile(lambda column: len(set(column)) == 1, zip(*texts, strict=False))
    return "".join(column[0] for column in same)


def _dated(template: str) -> str:
    """`template` with a date that stays where it asks for today's: else a corpus, and what is
    learned of it, changes with the day.
    """
    dated = _TODAY.sub(lambda found: f"{found[1]}{_DATE.strftime(found[2])}{found[1]}", template)
    if "strftime_now(" in dated:
        raise ValueError("its chat template writes today's date in a way that cannot be fixed")
    return dated


def _forms(content: str) -> Iterator[str]:
    """What a template may make of a content: it as it is, or without blanks or line breaks at its
    beginning, its end or both.
    """
    yield content
    for blanks in (None, "\n"):
        yield from (content.strip(blanks), content.lstrip(blanks), content.rstrip(blanks))


def _label(text: _Text, encoding: Any, control_ids: frozenset[int]) -> Rendered:
    ids: list[int] = encoding.ids
    offsets: list[tuple[int, int]] = encoding.offsets
    learned: list[tuple[int, int]] = []
    ends, at = [], 0
    for start, stop, end in text.answers:
        first = None
        while at < len(ids) and offsets[at][0] < stop:
            begins, finishes = offsets[at]
            # A control token from before may reach in: some swallow the blanks that follow them.
            before = begins < start and (finishes <= start or ids[at] in control_ids)
            first = at if first is None and not before else first
            at += 1
        if first is not None:
            learned.append((first, at))
        while at < len(ids) and offsets[at][0] < end:
            at += 1
        ends.append(at)
    return Rendered(np.array(ids, np.int32), learned, ends)


def _padding(tokenizer: Any) -> int:
    """The padding id; where there is none, a token that is not the end: it is masked anyway."""
    pad = tokenizer.pad_token_id
    if pad is not None and pad != tokenizer.eos_token_id:
        return int(pad)
    spare = [tokenizer.unk_token_id, tokenizer.bos_token_id, 0]
    return next(int(i) for i in spare if i is not None and i != tokenizer.eos_token_id)
