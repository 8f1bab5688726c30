"""A finished corpus on the Hub: what of it goes there, and what must not."""

from curation.publishing.check import check
from curation.publishing.corpus import target, wanted

__all__ = ["check", "target", "wanted"]
