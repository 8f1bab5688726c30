"""The dataset card: metadata the Hub understands, and what happened, from the statistics."""

from pathlib import Path

import jinja2
import pyarrow as pa
import pyarrow.parquet as pq
from huggingface_hub import DatasetCardData

from curation import __version__
from schemas.conversation import DATA
from schemas.recipe import Recipe
from schemas.statistics import Statistics

#: The Hub's size categories: upper bound in rows, name.
_SIZES = (
    (10**3, "n<1K"),
    (10**4, "1K<n<10K"),
    (10**5, "10K<n<100K"),
    (10**6, "100K<n<1M"),
    (10**7, "1M<n<10M"),
    (10**8, "10M<n<100M"),
)


def render_card(
    recipe: Recipe, statistics: Statistics, languages: list[str], shards: dict[Path, int]
) -> str:
    """README.md: YAML front matter and Markdown. `shards` are the data files and their rows."""
    kept = sum(source.kept for source in statistics.sources)
    size = sum(path.stat().st_size for path in shards)
    unpacked = {
        split: sum(_unpacked_size(path) for path in shards if path.name.startswith(f"{split}-"))
        for split in statistics.splits
    }
    licenses = sorted({source.license for source in recipe.sources})
    data = DatasetCardData(
        pretty_name=recipe.name,
        language=languages or None,
        license=licenses[0] if len(licenses) == 1 else licenses,
        size_categories=[next((name for bound, name in _SIZES if kept < bound), "100M<n<1B")],
        task_categories=["text-generation"],
        tags=["conversational", "instruction-tuning", "aurora-zh"],
        configs=[
            {
                "config_name": "default",
                "data_files": [
                    {"split": split, "path": f"data/{split}-*.parquet"} for split in unpacked
                ],
            }
        ],
        dataset_info={
            "features": [_feature(field) for field in DATA],
            "splits": [
                {"name": split, "num_bytes": n, "num_examples": statistics.splits[split]}
                for split, n in unpacked.items()
            ],
            "download_size": size,
            "dataset_size": sum(unpacked.values()),
        },
    )
    return f"---\n{data.to_yaml()}\n---\n\n{_body(recipe, statistics)}"


def _body(recipe: Recipe, statistics: Statistics) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("curation", "outputs"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,  # names and descriptions are the user's, and a card is shown as HTML
        keep_trailing_newline=True,
    )
    licenses = {source.name: source.license for source in recipe.sources}
    text = environment.get_template("card.md.jinja").render(
        name=recipe.name,
        description=_one_line(recipe.description),
        version=__version__,
        records=sum(source.records for source in statistics.sources),
        kept=sum(source.kept for source in statistics.sources),
        dropped=sum(source.dropped for source in statistics.sources),
        quarantined=sum(source.quarantined for source in statistics.sources),
        sources=[(source, licenses[source.source]) for source in statistics.sources],
        rounds=statistics.round_pairs(),
        stages=statistics.stages,
        categories=statistics.categories,
        pii=statistics.pii,
        privacy=recipe.stages.privacy,
        control_tokens=statistics.control_tokens,
        escaped=recipe.stages.control_tokens,
        overlap=[o for o in statistics.overlap if o.clustered],
        same_prompt=statistics.same_prompt,
        contamination=statistics.contamination,
        action=recipe.stages.decontaminate.action,
        splits=statistics.splits,
    )
    return str(text)


def _one_line(text: str) -> str:
    """Text that adds no heading, front matter or control character to the card."""
    return "".join(c for c in " ".join(text.split()) if c.isprintable())


def _unpacked_size(shard: Path) -> int:
    """Bytes of a Parquet file's columns before compression."""
    metadata = pq.read_metadata(shard)
    return sum(metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups))


def _feature(field: pa.Field) -> dict[str, object]:
    """A column as `datasets` writes its features into a card."""
    if pa.types.is_list(field.type):
        value = field.type.value_type
        inner = [_feature(f) for f in value] if pa.types.is_struct(value) else _DTYPES[value]
        return {"name": field.name, "list": inner}
    return {"name": field.name, "dtype": _DTYPES[field.type]}


_DTYPES = {pa.string(): "string", pa.int32(): "int32", pa.float32(): "float32"}
