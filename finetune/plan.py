"""`python -m finetune.plan --config FILE`: what a training run will take, without a GPU."""

import json
import math
from typing import TYPE_CHECKING

import click

from finetune.console import main, needs, out
from schemas.errors import AuroraError

if TYPE_CHECKING:
    from finetune.planning.tokens import Tokens
    from finetune.recipe import TrainingRecipe


def _finite(_: click.Context, option: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.BadParameter("must be a finite number", param=option)
    return value


@click.command("finetune.plan")
@click.option(
    "--config",
    required=True,
    help="Training recipe: a YAML file, or a shipped one by name: aurora, recommended, tiny.",
)
@click.option(
    "--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change one key of the recipe."
)
@click.option("--gpu", help='GPU to compare with, such as "H100 80GB" or "RTX 4090".')
@click.option(
    "--memory",
    type=click.FloatRange(0, min_open=True),
    callback=_finite,
    help="Or its memory in GiB.",
)
@click.option("--gpus", type=click.IntRange(1), default=1, show_default=True, help="How many.")
@click.option(
    "--tokens-per-second",
    type=click.FloatRange(0, min_open=True),
    callback=_finite,
    help="Measured speed of all GPUs together; training.json has one. Adds the time.",
)
@click.option("--memory-only", is_flag=True, help="Leave the corpus alone: memory, no steps.")
@click.option("--json", "as_json", is_flag=True, help="For programs; sizes in bytes.")
def command(
    config: str,
    changes: tuple[str, ...],
    gpu: str | None,
    memory: float | None,
    gpus: int,
    tokens_per_second: float | None,
    memory_only: bool,
    as_json: bool,
) -> None:
    """Count the tokens and steps of a training run and estimate its memory.

    Nothing is trained and no weight is loaded. Ends with code 1 where the run cannot fit the GPU,
    and names the change of the recipe with which it would.
    """
    if gpu and memory:
        raise click.UsageError("--gpu and --memory both name a size: give one")
    with needs("finetune"):
        from finetune.planning import plan as planning
        from finetune.planning.gpus import memory_of
        from finetune.planning.shape import read_shape
        from finetune.planning.tables import tables
        from finetune.recipe import read_recipe
    recipe = read_recipe(config, changes)
    size = memory_of(gpu) if gpu else int(memory * 2**30) if memory else None
    shape = read_shape(recipe)
    tokens = None if memory_only else _tokens(recipe)
    plan = planning.make_plan(recipe, shape, tokens, gpu=size, gpus=gpus, speed=tokens_per_second)
    if as_json:
        click.echo(json.dumps(planning.as_json(plan), ensure_ascii=False))
    else:
        for part in tables(plan):
            out.print(part)
    if not plan.fits:
        raise AuroraError(planning.refusal(plan))


def _tokens(recipe: "TrainingRecipe") -> "Tokens":
    from finetune.base import base_config, template_of
    from finetune.corpus import load_corpus
    from finetune.planning.tokens import count_tokens
    from finetune.rendering import choose_renderer
    from finetune.rendering.cache import default_cache
    from finetune.training.checks import check_parts, check_validation

    corpus = load_corpus(recipe.data, recipe.data_revision)
    check_validation(recipe, corpus)
    template, tokenizer = template_of(recipe.template, base_config(recipe)), None
    if template == "tokenizer":
        from finetune.model import load_tokenizer

        tokenizer = load_tokenizer(recipe)
    renderer = choose_renderer(template, tokenizer)
    for rows in (corpus.validation if recipe.eval_steps else None, corpus.train):
        if rows is not None:
            tokens = count_tokens(rows, renderer, recipe, default_cache())
            check_parts(recipe, tokens.account.parts)
    return tokens


if __name__ == "__main__":
    main(command)
