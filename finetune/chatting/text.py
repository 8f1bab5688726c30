"""Text on its way to a reader: whole characters only, and nothing that steers a terminal."""

import unicodedata
from collections.abc import Callable, Sequence

INCOMPLETE = "\ufffd"  # what a decoder gives for the first bytes of a character
KEPT = "\n\t\u200c\u200d"  # joiners: Persian and emoji need them


def printable(text: str) -> str:
    """`text` without control, direction and other invisible characters, lone surrogates as `?`.

    Corpus, model and user text may hold escape sequences that move the cursor or retitle a window.
    """
    kept = (c for c in whole(text) if c in KEPT or unicodedata.category(c) not in ("Cc", "Cf"))
    return "".join(kept)


def whole(text: str) -> str:
    """`text` with lone surrogates as `?`: no tokenizer and no file takes them."""
    return text.encode("utf-8", "replace").decode()


class TextStream:
    """Token ids in, text out, so that the pieces join to `decode` of all ids.

    A character that the vocabulary lacks comes as several byte tokens: its text waits until it is
    whole. Each step decodes only the tokens since the piece before the last, not all: a decoder
    drops the blank before a first word, so one piece of context is kept.
    """

    def __init__(self, decode: Callable[[Sequence[int]], str]) -> None:
        self._decode = decode
        self._before: list[int] = []  # context: already given out
        self._waiting: list[int] = []

    def feed(self, token: int) -> str:
        """The text that `token` completes; empty while a character is unfinished."""
        self._waiting.append(token)
        piece = self._pending()
        if not piece or piece.endswith(INCOMPLETE):
            return ""
        self._before, self._waiting = self._waiting, []
        return piece

    def end(self) -> str:
        """What is left when the answer ends inside a character."""
        return self._pending() if self._waiting else ""

    def _pending(self) -> str:
        known = len(self._decode(self._before)) if self._before else 0
        return self._decode([*self._before, *self._waiting])[known:]
