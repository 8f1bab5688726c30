"""Which examples are shown: chosen by seed, and without personal data."""

from collections.abc import Callable
from hashlib import blake2b

import polars as pl

from schemas.errors import CorpusError
from schemas.recipe import Privacy

#: Examples of a rule.
EXAMPLES = 3


def order(seed: int) -> Callable[[str], bytes]:
    """The key of an id; the smallest are shown, whatever the order of the rows."""
    return lambda name: blake2b(f"{seed}:{name}".encode(), digest_size=8).digest()


def searched(privacy: Privacy) -> Privacy:
    """What examples are searched for: what the recipe looks for, else what a default one does."""
    return privacy if privacy.searches else Privacy()


def collected(frame: pl.LazyFrame) -> pl.DataFrame:
    """The rows of a query; raises CorpusError where a file is damaged."""
    try:
        return frame.collect()
    except (pl.exceptions.PolarsError, OSError):
        raise CorpusError("the ledger or the data is damaged; `curate verify` says how") from None
