"""The adapter directory: what training writes and everything after it reads."""
