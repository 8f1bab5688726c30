"""Topic tagging: the record's own tag where it names a topic, else a trained model."""

from curation.stages.category.tagging import OTHER, category
from curation.stages.category.taxonomy import Taxonomy, Topic, normalise_tag, taxonomy

__all__ = ["OTHER", "Taxonomy", "Topic", "category", "normalise_tag", "taxonomy"]
