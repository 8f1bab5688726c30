"""`python -m finetune.preview`: what the trainer will see, token by token."""

import sys
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import click
import orjson
from rich.table import Table
from rich.text import Text

from finetune.console import err, main, needs, out
from finetune.rendering import IGNORED, Renderer
from finetune.rendering.account import TokenAccount
from finetune.rendering.split import Cut, Limits, Part, account, add
from schemas.errors import AuroraError, RecipeError

if TYPE_CHECKING:
    from datasets import Dataset

    from finetune.recipe import TrainingRecipe

TRAINED, CONTEXT, CONTROL, REPEATED = "green", "default", "bold magenta", "dim cyan"
SHOWN = 5  # conversations on a terminal


class _Setting(NamedTuple):
    renderer: Renderer
    limits: Limits
    revision: str | None  # of the data set that the recipe names


@click.command(name="finetune.preview")
@click.argument("data")
@click.option("--config", help="A training recipe: a YAML file or the name of a shipped one.")
@click.option("--set", "changes", multiple=True, metavar="KEY=VALUE", help="Change a key of it.")
@click.option("--limit", type=click.IntRange(1), help="Conversations to show.")
@click.option("--max-length", type=click.IntRange(1), help="Longest part, in tokens.")
@click.option("--split", type=click.Choice(["train", "validation"]), default="train")
@click.option("--json", "as_json", is_flag=True, help="A line per part, of all conversations.")
def command(
    data: str,
    config: str | None,
    changes: tuple[str, ...],
    limit: int | None,
    max_length: int | None,
    split: str,
    *,
    as_json: bool,
) -> None:
    """Show DATA as tokens: what is learned, what is context, where conversations are split.

    DATA is a directory of `curate run`, its Hub id, or a .parquet or .jsonl file. Without a config:
    Mixtral's own tokenizer and template, and no limit of length.
    """
    setting = _setting(data, config, changes, max_length)
    rows = _rows(data, split, setting.revision)
    if not as_json:
        limit = limit or SHOWN
    if limit:
        rows = rows.select(range(min(limit, len(rows))))
    (_print_json if as_json else _print_tokens)(rows, setting)


def _rows(data: str, split: str, revision: str | None) -> "Dataset":
    from finetune.corpus import load_corpus

    corpus = load_corpus(data, revision)
    rows = corpus.train if split == "train" else corpus.validation
    if rows is None:
        raise AuroraError(f"{data}: has no validation split; `curate run` makes one on request")
    return rows


def _setting(
    data: str, config: str | None, changes: tuple[str, ...], max_length: int | None
) -> _Setting:
    from finetune.recipe import read_recipe
    from finetune.rendering.mistral import mistral_v1

    if config is None:
        if changes:
            raise RecipeError("--set changes a key of a recipe: name one with --config")
        return _Setting(mistral_v1(), Limits(max_length), None)
    recipe = read_recipe(config, changes)
    limits = Limits(recipe.max_length, recipe.too_long, recipe.carry_rounds)
    if max_length:
        limits = replace(limits, max_length=max_length)
    revision = recipe.data_revision if data == recipe.data else None
    return _Setting(_renderer(recipe), limits, revision)


def _renderer(recipe: "TrainingRecipe") -> Renderer:
    from finetune.base import base_config, template_of
    from finetune.rendering import choose_renderer

    template = template_of(recipe.template, base_config(recipe))
    if template == "mistral-v1":
        return choose_renderer(template)
    with needs("finetune"):
        from finetune.model import load_tokenizer
    return choose_renderer(template, load_tokenizer(recipe))


def _cuts(rows: "Dataset", setting: _Setting) -> Iterator[tuple[str, Cut]]:
    from finetune.rendering.cache import cuts

    for ids, done in cuts(rows, setting.renderer, setting.limits):
        yield from zip(ids, done, strict=True)


def _print_json(rows: "Dataset", setting: _Setting) -> None:
    total = account([])
    for identity, one in _cuts(rows, setting):
        total = add(total, account([one]))
        for number, part in enumerate(one.parts):
            line = {"id": identity, "part": number}
            line |= {"input_ids": part.input_ids, "labels": part.labels}
            sys.stdout.buffer.write(orjson.dumps(line) + b"\n")
    sys.stdout.flush()
    _report(total)


def _report(total: TokenAccount) -> None:
    """A line on standard error of what no part holds, where there is any."""
    if total.left_out:
        reasons = ", ".join(f"{count} × {visible(why)}" for why, count in total.left_out.items())
        err.print(
            f"finetune.preview: left out {reasons}; {total.kept:,} of {total.whole:,} tokens kept",
            soft_wrap=True,
        )


def _print_tokens(rows: "Dataset", setting: _Setting) -> None:
    total = account([])
    for identity, one in _cuts(rows, setting):
        total = add(total, account([one]))
        for number, part in enumerate(one.parts):
            title = f"{visible(identity)} · part {number + 1} of {len(one.parts)}"
            out.rule(f"{title} · {len(part.input_ids)} tokens", align="left")
            out.print(coloured(part, setting.renderer), soft_wrap=True)
        for reason in one.left_out:
            out.rule(f"{visible(identity)} · left out: {visible(reason)}", align="left")
    out.print()
    out.print(_legend())
    out.print(account_table(total))


def coloured(part: Part, renderer: Renderer) -> Text:
    """The tokens of a part, every second one underlined so that their borders show."""
    text = Text()
    pieces = renderer.pieces(part.input_ids)
    tokens = zip(pieces, part.input_ids, part.labels, strict=True)
    for position, (piece, token, label) in enumerate(tokens):
        style = _style(token in renderer.control_ids, label, position < part.context)
        text.append(visible(piece), f"{style} underline" if position % 2 else style)
    return text


def _style(control: bool, label: int, repeated: bool) -> str:
    if control:
        return f"{CONTROL} on green" if label != IGNORED else CONTROL
    if label != IGNORED:
        return TRAINED
    return REPEATED if repeated else CONTEXT


def visible(text: str) -> str:
    """`text` with characters that would steer a terminal, or hide, written out."""
    return "".join(map(_visible, text))


def _visible(character: str) -> str:
    if character == "\n":
        return "⏎\n"
    if unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}:
        return f"<U+{ord(character):04X}>"
    return character


def _legend() -> Text:
    entries = [(TRAINED, "learned"), (CONTEXT, "context"), (REPEATED, "repeated from before")]
    legend = Text("every second token is underlined; ")
    for style, meaning in [
        *entries,
        (CONTROL, "control token"),
        (f"{CONTROL} on green", "control token, learned"),
    ]:
        legend.append(meaning, style).append("  ")
    return legend


def account_table(total: TokenAccount) -> Table:
    """Where the tokens went: whole = kept + dropped; seen = kept + repeated."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column()
    table.add_column(justify="right")
    seen = total.kept + total.repeated
    share = f" ({total.trained / seen:.1%} of those seen)" if seen else ""
    lines: Iterable[tuple[str, object]] = [
        ("conversations", total.conversations),
        ("  of these split", total.split),
        ("parts", total.parts),
        ("tokens of all conversations", total.whole),
        ("  kept", total.kept),
        ("  dropped", total.dropped),
        ("tokens seen in training", seen),
        ("  repeated in later parts", total.repeated),
        (f"  learned{share}", total.trained),
        *((f"left out: {visible(why)}", count) for why, count in total.left_out.items()),
    ]
    for name, value in lines:
        table.add_row(name, f"{value:,}")
    return table


if __name__ == "__main__":
    main(command)
