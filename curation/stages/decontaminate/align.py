"""Edit distance of a pattern to every place in a text."""

from collections import defaultdict
from collections.abc import Hashable, Iterator, Sequence


def distances(
    pattern: Sequence[Hashable], text: Sequence[Hashable], *, anywhere: bool = True
) -> Iterator[int]:
    """Per character of `text`, the fewest edits that make a run that ends there into `pattern`.

    anywhere: whether the run may begin anywhere, or begins where the text does.
    Edits insert, delete or substitute one character. Myers' bit-vector algorithm (JACM 46, 1999)
    as Hyyrö (2003) gives it, on integers of len(pattern) bits; the pattern may not be empty.
    """
    places: defaultdict[Hashable, int] = defaultdict(int)
    for i, character in enumerate(pattern):
        places[character] |= 1 << i
    every, last = (1 << len(pattern)) - 1, 1 << (len(pattern) - 1)
    up, down, distance = every, 0, len(pattern)  # where a column of the table rises, and falls
    for character in text:
        equal = places.get(character, 0)
        falls = equal | down
        along = (((equal & up) + up) ^ up) | equal
        right, left = down | (every & ~(along | up)), up & along
        distance += bool(right & last) - bool(left & last)
        right, left = (right << 1 | (not anywhere)) & every, (left << 1) & every
        up, down = left | (every & ~(falls | right)), right & falls
        yield distance
