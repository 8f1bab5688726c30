"""The `curate` command line. Thin: every command calls one function and prints what it gives."""

import os
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, get_args

import click
from pydantic import ValidationError

from curation import __version__
from curation.cli import console, views
from curation.cli.browse import browse
from curation.cli.diff import diff
from curation.cli.life import print_life
from curation.cli.push import push
from curation.cli.report import report
from curation.explain import life
from curation.outputs.verify import verify as verify_corpus
from curation.recipes import load, shipped
from curation.run import Options, plan
from curation.run import run as run_recipe
from curation.sources.files import resolve
from curation.sources.inspect import inspect as inspect_file
from schemas.corpus import read_manifest, read_statistics
from schemas.document import explain as explain_error
from schemas.errors import RecipeError
from schemas.recipe import Format, Source

DIRECTORY = click.Path(path_type=Path, file_okay=False)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="curate")
def cli() -> None:
    """Make a Chinese instruction corpus you can trust, and account for every record."""


@cli.command()
@click.argument("recipe", default="sample")
@click.option("--output", type=DIRECTORY, help="Corpus directory [default: output/NAME].")
@click.option("--workers", type=click.IntRange(1), help="Processes [default: one per core].")
@click.option("--engine", type=click.Choice(["local", "ray"]), default="local", show_default=True)
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change the recipe.")
@click.option(
    "--chunk-size",
    type=click.IntRange(1),
    default=2048,
    show_default=True,
    help="Records per checkpoint; changes memory and speed, not the result.",
)
@click.option("--fresh", is_flag=True, help="Forget the work of earlier runs.")
@click.option(
    "--dry-run",
    is_flag=True,
    help="Show what would be done and write nothing (files of the Hub are fetched to its cache).",
)
@click.option("--json", "as_json", is_flag=True, help="Print the statistics as JSON.")
def run(
    recipe: str,
    output: Path | None,
    workers: int | None,
    engine: Any,
    changes: tuple[str, ...],
    chunk_size: int,
    fresh: bool,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Run RECIPE, a YAML file or the name of a shipped recipe, and write a corpus directory.

    An interrupted run resumes when it is repeated.
    """
    loaded = load(recipe, changes)
    directory = output or Path("output") / loaded.recipe.name
    options = Options(workers or _cores(), engine, chunk_size, fresh)
    if dry_run:
        planned = plan(loaded, directory, options)
        if as_json:
            views.print_json(views.plan_document(planned, directory))
        else:
            views.print_plan(planned, directory)
        return
    statistics = run_recipe(loaded, directory, options, console.progress)
    if as_json:
        views.print_json(statistics.model_dump())
    else:
        views.print_statistics(statistics)
        views.print_finished(directory)
    kept = sum(source.kept for source in statistics.sources)
    asked, got = loaded.recipe.stages.split.rows(kept), statistics.splits.get("validation", 0)
    if got < asked:
        console.complain(
            f"curate: {got:,} conversations are for validation, not {asked:,}: those that are "
            "alike are not divided"
        )
    if not kept:
        console.complain("curate: no conversation was kept; the table says which stage left none")


@cli.command()
@click.argument("paths", nargs=-1, required=True)
@click.option(
    "--format", "format_", type=click.Choice(get_args(Format)), default="auto", show_default=True
)
@click.option("--rows", type=click.IntRange(0), default=3, show_default=True)
@click.option("--json", "as_json", is_flag=True)
def inspect(paths: tuple[str, ...], format_: Format, rows: int, as_json: bool) -> None:
    """Look at input files before any run: format, counts, first rows, repairs and bad rows."""
    source = _source_of(paths, format_)
    found = [inspect_file(file, source, rows) for file in resolve(source, Path.cwd())]
    if as_json:
        views.print_json([views.inspection(one) for one in found])
        return
    for one in found:
        views.print_inspection(one)


@cli.command()
@click.argument("directory", type=DIRECTORY)
@click.option("--json", "as_json", is_flag=True)
def stats(directory: Path, as_json: bool) -> None:
    """Show the statistics of a corpus."""
    statistics = read_statistics(directory)
    if as_json:
        views.print_json(statistics.model_dump())
    else:
        views.print_statistics(statistics)


@cli.command()
@click.argument("directory", type=DIRECTORY)
@click.argument("record", metavar="ID")
@click.option("--json", "as_json", is_flag=True)
def explain(directory: Path, record: str, as_json: bool) -> None:
    """Tell what became of one input record, and why. ID may be the beginning of an id."""
    found = life(directory, record)
    if as_json:
        views.print_json(asdict(found))
    else:
        print_life(found)


@cli.command()
@click.argument("directory", type=DIRECTORY)
@click.option("--json", "as_json", is_flag=True)
def verify(directory: Path, as_json: bool) -> None:
    """Check every file's hash and that every record is accounted for. Exits 1 where not."""
    problems = verify_corpus(directory)
    if as_json:
        views.print_json({"directory": str(directory), "problems": problems})
    else:
        for problem in problems:
            console.complain(f"{directory}: {problem}")
        if not problems:
            counts = read_manifest(directory).counts
            records, kept = sum(c.records for c in counts), sum(c.kept for c in counts)
            console.say(f"{directory}: sound; {records:,} records, {kept:,} kept")
    if problems:
        sys.exit(1)


@cli.command()
def recipes() -> None:
    """List the shipped recipes."""
    rows = [(name, load(name).recipe.description.strip()) for name in shipped()]
    console.out.print(console.table("Recipes", ("name", "what it makes"), rows))


cli.add_command(diff)
cli.add_command(browse)
cli.add_command(push)
cli.add_command(report)


def _source_of(paths: Sequence[str], format_: Format) -> Source:
    """A source for files that are only looked at."""
    try:
        return Source(name="inspect", path=list(paths), format=format_)
    except ValidationError as error:
        raise RecipeError(f"PATH: {explain_error(Source, error)}") from None


def _cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
