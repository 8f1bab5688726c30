"""From command line to exit code."""

import click

from curation.cli.commands import cli
from curation.cli.console import complain
from schemas.errors import AuroraError


def run() -> int:
    """Run the command line; report what went wrong in a sentence."""
    try:
        return int(cli(standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except click.Abort:
        raise KeyboardInterrupt from None
    except AuroraError as error:
        complain(f"curate: {error}")
        return error.exit_code
    except OSError as error:
        complain(f"curate: {error}")
        return 1
