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
    except OSError as error:  # a full disk, a lost mount
        place = f"{error.filename}: " if error.filename else ""
        complain(f"curate: {place}{error.strerror or error}; mend that and repeat the command")
        return 1
