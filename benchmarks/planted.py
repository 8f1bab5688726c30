"""A made-up set of conversations with known duplicates, from a seed.

    python -m benchmarks.planted FOLDER [--rows N] [--seed S] [--data FOLDER]

writes FOLDER/rows.jsonl (conversations as messages) and FOLDER/pairs.jsonl, which has every pair of
rows of one family, with its exact Jaccard by prompt and by conversation (`benchmarks.truth`).

Texts are of made-up Chinese with a Latin word or a number here and there. The logarithm of their
length is uniform between 4 and 2,000 characters; the turns of a conversation are at most twice as
long or half as long as that. With --data, half of the families begin with a real conversation.
The families:

    single      a conversation that nothing is like
    exact       copies
    disguise    copies in full width, other case, other spacing, other punctuation, or Traditional
    near        copies with characters replaced, put in, left out, or the end cut off, everywhere
                alike, so that the Jaccard is about uniform in [0.5, 1)
    number      one number differs, in the prompt and (every second family) also in the answer
    name        one name differs
    negation    one negation is there or not, or is another
    answer      the prompt is the same, the answers have nothing in common
    prompt      the answer is the same, the prompts have nothing in common
    template    the same words around slots that are filled differently
    short       4 to 10 characters each way: a copy, a disguise, one character changed
"""

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from random import Random

from benchmarks import chinese
from benchmarks.disguise import disguised
from benchmarks.rows import Row, messages, real, write_lines
from benchmarks.truth import Pair, pairs_within

SEED = 20231214
SHORTEST, LONGEST = 4, 2000
WORDS = ("Python", "GPT-4", "iPhone", "3.14", "2024", "CPU", "v1.0", "Excel", "B超", "100%")
NAMES = tuple(
    a + b for a in "王李张刘陈杨赵黄周吴" for b in ("伟", "芳", "娜", "小明", "建国", "丽华")
)
NEGATIONS = ("", "不", "没有", "并非")

#: Makes the rows of a family from its first.
Family = Callable[[Random, Row], list[Row]]


@dataclass(frozen=True, slots=True)
class Planted:
    """The rows in a random order, the kind of each one's family, and every pair of one family."""

    rows: list[Row]
    kinds: list[str]
    pairs: list[Pair]


def planted(rows: int, seed: int = SEED, bases: Sequence[Row] = ()) -> Planted:
    """At least `rows` rows; every second family begins with one of `bases` where there are any."""
    random = Random(seed)
    kinds, weights = list(FAMILIES), [3 if kind in ("single", "near") else 1 for kind in FAMILIES]
    families: list[tuple[str, list[Row]]] = []
    made = 0
    while made < rows:
        kind = random.choices(kinds, weights)[0]
        take = bases and random.random() < 0.5
        base = random.choice(bases) if take else conversation(random)
        families.append((kind, FAMILIES[kind](random, base)))
        made += len(families[-1][1])
    return _shuffled(random, families)


def _shuffled(random: Random, families: Sequence[tuple[str, list[Row]]]) -> Planted:
    places = [(kind, number) for number, (kind, family) in enumerate(families) for _ in family]
    rows = [row for _, family in families for row in family]
    order = random.sample(range(len(rows)), len(rows))
    members: list[list[int]] = [[] for _ in families]
    for place, row in enumerate(order):
        members[places[row][1]].append(place)
    kinds = [kind for kind, _ in families]
    shuffled = [rows[row] for row in order]
    pairs = pairs_within(shuffled, zip(kinds, members, strict=True))
    return Planted(shuffled, [places[row][0] for row in order], pairs)


def conversation(random: Random) -> Row:
    """One round; every sixth has two."""
    length = _length(random, SHORTEST, LONGEST)
    return tuple(text(random, length) for _ in range(4 if random.random() < 1 / 6 else 2))


