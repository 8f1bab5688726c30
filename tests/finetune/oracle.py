"""mistral-common as an oracle: tokens of the whole, and a mask from growing prefixes."""

from functools import cache
from importlib.resources import files

from mistral_common.exceptions import MistralCommonException
from mistral_common.protocol.instruct.messages import AssistantMessage, SystemMessage, UserMessage
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.protocol.instruct.validator import ValidationMode
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

MESSAGES = {"system": SystemMessage, "user": UserMessage, "assistant": AssistantMessage}


@cache
def tokenizer(mode):
    path = files("mistral_common") / "data" / "tokenizer.model.v1"
    return MistralTokenizer.from_file(str(path), mode=mode)


def encode(messages, mode=ValidationMode.finetuning):
    request = ChatCompletionRequest(
        messages=[MESSAGES[m["role"]](content=m["content"]) for m in messages]
    )
    return tokenizer(mode).encode_chat_completion(request).tokens


def prompt(messages):
    """Tokens that ask for the next answer: what `MistralTokenizer.v1()` serves."""
    return encode(messages, ValidationMode.test)


def render(messages):
    """(tokens, labels), or None where the oracle refuses."""
    try:
        whole = encode(messages)
    except MistralCommonException:
        return None
    if next(m["role"] for m in messages if m["role"] != "system") == "assistant":
        messages = [{"role": "user", "content": ""}, *messages]
    labels = [-100] * len(whole)
    start = None
    for i, message in enumerate(messages):
        if message["role"] != "assistant":
            continue
        if start is None:
            before = prompt(prefix(messages, i))
            start = len(before)
            assert whole[:start] == before
        if i + 1 == len(messages) or messages[i + 1]["role"] == "user":
            stop = len(encode(prefix(messages, i + 1)))
            labels[start:stop] = whole[start:stop]
            start = None
    return whole, labels


def prefix(messages, length):
    """The first messages, and all system text: the oracle puts it before the first question.

    What comes later joins the last that is there, so that no turns meet which do not in the whole.
    """
    first = list(messages[:length])
    at = max((i + 1 for i, m in enumerate(first) if m["role"] == "system"), default=0)
    first[at:at] = [m for m in messages[length:] if m["role"] == "system"]
    return first
