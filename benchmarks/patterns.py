"""The time that every regular expression of the package takes on text made to slow it down.

    python -m benchmarks.patterns [--size 1000000] [--texts 60] [--slowest 20]

For every repetition in a pattern, the texts are made of what leads up to it and of what it repeats:
such a text makes a pattern with two ways to match it try them all, from every place.
"""

import argparse
import importlib
import pkgutil
import re
import time
from collections.abc import Iterable, Iterator
from functools import cache
from re import _constants as codes  # the parser that `re` itself uses
from re import _parser as parser
from typing import Any

import curation
import schemas
from curation.sources import grammar, splitter

#: Of these, the characters stand for their classes.
_ALPHABET = "a1中A ，\n\t。.-_:;,/\\|<>()[]{}'\"`~@#$%^&*+=?!é\u200b\ufeffぁ가，：；！？“”—…０Ａ\0"
#: Tokens of a grammar, which begin where the one before ended: none is searched for.
_TOKENS = {
    value
    for value in [*vars(grammar).values(), splitter._LINE_END]
    if isinstance(value, re.Pattern)
}
_LONG = 50  # a repetition up to this often costs no more than a constant


@cache
def patterns() -> dict[str, re.Pattern[Any]]:
    """Module and name → every compiled pattern that is a module's variable, in containers too."""
    found: dict[str, re.Pattern[Any]] = {}
    for package in (curation, schemas):
        for info in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if info.name.endswith("__main__") or ".training" in info.name:
                continue
            module = importlib.import_module(info.name)
            for name, value in vars(module).items():
                for i, pattern in enumerate(_compiled(value)):
                    found.setdefault(f"{info.name}.{name}[{i}]", pattern)
    unique = {pattern: name for name, pattern in reversed(found.items())}
    return {name: pattern for pattern, name in unique.items()}


def hostile(pattern: re.Pattern[Any], size: int, most: int) -> Iterator[str]:
    """Up to `most` texts of about `size` characters that are hard for `pattern`."""
    seeds = set(_seeds(list(parser.parse(pattern.pattern, pattern.flags)), "", pattern.flags))
    step = -(-3 * len(seeds) // most) or 1
    for lead, unit in sorted(seeds)[::step]:
        for text in (lead + unit * size, (lead + unit) * size, unit + (unit + lead) * size):
            yield text[:size] + "\0"


def seconds(pattern: re.Pattern[Any], text: str) -> float:
    """What it takes to find all matches of `pattern` in `text`."""
    subject = text.encode() if isinstance(pattern.pattern, bytes) else text
    began = time.perf_counter()
    if pattern in _TOKENS:
        pattern.match(subject)
    else:
        for _ in pattern.finditer(subject):
            pass
    return time.perf_counter() - began


def slowest(pattern: re.Pattern[Any], size: int, most: int) -> tuple[float, str]:
    """The longest time over the hostile texts, and the beginning of the text that took it."""
    timed = ((seconds(pattern, text), text[:20]) for text in hostile(pattern, size, most))
    return max(timed, default=(0.0, ""))


def _compiled(value: object) -> Iterator[re.Pattern[Any]]:
    if isinstance(value, re.Pattern):
        yield value
    elif isinstance(value, dict):
        yield from _compiled(list(value.values()))
    elif isinstance(value, list | tuple | set | frozenset):
        for one in value:
            yield from _compiled(one)
    elif type(value).__module__.startswith("curation") and hasattr(value, "__slots__"):
        yield from _compiled([getattr(value, name, None) for name in value.__slots__])


def _seeds(nodes: Iterable[tuple], lead: str, flags: int) -> Iterator[tuple[str, str]]:
    """(what leads up to a repetition, what it repeats) for every long repetition in `nodes`."""
    for node in nodes:
        code, argument = node
        for part in _parts(node):
            yield from _seeds(part, lead, flags)
        if code in _REPEATS and argument[1] > _LONG:
            units = {_sample([*argument[2]], flags, turn) for turn in range(3)}
            yield from ((lead, unit) for unit in units if unit)
        lead += _sample([node], flags, 0)
    if lead:
        yield "", lead


_REPEATS = {codes.MAX_REPEAT, codes.MIN_REPEAT, codes.POSSESSIVE_REPEAT}


def _parts(node: tuple) -> list[list[tuple]]:
    """The sequences inside a node."""
    code, argument = node
    if code in _REPEATS:
        return [list(argument[2])]
    if code is codes.SUBPATTERN:
        return [list(argument[3])]
    if code is codes.BRANCH:
        return [list(branch) for branch in argument[1]]
    if code in (codes.ASSERT, codes.ASSERT_NOT):
        return [list(argument[1])]
    if code is codes.ATOMIC_GROUP:
        return [list(argument)]
    return []


def _sample(nodes: list[tuple], flags: int, turn: int) -> str:
    """A text that `nodes` match, or nearly; another one for another `turn`."""
    return "".join(_one(node, flags, turn) for node in nodes)


def _one(node: tuple, flags: int, turn: int) -> str:
    code, argument = node
    if code in _REPEATS:
        return _sample([*argument[2]], flags, turn) * max(argument[0], 1)
    if code is codes.BRANCH:
        branches = argument[1]
        return _sample([*branches[turn % len(branches)]], flags, turn)
    if code in (codes.SUBPATTERN, codes.ATOMIC_GROUP):
        return _sample(_parts(node)[0], flags, turn)
    if code is codes.LITERAL:
        return chr(argument)
    matching = [c for c in _ALPHABET if _matches(node, c)]
    return matching[turn * 7 % len(matching)] if matching else ""


def _matches(node: tuple, character: str) -> bool:
    """Whether a node for one character takes `character`; a rough answer is good enough."""
    code, argument = node
    if code is codes.NOT_LITERAL:
        return argument != ord(character)
    if code is codes.ANY:
        return character != "\n"
    if code is not codes.IN:
        return False
    negated = argument[0][0] is codes.NEGATE
    return any(_in(item, character) for item in argument) != negated


def _in(item: tuple, character: str) -> bool:
    code, argument = item
    if code is codes.LITERAL:
        return argument == ord(character)
    if code is codes.RANGE:
        return argument[0] <= ord(character) <= argument[1]
    if code is codes.CATEGORY:
        return re.match(_CATEGORIES[argument], character) is not None
    return False


_CATEGORIES = {
    codes.CATEGORY_DIGIT: r"\d",
    codes.CATEGORY_NOT_DIGIT: r"\D",
    codes.CATEGORY_SPACE: r"\s",
    codes.CATEGORY_NOT_SPACE: r"\S",
    codes.CATEGORY_WORD: r"\w",
    codes.CATEGORY_NOT_WORD: r"\W",
}


def main() -> None:
    """Print the slowest patterns."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--size", type=int, default=1_000_000)
    arguments.add_argument("--texts", type=int, default=60, help="a pattern")
    arguments.add_argument("--slowest", type=int, default=20)
    options = arguments.parse_args()
    timed = sorted(
        (
            (*slowest(pattern, options.size, options.texts), name)
            for name, pattern in patterns().items()
        ),
        reverse=True,
    )
    print(f"{len(timed)} patterns, {options.size:,} characters each; the slowest:")
    for taken, text, name in timed[: options.slowest]:
        print(f"{taken:8.3f} s  {name}  {text!r}")


if __name__ == "__main__":
    main()
