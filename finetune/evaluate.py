"""`python -m finetune.evaluate ADAPTER`: is the adapter better than its base?"""

from pathlib import Path

import click
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from finetune.console import err, main, needs, out


@click.command("finetune.evaluate")
@click.argument("adapter", type=click.Path(path_type=Path))
@click.argument("further", nargs=-1, metavar="")  # lets one --benchmarks take several
@click.option(
    "--benchmarks",
    multiple=True,
    metavar="BENCHMARK...",
    help="ceval, cmmlu, mmlu (from the Hub), or a zip or folder with one of them. Default: ceval "
    "and cmmlu, or none with --validation.",
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
    type=click.Choice(["nf4", "fp4", "none"]),
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
    "--seed", type=click.IntRange(0), default=0, show_default=True, help="Of the bootstrap."
)
@click.option("--json", "as_json", is_flag=True, help="Print evaluation.json instead of the table.")
@click.option("--fresh", is_flag=True, help="Ask again what an earlier run has answers to.")
def evaluate(
    adapter: Path,
    *,
    further: tuple[str, ...],
    benchmarks: tuple[str, ...],
    as_json: bool,
    **asked: object,
) -> None:
    """Score ADAPTER and its base on C-Eval, CMMLU or MMLU, and test whether a gain is real.

    ADAPTER is a directory that finetune.train wrote. Both models answer the same questions in the
    same way, from the same 4-bit weights; the difference is tested in pairs. An interrupted run
    goes on when repeated. Writes ADAPTER/evaluation.json and the answers in ADAPTER/evaluation/.
    """
    with needs("finetune"):
        from finetune.adapter.card import write_card
        from finetune.adapter.record import read_record
        from finetune.evaluation.run import Options, evaluate_adapter
        from finetune.evaluation.table import show
    if further and not benchmarks:
        raise click.UsageError(
            f"unexpected {further[0]!r}; did you mean --benchmarks {further[0]}?"
        )
    chosen = benchmarks + further or (() if asked["validation"] else ("ceval", "cmmlu"))
    record = read_record(adapter)
    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, console=err, transient=True, disable=not err.is_terminal) as bar:
        task = bar.add_task("loading the model", total=None)
        evaluation = evaluate_adapter(
            adapter,
            Options(benchmarks=chosen, **asked),  # type: ignore[arg-type]  # click has checked them
            lambda what, done, of: bar.update(task, description=what, completed=done, total=of),
        )
    write_card(adapter, record)
    if as_json:
        click.echo(evaluation.model_dump_json(indent=2))
    else:
        show(evaluation, out)


if __name__ == "__main__":
    main(evaluate)
