"""`python -m finetune.merge`: add an adapter to its base and write a plain checkpoint."""

import re
from pathlib import Path

import click

from finetune.console import main, needs, out
from schemas.errors import RecipeError

_UNITS = {"MB": 10**6, "GB": 10**9, "MIB": 2**20, "GIB": 2**30}


@click.command("finetune.merge")
@click.argument("adapter", type=click.Path(path_type=Path))
@click.argument("output", type=click.Path(path_type=Path))
@click.option("--base", metavar="DIR_OR_ID", help="The base, if not the one in ADAPTER's record.")
@click.option("--max-shard-size", default="4GB", show_default=True, help="Bytes: MB, GB, MiB, GiB.")
@click.option(
    "--dtype",
    type=click.Choice(["bfloat16", "float32"]),
    default="bfloat16",
    show_default=True,
    help="Type of the written weights; sums are made in float32 either way.",
)
def command(adapter: Path, output: Path, base: str | None, max_shard_size: str, dtype: str) -> None:
    """Add ADAPTER to its base model; OUTPUT is a checkpoint that transformers, vLLM and llama.cpp
    load. Needs disk for one more copy of the base, and less than 1 GB of memory.
    """
    shard_bytes = _bytes(max_shard_size)
    with needs("finetune"):
        from finetune.merging import merge_adapter
    merged = merge_adapter(adapter, output, base=base, shard_bytes=shard_bytes, dtype=dtype)
    out.print(
        f"{merged.output}: {merged.tensors} tensors, {merged.updated} of them updated, "
        f"{merged.bytes / 1e9:.2f} GB in {merged.shards} file{'s' * (merged.shards > 1)}",
        soft_wrap=True,
    )


def _bytes(text: str) -> int:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*([KMG]i?B)", text, re.IGNORECASE)
    size = float(match[1]) * _UNITS.get(match[2].upper(), 0) if match else 0
    if size < 1:
        raise RecipeError(f"--max-shard-size {text}: write a number and MB, GB, MiB or GiB")
    return int(size)


if __name__ == "__main__":
    main(command)
