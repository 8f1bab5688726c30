"""`curate browse`: a corpus in the web browser."""

import sys
from pathlib import Path

import click

from curation.cli import console
from schemas.errors import RecipeError

_MISSING = "curate browse needs Starlette and uvicorn: pip install 'aurora-zh[app]'"


@click.command()
@click.argument("directory", type=click.Path(path_type=Path, file_okay=False))
@click.option(
    "--port", type=click.IntRange(0, 65535), help="Port [default: the first free from 8765 on]."
)
@click.option("--open/--no-open", "show", default=False, help="Open the page in the web browser.")
def browse(directory: Path, port: int | None, show: bool) -> None:
    """Page and search a corpus in the web browser, on this machine only."""

    def tell(url: str) -> None:
        console.say(f"{directory}: {url} (Ctrl-C ends it)")

    try:
        from curation.browser.server import serve

        serve(directory, port, tell, show=show)
    except ModuleNotFoundError as error:
        if error.name not in ("starlette", "uvicorn"):
            raise
        raise RecipeError(_MISSING) from None
    except KeyboardInterrupt:
        click.echo(f"curate: {directory}: stopped before it was open", err=True)
        sys.exit(1)
