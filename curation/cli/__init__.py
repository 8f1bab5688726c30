"""The `curate` command line."""

import sys


def main() -> None:
    """Run a command; errors become a sentence on standard error and an exit code."""
    try:
        from curation.cli.entry import run

        sys.exit(run())
    except KeyboardInterrupt:
        sys.stderr.write("interrupted; run the same command again to go on where it stopped\n")
        sys.exit(1)
