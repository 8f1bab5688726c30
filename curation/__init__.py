"""From raw Chinese instruction files to a corpus directory: sources → stages → shards and ledger."""

__version__ = "0.1.0"
