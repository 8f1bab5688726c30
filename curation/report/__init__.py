"""The report: one page that shows what a run did, and its figures as pictures."""

import hashlib
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path

from markupsafe import Markup

from curation.figures import STYLE as FIGURE_STYLE
from curation.figures import png
from curation.outputs.card import CARD_FIGURES
from curation.outputs.writing import write_all
from curation.pages import STYLE, environment, policy
from curation.report.content import Content, gather
from schemas.corpus import ASSETS, REPORT
from schemas.errors import AuroraError
from schemas.manifest import OutputFile

__all__ = ["Content", "entries", "gather", "render", "report_files", "report_outputs"]

_OWN_STYLE = (files("curation.report") / "report.css").read_text(encoding="utf-8")


def report_outputs(directory: Path, content: Content) -> list[OutputFile]:
    """Write the report and the card's pictures, and give the manifest's entries for them."""
    made = report_files(directory, content)
    write_all(made)
    return entries(directory, made)


def report_files(directory: Path, content: Content) -> dict[Path, bytes]:
    """What is to be written: the page, and the figures of the card as PNG, with their places.

    Raises AuroraError where the folder of the pictures is a link to another place.
    """
    folder = directory / ASSETS
    if folder.is_symlink():
        raise AuroraError(f"{folder}: is a link to another folder; remove it and repeat")
    pictures = {folder / f"{name}.png": png(content.figures[name]) for name in CARD_FIGURES}
    return {directory / REPORT: render(content).encode(), **pictures}


def entries(directory: Path, files: Mapping[Path, bytes]) -> list[OutputFile]:
    """The manifest's entries of files, from their content."""
    return [
        OutputFile(
            path=path.relative_to(directory).as_posix(),
            bytes=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            rows=None,
        )
        for path, content in files.items()
    ]


def render(content: Content) -> str:
    """The page: self-contained, without a script, and allowed to load nothing."""
    style = STYLE + FIGURE_STYLE + _OWN_STYLE
    template = environment("curation", "report").get_template("report.html.jinja")
    return template.render(
        content=content,
        statistics=content.statistics,
        recipe=content.manifest.recipe,
        style=Markup(style),  # noqa: S704 - ours, and its hash is in the policy
        policy=policy(style),
    )
