"""Made-up Chinese: characters drawn by a Zipf law and broken into clauses. It means nothing."""

from functools import cache
from random import Random

import opencc

PUNCTUATION = "，。；？！"


@cache
def characters() -> tuple[str, ...]:
    """The common Simplified characters that Traditional script maps back to, frequent first."""
    return tuple(Random(1).sample(list(_pairs()), len(_pairs())))


@cache
def traditional() -> dict[int, str]:
    """What to translate `characters()` with to write them in Traditional script."""
    return str.maketrans(_pairs())


def text(random: Random, length: int) -> str:
    """`length` characters, with a punctuation mark after every 9 to 25 of them."""
    words = random.choices(characters(), _weights(), k=length)
    for i in range(12, length, random.randint(9, 25)):
        words[i] = random.choice(PUNCTUATION)
    return "".join(words)


def one(random: Random) -> str:
    """A character."""
    return random.choice(characters())


@cache
def _weights() -> list[float]:
    return [1 / (rank + 3) for rank in range(len(characters()))]


@cache
def _pairs() -> dict[str, str]:
    """Simplified → Traditional, where that leads back. The 3,755 characters of GB 2312, level 1."""
    rows = (bytes([row, cell]) for row in range(0xB0, 0xD8) for cell in range(0xA1, 0xFF))
    candidates = [row.decode("gb2312", "ignore") for row in rows]
    candidates = [one for one in candidates if one]
    there = _converted("s2t", candidates)
    back = _converted("t2s", there)
    self = _converted("t2s", candidates)
    return {c: t for c, t, b, s in zip(candidates, there, back, self, strict=True) if c == b == s}


def _converted(config: str, characters: list[str]) -> list[str]:
    """Each on a line of its own: as a word it might become another."""
    return str(opencc.OpenCC(config).convert("\n".join(characters))).split("\n")
