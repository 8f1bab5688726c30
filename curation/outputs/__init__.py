"""What a run leaves behind: shards, ledger, statistics, card, manifest; and how to verify it."""
