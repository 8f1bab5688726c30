"""What a run will take: steps, tokens and memory, without a GPU."""
