"""The same text in another dress: what folding takes off again."""

import re
from random import Random

from benchmarks import chinese

_FULL_WIDTH = {code: code + 0xFEE0 for code in range(0x21, 0x7F)}
_UPPER = {code: code - 32 for code in range(ord("a"), ord("z") + 1)}
#: Only between Han characters: inside a word or a number, spaces and marks count.
_HAN = "[\u4e00-\u9fff]"
_BETWEEN = re.compile(f"(?<={_HAN})(?={_HAN})")
_MARK = re.compile(f"(?<={_HAN})[{chinese.PUNCTUATION}](?={_HAN})")


def disguised(random: Random, text: str) -> str:
    """`text` in one or more of: full width, upper case, spaces, other marks, Traditional script."""
    for dress in random.sample(_DRESSES, random.randint(1, len(_DRESSES))):
        text = dress(random, text)
    return text


def _full_width(_: Random, text: str) -> str:
    return text.translate(_FULL_WIDTH)


def _upper(_: Random, text: str) -> str:
    return text.translate(_UPPER)


def _spaces(random: Random, text: str) -> str:
    return _BETWEEN.sub(lambda _: random.choice(("", "", "", " ", "\n", "\u3000")), text)


def _marks(random: Random, text: str) -> str:
    return _MARK.sub(lambda _: random.choice(("", ",", "、", "……", "—")), text)


def _traditional(_: Random, text: str) -> str:
    return text.translate(chinese.traditional())


_DRESSES = (_full_width, _upper, _spaces, _marks, _traditional)
