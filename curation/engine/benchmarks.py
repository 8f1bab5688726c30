"""The index of benchmark items: made once for a set of benchmarks, then used again."""

from collections.abc import Sequence
from itertools import chain
from pathlib import Path

from curation.sources.benchmark_items import read_items
from curation.sources.benchmarks import Benchmark
from curation.stages.decontaminate import build, is_sound


def ensure_index(path: Path, benchmarks: Sequence[Benchmark]) -> None:
    """Make the index at `path`, where there is none yet or it is damaged.

    Raises InputError where a benchmark cannot be read.
    """
    if not is_sound(path):
        build(chain.from_iterable(read_items(one) for one in benchmarks), path)
