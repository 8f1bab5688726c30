"""How the commands of this package meet a person: one sentence for an error, never a traceback."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NoReturn

import click
from rich.console import Console

from finetune.quiet import quiet
from schemas.errors import AuroraError

# No markup: what is printed is corpus, model and recipe text.
out = Console(highlight=False, markup=False, emoji=False)
err = Console(stderr=True, highlight=False, markup=False, emoji=False)


def main(command: click.Command, arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a click command and exit with its code; errors become a sentence on standard error."""
    quiet()
    sys.exit(_run(command, arguments))


def _run(command: click.Command, arguments: Sequence[str] | None) -> int:
    name = command.name or "finetune"
    try:
        return int(command.main(arguments, prog_name=name, standalone_mode=False) or 0)
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except (click.Abort, KeyboardInterrupt):
        err.print(f"{name}: interrupted; repeat the command to go on", soft_wrap=True)
        return 130
    except AuroraError as error:
        err.print(f"{name}: {error}", soft_wrap=True)
        return error.exit_code
    except OSError as error:  # a full disk, a lost mount
        place = f"{error.filename}: " if error.filename else ""
        err.print(
            f"{name}: {place}{error.strerror or error}; mend that and repeat the command",
            soft_wrap=True,
        )
        return 1


@contextmanager
def needs(extra: str) -> Iterator[None]:
    """Around the imports of what an extra provides: says what to install where it is missing."""
    try:
        yield
    except ImportError as error:
        problem = "is not installed" if isinstance(error, ModuleNotFoundError) else "does not fit"
        raise AuroraError(
            f"{error.name or error} {problem}; this needs: "
            f"pip install torch==2.13.0 && pip install 'aurora-zh[{extra}]'"
        ) from error
