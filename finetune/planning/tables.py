"""The plan as a person reads it."""

from collections.abc import Iterator
from datetime import timedelta

from rich.table import Table

from finetune.planning import memory
from finetune.planning.estimate import MOMENTS
from finetune.planning.plan import Plan, in_gib
from finetune.planning.steps import Steps
from finetune.planning.tokens import Tokens
from finetune.recipe import TrainingRecipe


def tables(plan: Plan) -> Iterator[Table | str]:
    """What to print, in order."""
    if plan.tokens and plan.steps:
        yield _corpus(plan.tokens)
        yield _limits(plan.tokens, plan.recipe)
        yield _steps(plan, plan.steps, plan.tokens)
    yield _memory(plan)
    yield _verdict(plan)


def _table(title: str, *columns: str, headers: bool = True) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", show_header=headers)
    for number, name in enumerate(columns):
        table.add_column(name, justify="right" if number else "left")
    return table


def _corpus(tokens: Tokens) -> Table:
    account = tokens.account
    seen = account.kept + account.repeated
    table = _table("Corpus", "", "", headers=False)
    table.add_row("conversations", f"{account.conversations:,}")
    table.add_row("parts that are trained on", f"{account.parts:,}")
    table.add_row("tokens", f"{seen:,}")
    table.add_row("  with a loss", f"{account.trained:,} ({_share(account.trained, seen)})")
    for reason, count in sorted(account.left_out.items()):
        table.add_row(f"left out: {reason}", f"{count:,}")
    for percent, length in tokens.quantiles.items():
        name = "longest conversation" if percent == 100 else f"{percent} % are no longer than"
        table.add_row(name, f"{length:,} tokens")
    return table


def _limits(tokens: Tokens, recipe: TrainingRecipe) -> Table:
    title = "Splitting by max_length" + ("" if tokens.exact else ", estimated")
    if recipe.too_long != "split":
        title += f"; the recipe's too_long is {recipe.too_long}"
    table = _table(title, "max_length", "split", "parts", "repeated", "dropped", "of all")
    chosen = recipe.max_length if recipe.too_long == "split" else None
    for length, one in tokens.limits.items():
        table.add_row(
            f"{length:,}{' (recipe)' if length == chosen else ''}",
            f"{one.split:,}",
            f"{one.parts:,}",
            f"{one.repeated:,}",
            f"{one.dropped:,}",
            _share(one.dropped, tokens.account.whole),
        )
    return table


def _steps(plan: Plan, steps: Steps, tokens: Tokens) -> Table:
    recipe = plan.recipe
    table = _table("Run", "", "", headers=False)
    kind = "packed rows" if recipe.packing else "rows"
    table.add_row(f"{kind} per epoch", f"{steps.rows:,}, {tokens.filled:.1%} filled")
    batch = f"{recipe.batch_size} x {recipe.accumulation}"
    table.add_row("batch x accumulation", batch + (f" x {plan.gpus} GPUs" if plan.gpus > 1 else ""))
    table.add_row("steps per epoch", f"{steps.per_epoch:,}")
    table.add_row("steps", f"{steps.total:,}, {steps.warmup:,} of them warm-up")
    table.add_row("validations", f"{steps.evaluations:,}")
    size = f"{steps.checkpoint_size / memory.MIB:,.0f} MiB each"
    table.add_row("checkpoints", f"up to {steps.checkpoints:,}, {steps.kept:,} kept, {size}")
    if plan.seconds is not None:
        table.add_row("time at that speed", str(timedelta(seconds=round(plan.seconds))))
    return table


def _memory(plan: Plan) -> Table:
    table = _table(f"Memory of one GPU: {plan.shape.architecture}", "component", "GiB", "when", "")
    table.columns[2].justify = table.columns[3].justify = "left"
    peak = plan.estimate
    for part in peak.components:
        inside = part.moment in ("held", peak.moment)
        when = MOMENTS[part.moment] if inside else f"{MOMENTS[part.moment]} (less)"
        table.add_row(part.name, in_gib(part.size), when, part.why, style=None if inside else "dim")
    table.add_row("allocator's slack", in_gib(peak.slack), "", f"assumed: {memory.SLACK:.0%}")
    table.add_section()
    table.add_row("peak", in_gib(peak.peak), MOMENTS[peak.moment], "estimated", style="bold")
    return table


def _verdict(plan: Plan) -> str:
    tensors = (
        f"PyTorch's own count of its tensors would peak at {in_gib(plan.estimate.tensors)} GiB."
    )
    if plan.memory is None:
        return f"{tensors} Name a GPU (--gpu or --memory) to have it compared."
    if plan.fits:
        spare = in_gib(plan.memory - plan.estimate.peak)
        return f"{tensors} Fits into {in_gib(plan.memory)} GiB, with {spare} to spare."
    return tensors


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.1%}" if whole else "0 %"
