"""The report of a finished corpus, made again."""

from pathlib import Path

from curation.outputs.manifest import write_manifest
from curation.outputs.verify import differences
from curation.outputs.workspace import workspace
from curation.report import ASSETS, REPORT, render, report_outputs
from curation.report.content import figures, gather
from schemas.corpus import read_manifest, read_statistics
from schemas.errors import AuroraError, CorpusError
from schemas.manifest import Manifest
from schemas.statistics import Statistics


def write_elsewhere(directory: Path, output: Path, seed: int) -> None:
    """Write the page to `output`, and nothing into `directory`.

    Raises CorpusError where the directory holds no finished corpus, or a damaged one; AuroraError
    where the page cannot be written.
    """
    page = render(gather(directory, *_sound(directory), seed))
    try:
        output.write_text(page, encoding="utf-8")
    except OSError as error:
        raise AuroraError(f"{output}: cannot be written ({error.strerror})") from None


def refresh(directory: Path, seed: int) -> Path:
    """Make report and pictures in `directory` again, and give the path of the page.

    The manifest is replaced last. A report that is damaged is no obstacle, nor is one that a
    kill left without its manifest; anything else that is damaged is a CorpusError.
    """
    _sound(directory)
    with workspace(directory):
        manifest, statistics = _sound(directory)
        named = [file.path for file in read_manifest(directory).outputs]
        pages = report_outputs(directory, manifest, statistics, seed=seed)
        new = {file.path: file for file in (*manifest.outputs, *pages)}
        # Each at its place: what is made again unchanged changes no byte of the manifest.
        outputs = [new.pop(path) for path in named if path in new]
        changed = manifest.model_copy(update={"outputs": [*outputs, *new.values()]})
        write_manifest(directory, changed)
    return directory / REPORT


def _sound(directory: Path) -> tuple[Manifest, Statistics]:
    """What a corpus is but for its report and pictures."""
    manifest, statistics = read_manifest(directory), read_statistics(directory)
    ours = {REPORT, *(f"{ASSETS}/{figure.name}.png" for figure in figures(statistics))}
    others = [file for file in manifest.outputs if file.path not in ours]
    manifest = manifest.model_copy(update={"outputs": others})
    problems = differences(directory, manifest)
    if problems:
        raise CorpusError(
            f"{directory}: is damaged ({'; '.join(problems[:3])}); repeat `curate run`"
        )
    return manifest, statistics
