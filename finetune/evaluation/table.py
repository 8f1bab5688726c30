"""The result on a terminal."""

from rich.console import Console
from rich.table import Table

from finetune.evaluation.result import Accuracy, BenchmarkResult, Evaluation

_WIDTH = 102  # also in a pipe


def show(evaluation: Evaluation, console: Console) -> None:
    """Print the table, and a sentence per benchmark on what it shows and what it does not."""
    if evaluation.benchmarks:
        table = _table(list(evaluation.benchmarks.values()))
        console.print(table, crop=False)
    for result in evaluation.benchmarks.values():
        console.print(f"{result.title}: {result.verdict}", soft_wrap=True)
        console.print(f"  {result.contamination}", soft_wrap=True)
    if len(evaluation.benchmarks) > 1:
        console.print(
            f"p: McNemar's exact test, Holm-corrected for {len(evaluation.benchmarks)} benchmarks."
        )
    if evaluation.protocol.limit:
        console.print(
            f"Only the first {evaluation.protocol.limit} questions of each subject: a trial, not a "
            "score.",
            soft_wrap=True,
        )
    if loss := evaluation.validation:
        console.print(
            f"Validation split, {loss.conversations} conversations: loss {loss.base:.4f} → "
            f"{loss.adapter:.4f}; {loss.verdict}",
            soft_wrap=True,
        )


def _table(results: list[BenchmarkResult]) -> Table:
    """Accuracies in percent, difference in points, 95 % intervals in brackets."""
    table = Table(
        "",
        "questions",
        "base",
        "adapter",
        "difference",
        "gained/lost",
        box=None,
        padding=(0, 1),
        width=_WIDTH,
    )
    for result in results:
        counts = (str(result.questions), f"{result.gained}/{result.lost}")
        table.add_row(f"{result.title} {result.split}, micro", *_cells(result.micro, *counts))
        table.add_row("  macro", *_cells(result.macro, "", ""))
        for one in result.categories:
            table.add_row(
                f"  {one.name}",
                str(one.questions),
                f"{100 * one.base:.1f}",
                f"{100 * one.adapter:.1f}",
                f"{100 * (one.adapter - one.base):+.1f}",
                f"{one.gained}/{one.lost}",
            )
    return table


def _cells(score: Accuracy, questions: str, decided: str) -> list[str]:
    return [
        questions,
        f"{100 * score.base:.1f} {_bounds(score.base_interval)}",
        f"{100 * score.adapter:.1f} {_bounds(score.adapter_interval)}",
        f"{100 * score.difference:+.1f} {_bounds(score.difference_interval, '+')}",
        decided,
    ]


def _bounds(interval: tuple[float, float], sign: str = "") -> str:
    low, high = (format(100 * bound, f"{sign}.1f") for bound in interval)
    return f"({low} – {high})" if not sign else f"({low} … {high})"
