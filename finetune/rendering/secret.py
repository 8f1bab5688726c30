"""A tokenizer whose control tokens have names that no text contains."""

import json
import re
import secrets
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from tokenizers import Tokenizer

_CONTROL = re.compile(r"[<\[|‹｜].*\w.*[>\]|›｜]")  # bars are DeepSeek's


class Secret(NamedTuple):
    """The disguised tokenizer: `text` disguises what a template wrote, `encode` tokenises."""

    ids: list[int]  # of the control tokens: special, or marks that the template writes
    text: Callable[[str], str]
    end_of_turn: Callable[[str], int]  # length, disguised, up to a first special token, or 0
    encode: Callable[[list[str]], list[Any]]


def disguise(tokenizer: Any, written: Sequence[str]) -> Secret:
    """Make it of a fast tokenizer of transformers; `written` are pieces that its template writes.

    The names are drawn anew each time, so that a corpus cannot be written to contain one. Raises
    ValueError for a tokenizer that does not allow other names.
    """
    document = json.loads(tokenizer.backend_tokenizer.to_str())
    added = document["added_tokens"]
    special = [token for token in added if token["special"] or _marks(token["content"], written)]
    nonce = secrets.token_hex(8)
    names = {token["content"]: f"<|{nonce}{token['id']}|>" for token in special}
    for token in special:
        token["content"] = names[token["content"]]
    _rename(document["model"], names)
    document |= {"post_processor": None, "truncation": None, "padding": None}
    try:
        backend = Tokenizer.from_str(json.dumps(document))
    except Exception as error:  # tokenizers has no class of its own
        raise ValueError(f"its special tokens cannot be renamed ({error})") from error
    moved = [t["id"] for t in special if backend.token_to_id(t["content"]) != t["id"]]
    if moved:
        raise ValueError(f"special tokens moved: {moved}")
    return _secret(backend, names, [token["id"] for token in special])


def _secret(backend: Tokenizer, names: dict[str, str], ids: list[int]) -> Secret:
    longest_first = sorted(map(re.escape, names), key=len, reverse=True)
    pattern = re.compile("|".join(longest_first) or "(?!)")
    after_answer = re.compile(rf"\s*(?:{pattern.pattern})")

    def text(written: str) -> str:
        return pattern.sub(lambda match: names[match[0]], written)

    def end_of_turn(written: str) -> int:
        match = after_answer.match(written)
        return len(text(match[0])) if match else 0

    def encode(texts: list[str]) -> list[Any]:
        return list(backend.encode_batch(texts, add_special_tokens=False))

    return Secret(ids, text, end_of_turn, encode)


def _marks(content: str, written: Sequence[str]) -> bool:
    """Whether the template writes it and it looks like a mark: blanks and words are text."""
    return bool(_CONTROL.fullmatch(content)) and any(content in piece for piece in written)


def _rename(model: dict[str, Any], names: dict[str, str]) -> None:
    """In a vocabulary that lists special tokens too."""
    if isinstance(model["vocab"], dict):
        model["vocab"] = {names.get(piece, piece): i for piece, i in model["vocab"].items()}
    else:
        model["vocab"] = [[names.get(piece, piece), score] for piece, score in model["vocab"]]
    if model.get("unk_token") in names:
        model["unk_token"] = names[model["unk_token"]]
