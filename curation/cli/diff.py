"""`curate diff`: what differs between two corpora."""

import sys
from dataclasses import asdict
from pathlib import Path

import click

DIRECTORY = click.Path(path_type=Path, file_okay=False)


@click.command()
@click.argument("a", type=DIRECTORY)
@click.argument("b", type=DIRECTORY)
@click.option(
    "--examples", type=click.IntRange(0), default=3, show_default=True, help="Of each change."
)
@click.option("--seed", default=0, show_default=True, help="Chooses the examples.")
@click.option("--json", "as_json", is_flag=True, help="Everything, with all ids, as JSON.")
def diff(a: Path, b: Path, examples: int, seed: int, as_json: bool) -> None:
    """Tell what differs between the corpora A and B, and why. Exits 1 where anything does."""
    from curation.cli.comparison import print_comparison
    from curation.cli.views import print_json
    from curation.compare import compare

    found = compare(a, b, examples=examples, seed=seed)
    if as_json:
        totals = {"differs": found.differs, "changes": found.changes}
        print_json({"a": str(a), "b": str(b), **totals, **asdict(found)})
    else:
        print_comparison(a, b, found)
    if found.differs:
        sys.exit(1)
