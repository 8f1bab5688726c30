"""The documents that make the files of a run a finished corpus; the manifest is the last."""

from collections.abc import Mapping
from pathlib import Path

from curation import __version__
from curation.engine.keys import library_versions
from curation.engine.plan import Plan
from curation.outputs.card import write_card
from curation.outputs.manifest import describe, publishable, write_manifest
from curation.outputs.verify import contradictions
from curation.outputs.writing import write_all
from curation.report import gather, report_outputs
from schemas.corpus import STATISTICS
from schemas.errors import AuroraError
from schemas.manifest import BenchmarkFiles, InputFile, Manifest, OutputFile
from schemas.statistics import Statistics


def finish(
    planned: Plan, directory: Path, statistics: Statistics, written: Mapping[Path, int]
) -> None:
    """Write statistics, report and card, then the manifest over everything.

    written: the files of data and ledger, with their rows. Raises AuroraError where a file cannot
    be written, or a record is unaccounted for.
    """
    statistics_path = directory / STATISTICS
    write_all({statistics_path: (statistics.model_dump_json(indent=2) + "\n").encode()})
    outputs = [
        *(describe(directory, path, rows) for path, rows in written.items()),
        describe(directory, statistics_path),
    ]
    manifest = _manifest(planned, statistics, outputs)
    content = gather(directory, manifest, statistics, seed=0)
    pages = report_outputs(directory, content)
    manifest = manifest.model_copy(update={"outputs": [*outputs, *pages]})
    card = write_card(directory, manifest, statistics, content.figures.values())
    manifest = manifest.model_copy(update={"outputs": [*manifest.outputs, *card]})
    _check_identity(directory, manifest, statistics)
    write_manifest(directory, manifest)


def _manifest(planned: Plan, statistics: Statistics, outputs: list[OutputFile]) -> Manifest:
    return Manifest(
        key=planned.key,
        recipe=publishable(planned.recipe),
        versions={"aurora-zh": __version__, **library_versions()},
        inputs=[
            InputFile(source=f.source.name, file=f.file.name, bytes=f.bytes, sha256=f.sha256)
            for f in planned.files
        ],
        counts=statistics.sources,
        benchmarks=[BenchmarkFiles(name=b.name, sha256=b.sha256) for b in planned.benchmarks],
        outputs=outputs,
    )


def _check_identity(directory: Path, manifest: Manifest, statistics: Statistics) -> None:
    """Refuse to finish a corpus in which a record is unaccounted for."""
    problems = contradictions(directory, manifest)
    if sum(source.records for source in statistics.sources) != statistics.stages[0].entered:
        problems.append("not every record that was read is in the ledger")
    if problems:
        raise AuroraError(
            f"{directory}: the run is not finished: {'; '.join(problems)}; this is a defect, "
            "please report it with the recipe"
        )
