"""Where the words of a lexicon occur in many texts, as a few numpy calls.

The two characters at a position tell how long the words are that may begin there (one look-up in a
table of bits); only at those lengths, and only where there is one, is the text hashed.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from curation.text.codepoints import CodePoints

PAIR_BITS = 18  # 1 MiB: stays in the second-level cache; about 1 % false candidates
#: Fibonacci hashing (Knuth, TAOCP 3, 6.4): 2**bits / golden ratio, odd.
PAIR_FACTOR = np.uint32(0x9E3779B1)
WORD_FACTOR = np.uint64(0x9E3779B97F4A7C15)


@dataclass(frozen=True, slots=True)
class Hits:
    """h occurrences, longest words first.

    texts: (h,) int64, the text each is in.
    words: (h,) int64, the word of the lexicon.
    """

    texts: NDArray[np.int64]
    words: NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class _Words:
    """The words of one length, by ascending hash."""

    length: int
    hashes: NDArray[np.uint64]
    index: NDArray[np.int64]


class Lexicon:
    """At least one word, each of 2 to 31 characters, all different even in lower case.

    ASCII case does not matter. Where a word begins or ends in an ASCII letter or digit, no other
    may adjoin. A word that begins and ends inside longer words that were found is not found itself.
    """

    def __init__(self, words: Sequence[str]) -> None:
        points = [np.fromiter(map(ord, word.lower()), np.uint32) for word in words]
        lengths = np.array([len(word) for word in points])
        pairs = np.array([word[:2] for word in points])
        #: Bit L of an entry: some word of L characters begins with a pair of this hash.
        self._lengths = np.zeros(1 << PAIR_BITS, np.uint32)
        bits = np.uint32(1) << lengths.astype(np.uint32)
        np.bitwise_or.at(self._lengths, _pair_hash(pairs[:, 0], pairs[:, 1]), bits)
        self._words = [_words(points, lengths, length) for length in np.unique(lengths)[::-1]]

    def find(self, texts: CodePoints) -> Hits:
        """All occurrences of the words in `texts`."""
        points = _fold(texts.points)
        lengths = self._lengths[_pair_hash(points[:-1], points[1:])]
        starts = np.flatnonzero(lengths)
        lengths = lengths[starts]
        word_like = _adjoins(points, texts.offsets)
        covered = np.zeros(len(points), bool)
        found_in, found = [], []
        for words in self._words:
            here = (lengths & np.uint32(1 << words.length)) != 0
            first, word = _look_up(words, points, starts[here])
            last = first + words.length - 1
            owner = np.searchsorted(texts.offsets, first, "right") - 1
            # Both ends covered: by a longer word, or by two that meet or overlap there.
            free = ~(covered[first] & covered[last] | word_like[first] | word_like[last + 1])
            free &= last < texts.offsets[owner + 1]
            covered[first[free, None] + np.arange(words.length)] = True
            found_in.append(owner[free])
            found.append(word[free])
        return Hits(np.concatenate(found_in), np.concatenate(found))


def _words(points: list[NDArray[np.uint32]], lengths: NDArray[np.int64], length: int) -> _Words:
    """The words of `length` characters."""
    index = np.flatnonzero(lengths == length)
    hashes = _hash(
        np.concatenate([points[i] for i in index]), np.arange(len(index)) * length, length
    )
    order = np.argsort(hashes)
    return _Words(int(length), hashes[order], index[order])


def _look_up(
    words: _Words, points: NDArray[np.uint32], starts: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Those of `starts` at which a word of this length begins, and the word."""
    starts = starts[starts + words.length <= len(points)]
    keys = _hash(points, starts, words.length)
    place = np.searchsorted(words.hashes, keys)
    place[place == len(words.hashes)] = 0
    hit = words.hashes[place] == keys
    return starts[hit], words.index[place[hit]]


def _pair_hash(first: NDArray[np.uint32], second: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """`PAIR_BITS` bits for each pair of characters."""
    mixed = (first * PAIR_FACTOR + second) * PAIR_FACTOR
    return mixed >> np.uint32(32 - PAIR_BITS)


def _hash(points: NDArray[np.uint32], starts: NDArray[np.int64], length: int) -> NDArray[np.uint64]:
    """A 64-bit hash of the `length` characters at each of `starts`."""
    value = np.zeros(len(starts), np.uint64)
    for step in range(length):
        value = (value + points[starts + step]) * WORD_FACTOR
    return value


def _fold(points: NDArray[np.uint32]) -> NDArray[np.uint32]:
    """ASCII letters in lower case."""
    upper = points - np.uint32(ord("A")) < np.uint32(26)  # below A wraps around to a large number
    return points + (upper.astype(np.uint32) << np.uint32(5))


def _adjoins(points: NDArray[np.uint32], offsets: NDArray[np.int64]) -> NDArray[np.bool_]:
    """(total + 1,) whether the characters on both sides of a position are ASCII letters or digits.

    `points` are folded. The ends of a text adjoin nothing.
    """
    letter = (points - np.uint32(ord("a")) < np.uint32(26)) | (
        points - np.uint32(ord("0")) < np.uint32(10)
    )
    result = np.zeros(len(points) + 1, bool)
    result[1:-1] = letter[1:] & letter[:-1]
    result[offsets] = False
    return result
