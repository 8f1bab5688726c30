"""`python -m finetune.evaluate ADAPTER`: is the adapter better than its base?"""

from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from finetune.console import err, main, needs, out
from finetune.recipe import TrainingRecipe

if TYPE_CHECKING:
    from finetune.evaluation.result import Evaluation

_QUANTIZATIONS = get_args(TrainingRecipe.model_fields["quantization"].annotation)


@click.command("finetune.evaluate")
@click.argument("adapter", type=click.Path(path_type=Path))
@click.option(
    "--benchmarks",
    multiple=True,
    metavar="BENCHMARK",
    help="ceval, cmmlu, mmlu (from the Hub), or a zip or folder with one of them; repeat for more. "
    "Default: ceval and cmmlu, or none with --validation.",
)
@click.option(
    "--shots",
    type=click.IntRange(0, 5),
    default=5,
    show_default=True,
    help="Solved questions before each: the first rows of the dev split, in their order.",
)
@click.option(
    "--limit", type=click.IntRange(1), help="Only so many questions of each subject: a trial."
)
@click.option("--base", metavar="DIR|ID", help="Base model, if not where the recipe says.")
@click.option(
    "--quantization",
    type=click.Choice(_QUANTIZATIONS),
    help="How the base is held. Default: as in training.",
)
@click.option(
    "--chat-template/--no-chat-template",
    default=False,
    show_default=True,
    help="Ask as a conversation, as in training, or as plain text, as the benchmarks' authors do.",
)
@click.option(
    "--validation",
    is_flag=True,
    help="Also compare the losses on the validation split of the corpus.",
)
@click.option(
    "--data", metavar="DIR|ID", help="The corpus that was trained on, if not where the recipe says."
)
@click.option("--batch-size", type=click.IntRange(1), default=4, show_default=True)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**32 - 1),
    default=0,
    show_default=True,
    help="Of the bootstrap.",
)
@click.option("--json", "as_json", is_flag=True, help="Print evaluation.json instead of the table.")
@click.option("--fresh", is_flag=True, help="Drop earlier results and answers: begin anew.")
def evaluate(adapter: Path, *, as_json: bool, **asked: Any) -> None:
    """Score ADAPTER and its base on C-Eval, CMMLU or MMLU, and test whether a gain is real.

    ADAPTER is a directory that finetune.train wrote. Both models answer the same questions in the
    same way, from the same 4-bit weights; the difference is tested in pairs. An interrupted run
    goes on when repeated, and a later one adds its benchmarks. Writes ADAPTER/evaluation.json and
    the answers in ADAPTER/evaluation/.
    """
    with needs("finetune"):
        from finetune.adapter.card import write_card
        from finetune.adapter.record import read_record
        from finetune.evaluation.table import show
    if not asked["benchmarks"] and not asked["validation"]:
        asked["benchmarks"] = ("ceval", "cmmlu")
    record = read_record(adapter)
    evaluation = _watched(adapter, asked)
    write_card(adapter, record)
    if as_json:
        click.echo(evaluation.model_dump_json(indent=2))
    else:
        show(evaluation, out)


def _watched(adapter: Path, asked: dict[str, Any]) -> "Evaluation":
    """Evaluate, with a bar on a terminal."""
    with needs("finetune"):
        from finetune.evaluation.protocol import Options
        from finetune.evaluation.run import evaluate_adapter
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("loading the model", total=None)
        return evaluate_adapter(
            adapter,
            Options(**asked),
            lambda what, done, of: bar.update(task, description=what, completed=done, total=of),
        )


if __name__ == "__main__":
    main(evaluate)
