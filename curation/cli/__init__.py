"""The `curate` command line."""

from curation.cli.commands import main

__all__ = ["main"]
