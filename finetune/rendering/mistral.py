"""Mistral's first template, Mixtral-8x7B-Instruct-v0.1's own: token for token mistral-common's.

<s> [INST] system⏎⏎question [/INST] answer</s> [INST] question [/INST] answer</s>

Every turn is encoded by itself, as plain text, and the control ids are put between: text can say
`</s>`, but not be it. `[INST]` and `[/INST]` are text in this version, also where the template
writes them; what a corpus may say of them is curation's business.
"""

import hashlib
import re
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from itertools import groupby, pairwise
from typing import NamedTuple

import numpy as np
import sentencepiece

from finetune.rendering.rendered import (
    Conversation,
    Ids,
    Refused,
    Rendered,
    accept,
    refusal,
)
from schemas.errors import AuroraError

UNK, BOS, EOS = 0, 1, 2
_BOS, _EOS = (np.array([one], np.int32) for one in (BOS, EOS))
_BYTE = re.compile(r"<0x([0-9A-F]{2})>")


class _Turn(NamedTuple):
    """What the template encodes as one text; `messages`: how many assistant messages it joins."""

    text: str
    answers: int


class MistralV1:
    """The renderer `mistral-v1`. Padding is `<unk>`, which no text becomes: never EOS."""

    name = "mistral-v1"
    eos_id, pad_id = EOS, UNK
    control_ids = frozenset((UNK, BOS, EOS))
    additive = True

    def __init__(self, model: bytes) -> None:
        """`model`: the SentencePiece model."""
        self._pieces = sentencepiece.SentencePieceProcessor(model_proto=model)
        made_of = f"{self.name} {sentencepiece.__version__} ".encode() + model
        self.digest = hashlib.sha256(made_of).hexdigest()
        self._recent: dict[str, Ids] = {}

    def __reduce__(self) -> tuple[type["MistralV1"], tuple[bytes]]:
        return MistralV1, (self._pieces.serialized_model_proto(),)

    def attempt(self, conversations: Sequence[Conversation]) -> list[Rendered | Refused]:
        """Render each conversation, or say why mistral-common has no form for it."""
        refusals = [refusal(c) or _order(c) for c in conversations]
        turns = [
            [] if reason else _turns(messages)
            for messages, reason in zip(conversations, refusals, strict=True)
        ]
        encoded = iter(self._encode([turn.text for row in turns for turn in row]))
        return [
            Refused(reason) if reason else _join(row, [next(encoded) for _ in row])
            for row, reason in zip(turns, refusals, strict=True)
        ]

    def render(self, conversations: Sequence[Conversation]) -> list[Rendered]:
        """Render each conversation. Raises AuroraError for one that is refused."""
        return accept(self.attempt(conversations))

    def prompt(self, messages: Conversation) -> list[int]:
        """Ids up to the last `[/INST]`. Raises AuroraError where the last turn is an answer."""
        if not messages or messages[-1]["role"] == "assistant":
            raise AuroraError("a prompt must end with a user message")
        ids = [BOS]
        turns = _turns(messages)
        for turn, encoded in zip(turns, self._encode([turn.text for turn in turns]), strict=True):
            ids += [*encoded.tolist(), EOS] if turn.answers else encoded.tolist()
        return ids

    def decode(self, ids: Sequence[int]) -> str:
        """The text of what a model said, without control tokens."""
        return str(self._pieces.decode([int(i) for i in ids if i not in self.control_ids]))

    def pieces(self, ids: Sequence[int]) -> list[str]:
        """The text of each token; bytes of a character go to its last token."""
        texts, pending = [], b""
        for piece in self._pieces.id_to_piece([int(i) for i in ids]):
            if byte := _BYTE.fullmatch(piece):
                pending += bytes.fromhex(byte[1])
                text, pending = _characters(pending)
            else:
                text = pending.decode("utf-8", "replace") + piece.replace("▁", " ")
                pending = b""
            texts.append(text)
        if pending:
            texts[-1] += pending.decode("utf-8", "replace")
        return texts

    def _encode(self, texts: list[str]) -> list[Ids]:
        """What the call before has encoded is not encoded again: long conversations come whole,
        then round by round, then in parts.
        """
        recent = self._recent
        unknown = [text for text in dict.fromkeys(texts) if text not in recent]
        # One thread: sentencepiece's own made it slower, and a corpus has a process per core.
        encoded = self._pieces.encode(unknown, num_threads=1, return_type="numpy")
        new = dict(zip(unknown, encoded, strict=True))
        arrays = [new[text] if text in new else recent[text] for text in texts]
        self._recent = dict(zip(texts, arrays, strict=True))
        return arrays


@cache
def mistral_v1() -> MistralV1:
    """The renderer with the tokenizer that mistral-common carries in its wheel."""
    return MistralV1((files("mistral_common") / "data" / "tokenizer.model.v1").read_bytes())


def _order(messages: Conversation) -> str | None:
    """Why mistral-common's validator refuses the order of messages, if it does."""
    if len(messages) == 1:
        return "an answer without a question"
    after = ((a["role"], b["role"]) for a, b in pairwise(messages))
    return "a system message after an answer" if ("assistant", "system") in after else None


def _turns(messages: Conversation) -> list[_Turn]:
    """Join neighbours of one role with a blank line and put all system text before the first
    question, which is made where there is none: `InstructRequestNormalizer` of mistral-common.
    """
    system = _joined([m["content"] for m in messages if m["role"] == "system"])
    turns = []
    for role, group in groupby(messages, lambda message: message["role"]):
        contents = [message["content"] for message in group]
        if role != "system":
            turns.append(_Turn(_joined(contents), len(contents) if role == "assistant" else 0))
    if not turns or turns[0].answers:
        turns.insert(0, _Turn("", 0))
    if system:
        turns[0] = _Turn(f"{system}\n\n{turns[0].text}", 0)
    return [turn if turn.answers else _Turn(f"[INST] {turn.text} [/INST]", 0) for turn in turns]


def _joined(contents: list[str]) -> str:
    return "\n\n".join(content for content in contents if content)


def _join(turns: list[_Turn], encoded: list[Ids]) -> Rendered:
    arrays, learned, ends, length = [_BOS], [], [], 1
    for turn, ids in zip(turns, encoded, strict=True):
        start, length = length, length + len(ids)
        arrays.append(ids)
        if turn.answers:
            arrays.append(_EOS)
            length += 1
            learned.append((start, length))
            ends += [length] * turn.answers
    return Rendered(np.concatenate(arrays), learned, ends)


def _characters(pending: bytes) -> tuple[str, bytes]:
    """The text of `pending` where it is whole characters, else nothing yet."""
    try:
        return pending.decode(), b""
    except UnicodeDecodeError as error:
        if error.reason == "unexpected end of data":
            return "", pending
        return pending.decode("utf-8", "replace"), b""
