"""From conversations to exact tokens and exact masks."""
