"""Drawings of `statistics.json`: SVG for pages, PNG for the dataset card."""

from curation.figures.categories import categories
from curation.figures.drawing import Figure
from curation.figures.flow import flow
from curation.figures.overlap import overlap
from curation.figures.palette import STYLE
from curation.figures.raster import png
from curation.figures.rounds import rounds
from curation.figures.shares import shares
from curation.figures.spread import spread

__all__ = [
    "STYLE",
    "Figure",
    "categories",
    "flow",
    "overlap",
    "png",
    "rounds",
    "shares",
    "spread",
]
