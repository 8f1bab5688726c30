"""`python -m finetune.chat ADAPTER`: talk to a fine-tuned model, in the terminal or on a page."""

from pathlib import Path

import click

from finetune.chatting.text import printable
from finetune.console import main, needs


@click.command("finetune.chat")
@click.argument("adapter", type=click.Path(path_type=Path))
@click.option("--base", help="Directory or Hub id of the base model, if not the recipe's.")
@click.option(
    "--quantization",
    type=click.Choice(["nf4", "fp4", "none"]),
    help="How the base model is held; default: as in training.",
)
@click.option("--system", default="", help="System text of every conversation.")
@click.option("--max-new-tokens", type=click.IntRange(1), default=1024, show_default=True)
@click.option(
    "--temperature",
    type=click.FloatRange(0, 5),
    default=0.7,
    show_default=True,
    help="0: always the likeliest token.",
)
@click.option("--top-p", type=click.FloatRange(0, 1, min_open=True), default=0.9, show_default=True)
@click.option("--seed", type=click.IntRange(0, 2**53 - 1), default=42, show_default=True)
@click.option("--compare", is_flag=True, help="In the terminal: base and adapter both answer.")
@click.option("--web", is_flag=True, help="A page on this machine, base and adapter side by side.")
@click.option("--port", type=click.IntRange(1, 65535), help="Of the page; default: a free one.")
def command(
    adapter: Path,
    base: str | None,
    quantization: str | None,
    system: str,
    compare: bool,
    web: bool,
    port: int | None,
    **sampling: float,
) -> None:
    """Talk to the adapter in the directory ADAPTER.

    In a terminal, answers come token by token; /help lists the commands and Ctrl-C stops an answer.
    From a pipe, each line is a question of one conversation, but for lines that are a command.
    """
    if port and not web:
        raise click.UsageError("--port is the page's: add --web")
    with needs("finetune"):
        from finetune.chatting.answering import Sampling, open_adapter
        from finetune.chatting.terminal import ADAPTER, BASE, Session, talk
    if web:
        with needs("app"):
            from finetune.chatting.page import serve
    answerer = open_adapter(adapter, quantization=quantization, base=base)
    system = printable(system).strip()
    how = Sampling(**sampling)  # type: ignore[arg-type]  # click has checked the types
    if web:
        serve(answerer, how, system, port)
    else:
        models = (BASE, ADAPTER) if compare else (ADAPTER,)
        talk(Session(answerer, how, system, models, name=compare))


if __name__ == "__main__":
    main(command)
