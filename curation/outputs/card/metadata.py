"""The card's front matter: what the Hub and `datasets` read of a corpus."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow as pa
import pyarrow.parquet as pq

from curation.outputs.card.origins import addresses, origins
from schemas.conversation import DATA
from schemas.hub.failures import addressed
from schemas.licenses import Combined
from schemas.manifest import Manifest, OutputFile
from schemas.statistics import Statistics

if TYPE_CHECKING:
    from huggingface_hub import DatasetCardData

LICENSE = "LICENSE.md"
#: The Hub's size categories: upper bound in rows, name.
_SIZES = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
    (10**9, "100M<n<1B"),
)
_DTYPES = {pa.string(): "string", pa.int32(): "int32", pa.float32(): "float32"}


def card_data(
    directory: Path, manifest: Manifest, statistics: Statistics, license_: Combined
) -> "DatasetCardData":
    """The front matter, from what is in `directory` and the manifest of it so far."""
    with addressed():
        from huggingface_hub import DatasetCardData

    languages = list(kept_counts(statistics, "language"))
    shards = data_shards(manifest)
    return DatasetCardData(
        pretty_name=manifest.recipe.name,
        language=languages or None,
        license=license_.license,
        license_name=license_.name,
        license_link=LICENSE if license_.name else None,
        size_categories=[_size(sum(statistics.splits.values()))],
        task_categories=["text-generation"],
        annotations_creators=["machine-generated"],  # language, topic and quality are by models
        language_creators=_creators(manifest) or None,
        multilinguality=_multilinguality(languages),
        source_datasets=_source_datasets(manifest),
        tags=["conversational", "instruction-tuning", "sft", "aurora-zh"],
        configs=[{"config_name": "default", "data_files": _data_files(shards)}],
        dataset_info=_dataset_info(directory, shards, statistics),
    )


def kept_counts(statistics: Statistics, column: str) -> dict[str, int]:
    """Kept conversations by a column's value over all sources, most frequent first, no `und`."""
    total: Counter[str] = Counter()
    for tally in statistics.tallies:
        if tally.of == "result" and tally.column == column:
            total.update(tally.counts)
    ordered = sorted(total.items(), key=lambda item: (-item[1], item[0]))
    return {value: number for value, number in ordered if value != "und" and number}


def data_shards(manifest: Manifest) -> dict[str, list[OutputFile]]:
    """The data files of each split, in order."""
    files = [file for file in manifest.outputs if file.path.startswith("data/")]
    return {split: list(some) for split, some in groupby(files, key=_split_of)}


def _split_of(file: OutputFile) -> str:
    return Path(file.path).name.split("-")[0]


def _data_files(shards: dict[str, list[OutputFile]]) -> list[dict[str, str]]:
    """By split the pattern of its shards, with their number: a stray file never joins."""
    return [
        {"split": split, "path": f"data/{split}-*-of-{len(files):05}.parquet"}
        for split, files in shards.items()
    ]


def _dataset_info(
    directory: Path, shards: dict[str, list[OutputFile]], statistics: Statistics
) -> dict[str, Any]:
    sizes = {
        split: sum(_arrow_bytes(directory / file.path) for file in files)
        for split, files in shards.items()
    }
    return {
        "features": [_feature(field) for field in DATA],
        "splits": [
            {"name": split, "num_bytes": size, "num_examples": statistics.splits[split]}
            for split, size in sizes.items()
        ],
        "download_size": sum(file.bytes for files in shards.values() for file in files),
        "dataset_size": sum(sizes.values()),
    }


def _arrow_bytes(shard: Path) -> int:
    """Bytes of a shard's rows in memory, counted as `datasets` does: a row group at a time."""
    file = pq.ParquetFile(shard)
    return sum(file.read_row_group(i).combine_chunks().nbytes for i in range(file.num_row_groups))


def _feature(field: pa.Field) -> dict[str, object]:
    """A column as `datasets` writes its features into a card."""
    if pa.types.is_list(field.type):
        value = field.type.value_type
        inner = [_feature(f) for f in value] if pa.types.is_struct(value) else _DTYPES[value]
        return {"name": field.name, "list": inner}
    return {"name": field.name, "dtype": _DTYPES[field.type]}


def _size(rows: int) -> str:
    return next((name for bound, name in _SIZES if rows < bound), "1B<n<10B")


def _creators(manifest: Manifest) -> list[str]:
    """Who wrote the text: only where it is known of every source."""
    known = [origins(source, manifest.inputs) for source in manifest.recipe.sources]
    if not all(known):
        return []
    return sorted({creator for some in known for one in some for creator in one.creators})


def _multilinguality(languages: Sequence[str]) -> str | None:
    if not languages:
        return None
    return "monolingual" if len(languages) == 1 else "multilingual"


def _source_datasets(manifest: Manifest) -> list[str]:
    """The Hub's ids of the sources, and `extended|other` for local files."""
    of_source = [addresses(source) for source in manifest.recipe.sources]
    ids = {address.repo for some in of_source for address in some}
    return [*sorted(ids), *["extended|other"] * any(not some for some in of_source)]
