"""The report: one page that shows what a run did, and its figures as pictures."""

from importlib.resources import files
from pathlib import Path

from markupsafe import Markup

from curation.figures import STYLE as FIGURE_STYLE
from curation.figures import png
from curation.outputs.manifest import describe
from curation.pages import STYLE, environment, policy
from curation.report.content import Content, figures, gather
from schemas.manifest import Manifest, OutputFile
from schemas.statistics import Statistics

__all__ = [
    "ASSETS",
    "REPORT",
    "figures",
    "render",
    "report_outputs",
    "write_pictures",
    "write_report",
]

_OWN_STYLE = (files("curation.report") / "report.css").read_text(encoding="utf-8")
REPORT, ASSETS = "report.html", "assets"


def write_report(
    directory: Path, manifest: Manifest, statistics: Statistics, *, seed: int = 0
) -> Path:
    """Write `report.html` of the corpus in `directory`, and give its path.

    manifest: may still be without its outputs. seed: chooses the examples.
    """
    path = directory / REPORT
    page = render(gather(directory, manifest, statistics, seed))
    path.write_text(page, encoding="utf-8")
    return path


def report_outputs(
    directory: Path, manifest: Manifest, statistics: Statistics, *, seed: int = 0
) -> list[OutputFile]:
    """Write the report and the pictures, and give the manifest's entries for them."""
    page = write_report(directory, manifest, statistics, seed=seed)
    return [describe(directory, path) for path in (page, *write_pictures(directory, statistics))]


def write_pictures(directory: Path, statistics: Statistics) -> list[Path]:
    """Write the figures as PNG into `assets/`, and give their paths; other files there stay."""
    folder = directory / ASSETS
    folder.mkdir(exist_ok=True)
    drawn = {folder / f"{figure.name}.png": png(figure) for figure in figures(statistics)}
    for path, picture in drawn.items():
        path.write_bytes(picture)
    return list(drawn)


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
