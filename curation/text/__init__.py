"""Tools for looking at many texts at once."""
