"""Train an adapter: `python -m finetune.train --config aurora`."""

import signal
import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, NoReturn

import click
from rich.table import Table

from finetune.console import err, main, needs, out
from finetune.recipe import TrainingRecipe, read_recipe
from finetune.training.checks import check_validation
from finetune.training.failures import reporting
from finetune.training.launcher import tell_code

if TYPE_CHECKING:
    from finetune.adapter.record import TrainingRecord
    from finetune.corpus import Corpus


@click.command("finetune.train")
@click.option(
    "--config",
    required=True,
    help="Training recipe: a YAML file, or a shipped one by name: aurora, recommended, tiny.",
)
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change a recipe key.")
@click.option("--fresh", is_flag=True, help="Discard what an earlier run left in the output.")
@click.option("--json", "as_json", is_flag=True, help="Print the training record as JSON.")
def command(config: str, changes: tuple[str, ...], fresh: bool, as_json: bool) -> None:
    """Train a LoRA adapter on a corpus that `curate run` wrote.

    Interrupted or killed, it goes on from its last checkpoint when the command is repeated. Every
    key of a recipe is explained in docs/training.md. finetune/launch.sh does the same on several
    GPUs and repeats by itself.
    """
    recipe = read_recipe(config, changes)
    with reporting(Path(recipe.output) / "error.log"):
        if record := _record(recipe, fresh):
            _report(record, as_json)


def _record(recipe: TrainingRecipe, fresh: bool) -> "TrainingRecord | None":
    """Of the run, or of one that is finished; None where another process reports."""
    with needs("finetune"):
        from finetune.adapter.card import write_card
        from finetune.corpus import load_corpus
        from finetune.training.identity import finished
    corpus = load_corpus(recipe.data, recipe.data_revision)
    check_validation(recipe, corpus)
    record = None if fresh else finished(Path(recipe.output), recipe, corpus.data)
    if record:
        err.print(f"{recipe.output}: finished already; --fresh trains anew", soft_wrap=True)
        if not (Path(recipe.output) / "README.md").exists():
            write_card(Path(recipe.output), record)
        return record
    return _train(recipe, corpus, fresh)


def _train(recipe: TrainingRecipe, corpus: "Corpus", fresh: bool) -> "TrainingRecord | None":
    with needs("finetune"):
        from finetune.training.run import train
        from finetune.training.settings import check_reporters
    check_reporters(recipe)
    return train(recipe, corpus, fresh=fresh)


def _report(record: "TrainingRecord", as_json: bool) -> None:
    if as_json:
        sys.stdout.write(record.model_dump_json() + "\n")
        return
    table = Table(show_header=False, box=None)
    for name, value in _results(record):
        table.add_row(name, value)
    out.print(table)


def _results(record: "TrainingRecord") -> list[tuple[str, str]]:
    train = [loss.train for loss in record.losses if loss.train is not None]
    validation = [loss.validation for loss in record.losses if loss.validation is not None]
    rows = [
        ("steps", f"{record.steps} ({record.stopped})"),
        ("training loss", f"{train[0]:.4f} → {train[-1]:.4f}"),
    ]
    if validation:
        best = f"{min(validation):.4f} after step {record.best_step}, whose weights these are"
        rows.append(("validation loss", f"{validation[0]:.4f} → {validation[-1]:.4f}; best {best}"))
    memory = "not measured on a CPU"
    if record.peak_memory is not None:
        memory = f"{record.peak_memory / 2**30:.1f} GiB"
    output = record.recipe.output
    return [
        *rows,
        ("tokens per second", f"{record.tokens_per_second:,.0f} on {record.device}"),
        ("time in steps", f"{record.seconds:,.0f} s"),
        ("peak GPU memory", memory),
        ("adapter", f"{output} (with card and figure)"),
        ("next", f"python -m finetune.chat {output}"),
    ]


def launched() -> NoReturn:
    """Run the command; SIGTERM ends it with a line, any other end is told to launch.sh."""
    signal.signal(signal.SIGTERM, _terminated)
    try:
        main(command)
    except BaseException as end:
        tell_code(end.code if isinstance(end, SystemExit) and isinstance(end.code, int) else 1)
        raise


def _terminated(number: int, frame: FrameType | None) -> NoReturn:
    """While it trains, a signal saves instead: see progress.py."""
    err.print("finetune.train: terminated; repeat the command to go on", soft_wrap=True)
    sys.exit(128 + number)


if __name__ == "__main__":
    launched()
