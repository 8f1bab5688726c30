"""`curate report`: the report of a finished corpus, made again."""

from pathlib import Path

import click

from curation.cli import console


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the page to this file, outside of DIRECTORY, which stays as it is.",
)
@click.option("--seed", default=0, show_default=True, help="Chooses the examples.")
def report(directory: Path, output: Path | None, seed: int) -> None:
    """Make the report of a corpus again: report.html, and the figures of the card as PNG."""
    from curation.report.refresh import refresh, write_elsewhere

    if output:
        write_elsewhere(directory, output, seed)
        console.say(f"written to {output}")
    else:
        console.say(f"written to {refresh(directory, seed)}, and figures to {directory / 'assets'}")
