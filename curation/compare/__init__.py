"""What differs between two finished corpora, and what made the difference."""

from curation.compare.corpora import compare
from curation.compare.result import Change, Comparison

__all__ = ["Change", "Comparison", "compare"]
