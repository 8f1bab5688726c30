"""From raw Chinese instruction files to a corpus directory: sources, stages, shards, ledger."""

__version__ = "0.1.0"