def text(random: Random, length: int) -> str:
    """A text of half to twice the length, every second with a foreign word or a number."""
    shortest, longest = max(length // 2, SHORTEST), min(length * 2, LONGEST)
    made = chinese.text(random, _length(random, shortest, longest))
    if len(made) > 10 and random.random() < 0.5:
        made = _put(made, random.randrange(1, 9), random.choice(WORDS))
    return made


def _exact(random: Random, base: Row) -> list[Row]:
    return [base] * random.randint(2, 4)


def _disguise(random: Random, base: Row) -> list[Row]:
    return [base, *(_disguised(random, base) for _ in range(random.randint(1, 4)))]


def _disguised(random: Random, base: Row) -> Row:
    return tuple(disguised(random, turn) for turn in base)


def _near(random: Random, base: Row) -> list[Row]:
    return [base, *(_edited(random, base) for _ in range(random.randint(1, 4)))]


def _edited(random: Random, base: Row) -> Row:
    jaccard, edit = random.uniform(0.5, 1), random.choice(EDITS)
    return tuple(edit(random, turn, jaccard) for turn in base)


def _replace(random: Random, text: str, jaccard: float) -> str:
    # Each takes five grams away and brings five new ones.
    count = len(text) * (1 - jaccard) / (5 * (1 + jaccard))
    places = set(_places(random, text, count))
    return "".join(chinese.one(random) if i in places else c for i, c in enumerate(text))


def _insert(random: Random, text: str, jaccard: float) -> str:
    # Each takes four grams away and brings five new ones.
    places = set(_places(random, text, len(text) * (1 - jaccard) / (4 + 5 * jaccard)))
    return "".join(chinese.one(random) + c if i in places else c for i, c in enumerate(text))


def _leave_out(random: Random, text: str, jaccard: float) -> str:
    # Each takes five grams away and brings four new ones.
    places = set(_places(random, text, len(text) * (1 - jaccard) / (5 + 4 * jaccard)))
    return "".join(c for i, c in enumerate(text) if i not in places)


def _cut(random: Random, text: str, jaccard: float) -> str:
    return text[: max(math.ceil(len(text) * jaccard), 1)]


EDITS = (_replace, _insert, _leave_out, _cut)


def _places(random: Random, text: str, count: float) -> list[int]:
    return random.sample(range(len(text)), min(max(round(count), 1), len(text) - 1))


def _number(random: Random, base: Row) -> list[Row]:
    return _varied(random, base, [str(n) for n in random.sample(range(2, 3000), 3)])


def _name(random: Random, base: Row) -> list[Row]:
    return _varied(random, base, random.sample(NAMES, 3))


def _negation(random: Random, base: Row) -> list[Row]:
    return _varied(random, base, random.sample(NEGATIONS, 3))


def _varied(random: Random, base: Row, words: Sequence[str]) -> list[Row]:
    """`base` with each of the words at one place of the prompt, or also one of the answer."""
    places = [random.randrange(len(turn) + 1) for turn in base]
    turns = random.randint(1, 2)
    return [
        tuple(
            _put(turn, place, word) if number < turns else turn
            for number, (turn, place) in enumerate(zip(base, places, strict=True))
        )
        for word in words
    ]


def _answer(random: Random, base: Row) -> list[Row]:
    return [base, *((*base[:-1], text(random, len(base[-1]))) for _ in range(random.randint(1, 3)))]


def _prompt(random: Random, base: Row) -> list[Row]:
    return [base, *((text(random, len(base[0])), *base[1:]) for _ in range(random.randint(1, 3)))]


def _template(random: Random, _: Row) -> list[Row]:
    parts = [chinese.text(random, _length(random, 8, 200)) for _ in range(6)]

    def filled() -> str:
        return chinese.text(random, random.randint(2, 12))

    return [
        (parts[0] + filled() + parts[1] + filled() + parts[2], parts[3] + filled() + parts[4])
        for _ in range(random.randint(3, 6))
    ]


def _short(random: Random, _: Row) -> list[Row]:
    base = tuple(chinese.text(random, random.randint(4, 10)) for _ in range(2))
    changed = tuple(_replace(random, turn, 1) for turn in base)
    return [base, base, _disguised(random, base), changed]


FAMILIES: dict[str, Family] = {
    "single": lambda _, base: [base],
    "exact": _exact,
    "disguise": _disguise,
    "near": _near,
    "number": _number,
    "name": _name,
    "negation": _negation,
    "answer": _answer,
    "prompt": _prompt,
    "template": _template,
    "short": _short,
}


def _length(random: Random, shortest: int, longest: int) -> int:
    return round(math.exp(random.uniform(math.log(shortest), math.log(longest))))


def _put(text: str, place: int, word: str) -> str:
    return text[:place] + word + text[place:]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.planted")
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--data", type=Path, help="real conversations, laid out as benchmarks.rows")
    options = parser.parse_args()
    bases = list(real(options.data)) if options.data else []
    made = planted(options.rows, options.seed, bases)
    options.folder.mkdir(parents=True, exist_ok=True)
    write_lines(options.folder / "rows.jsonl", ({"messages": messages(r)} for r in made.rows))
    write_lines(options.folder / "pairs.jsonl", map(asdict, made.pairs))


if __name__ == "__main__":
    main()
