"""The report of a finished corpus, made again."""

from pathlib import Path

from curation.outputs.card import CARD_FIGURES
from curation.outputs.manifest import manifest_text
from curation.outputs.verify import differences
from curation.outputs.workspace import workspace
from curation.outputs.writing import write_all
from curation.report import entries, gather, render, report_files
from schemas.corpus import ASSETS, MANIFEST, REPORT, read_manifest, read_statistics
from schemas.errors import AuroraError, CorpusError, RecipeError
from schemas.manifest import Manifest
from schemas.statistics import Statistics


def write_elsewhere(directory: Path, output: Path, seed: int) -> None:
    """Write the page to `output`, and nothing into `directory`.

    Raises CorpusError where the directory holds no finished corpus, or a damaged one; RecipeError
    where `output` lies in it; AuroraError where the page cannot be written.
    """
    if output.resolve().is_relative_to(directory.resolve()):
        raise RecipeError(
            f"--output {output}: lies in the corpus, which is left as it is; choose another place"
        )
    if not output.parent.is_dir():
        raise AuroraError(f"{output}: cannot be written (its folder does not exist)")
    write_all({output: render(gather(directory, *_sound(directory), seed)).encode()})


def refresh(directory: Path, seed: int) -> Path:
    """Make report and pictures in `directory` again, and give the path of the page.

    All is drawn and written beside the old files before the first is replaced, the manifest last.
    A report that is damaged is no obstacle, nor is one that a kill left without its manifest;
    anything else that is damaged is a CorpusError. AuroraError where a file cannot be written.
    """
    _sound(directory)
    with workspace(directory):
        manifest, statistics = _sound(directory)
        named = [file.path for file in read_manifest(directory).outputs]
        made = report_files(directory, gather(directory, manifest, statistics, seed))
        new = {file.path: file for file in (*manifest.outputs, *entries(directory, made))}
        # Each at its place: what is made again unchanged changes no byte of the manifest.
        outputs = [new.pop(path) for path in named if path in new]
        changed = manifest.model_copy(update={"outputs": [*outputs, *new.values()]})
        write_all({**made, directory / MANIFEST: manifest_text(changed).encode()})
    return directory / REPORT


def _sound(directory: Path) -> tuple[Manifest, Statistics]:
    """What a corpus is but for its report and pictures."""
    manifest, statistics = read_manifest(directory), read_statistics(directory)
    ours = {REPORT, *(f"{ASSETS}/{name}.png" for name in CARD_FIGURES)}
    others = [file for file in manifest.outputs if file.path not in ours]
    manifest = manifest.model_copy(update={"outputs": others})
    problems = differences(directory, manifest)
    if problems:
        raise CorpusError(
            f"{directory}: is damaged ({'; '.join(problems[:3])}); repeat `curate run`"
        )
    return manifest, statistics
