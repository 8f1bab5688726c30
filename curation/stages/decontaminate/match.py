"""Which benchmark items a text contains.

First pass: enough of an item's seeds, its rarest grams, occur somewhere in the text. Second pass,
on these few candidates: what share of the item lies in grams that the text has too, close together.
"""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from curation.stages.decontaminate.index import Index
from curation.stages.decontaminate.score import GRAM, Match, compare
from curation.stages.decontaminate.seeds import SEED
from curation.stages.decontaminate.text import Squeezed, grams
from curation.text.arrays import distinct, ranges

#: Share of the seeds of the question, or of question and options, that makes a candidate. Where
#: every twentieth letter is wrong, two thirds of the seeds are still whole.
_QUESTION_SEEDS, _ITEM_SEEDS = 0.35, 0.2


def find(texts: Squeezed, index: Index, threshold: float) -> Iterator[tuple[int, list[Match]]]:
    """Each text that contains entries of the index, and those. `threshold`: see `score.compare`."""
    candidates = defaultdict(list)
    for number, entry in _candidates(texts, index):
        candidates[number].append(entry)
    for number, entries in candidates.items():
        text = texts.text(number)
        runs = grams(text, GRAM).by_hash()
        compared = (compare(entry, index, text, runs, threshold) for entry in entries)
        matches = [match for match in compared if match]
        if matches:
            yield number, matches


def _candidates(texts: Squeezed, index: Index) -> list[tuple[int, int]]:
    """The pairs (text, entry) that have enough seeds in common, in order."""
    runs = grams(texts, SEED)
    place, seed = index.lookup(runs.hashes)
    text = np.searchsorted(texts.offsets, runs.starts[place], side="right") - 1
    kinds = max(len(index.hashes), 1)
    text, seed = np.divmod(distinct(text * kinds + seed), kinds)
    first, last = index.bounds[seed], index.bounds[seed + 1]
    side = index.owners[ranges(first, last)]
    text = np.repeat(text, last - first)
    entries = len(index.distinctive)
    pair, number = np.unique(text * entries + side // 2, return_inverse=True)
    common = np.bincount(2 * number + side % 2, minlength=2 * len(pair)).reshape(-1, 2)
    had = index.counts.reshape(-1, 2)[pair % entries]
    enough = common[:, 0] >= np.maximum(_QUESTION_SEEDS * had[:, 0], 1)
    enough |= common.sum(axis=1) >= np.maximum(_ITEM_SEEDS * had.sum(axis=1), 1)
    return [divmod(one, entries) for one in pair[enough].tolist()]
