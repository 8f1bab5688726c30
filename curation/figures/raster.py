"""Figures as PNG: the same bytes on every machine, since no font of the system is used."""

from pathlib import Path

import resvg_py

from curation.figures.drawing import Figure, framed
from curation.figures.palette import LIGHT, PLAIN

FONTS = sorted((Path(__file__).parent / "font").glob("*.ttf"))
FRAME = 10.0  # white around a picture, in units


def png(figure: Figure, scale: float = 1.5) -> bytes:
    """The figure in its light colours on white, `scale` pixels to a unit."""
    return resvg_py.svg_to_bytes(
        svg_string=framed(figure, FRAME),
        background=LIGHT["paper"],
        skip_system_fonts=True,
        font_files=[str(path) for path in FONTS],
        style_sheet=PLAIN,
        zoom=scale,
    )
