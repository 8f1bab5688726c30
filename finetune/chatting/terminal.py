"""The conversation in a terminal, or line by line from a pipe."""

import io
import sys
from collections.abc import Callable
from dataclasses import dataclass, field

from finetune.chatting.answering import Answerer, Sampling
from finetune.chatting.dialogue import Dialogue
from finetune.chatting.text import printable
from finetune.console import err
from schemas.errors import AuroraError

HELP = """\
/new            forget the conversation
/system [TEXT]  set the system text and begin anew; without TEXT: none
/base           switch the adapter off, or on again
/help           this list
/quit           end; Ctrl-D too
//TEXT          ask TEXT with one / before it
Ctrl-C stops an answer. In a pipe, any other line that begins with / is a question as it stands."""

CUT = 4095  # bytes of a line that a terminal of Linux gives; it drops the rest without a word

ADAPTER, BASE = "adapter", "base"


@dataclass
class Session:
    """A conversation under way. Both models have their own history: they said different things."""

    answerer: Answerer
    sampling: Sampling
    system: str = ""
    models: tuple[str, ...] = (ADAPTER,)  # who answers
    name: bool = False  # say before each answer whose it is
    dialogues: dict[str, Dialogue] = field(default_factory=dict)

    def ask(self, question: str) -> None:
        """Let every model answer, on the terminal."""
        for model in self.models:
            if self.name:
                err.print(f"{model}:", style="dim")
            self._ask(question, model)

    def _ask(self, question: str, model: str) -> None:
        dialogue = self.dialogues.get(model, Dialogue(self.system))
        fitted = self.answerer.fit(dialogue, question, self.sampling)
        if fitted.forgotten:
            notice(
                f"the conversation got too long; rounds gone, the oldest first: {fitted.forgotten}"
            )
        said: list[str] = []
        pieces = self.answerer.answer(fitted, self.sampling, base=model == BASE)
        try:
            for piece in pieces:
                said.append(piece)
                show(piece)
        except KeyboardInterrupt:
            notice("stopped")
        finally:
            pieces.close()
            show("\n")
        self.dialogues[model] = fitted.dialogue.then(question, "".join(said))

    def restart(self, system: str) -> None:
        """Forget what was said."""
        self.system, self.dialogues = system, {}

    def switch(self) -> None:
        """Let the other model answer from now on; it has read what the first one said."""
        (now,) = self.models
        other = BASE if now == ADAPTER else ADAPTER
        self.dialogues = {other: self.dialogues.get(now, Dialogue(self.system))}
        self.models = (other,)


def show(text: str) -> None:
    """Write to standard output at once: rich would wrap and wait for whole lines."""
    sys.stdout.write(printable(text))
    sys.stdout.flush()


def notice(text: str) -> None:
    """Tell the person, not the program that reads the answers."""
    err.print(f"({printable(text)})", style="dim", soft_wrap=True)


def talk(session: Session) -> None:
    """Read questions until the input ends. A pipe holds one per line; empty lines are passed."""
    for stream in (sys.stdin, sys.stdout):
        if isinstance(stream, io.TextIOWrapper):  # bytes that are no text, an ASCII terminal
            stream.reconfigure(errors="replace")
    person = sys.stdin.isatty()
    read = _reader(person)
    if person:
        err.print("/help lists the commands.", style="dim")
    while (line := _read(read)) is not None:
        try:
            if line and not _respond(session, line, person=person):
                return
        except AuroraError as error:
            if not person:
                raise
            notice(str(error))


def _reader(person: bool) -> Callable[[], str]:
    """How to read a line: from a pipe, with an editor on a terminal, or on half a terminal."""
    if not person:
        return input
    if sys.stdout.isatty():
        try:
            import readline  # noqa: F401 - `input` uses it: any length, wide characters
        except ImportError:
            pass
        else:
            return lambda: input("> ")
    return _plain


def _plain() -> str:
    """A line of a terminal without an editor; standard output is for answers alone."""
    err.print("> ", end="")
    line = input()
    if len(line.encode("utf-8", "replace")) < CUT:
        return line
    notice(f"the terminal cuts a line at {CUT} bytes: this one is not asked; send it by a pipe")
    return ""


def _read(read: Callable[[], str]) -> str | None:
    """The next line without blanks around it; None at the end of the input."""
    try:
        return printable(read()).strip()
    except EOFError:
        return None
    except KeyboardInterrupt:
        err.print()
        notice("/quit or Ctrl-D ends")
        return ""


def _respond(session: Session, line: str, *, person: bool) -> bool:
    """Carry out a command or ask a question; False ends the conversation."""
    name, _, rest = line.partition(" ")
    if name == "/quit":
        return False
    if command := COMMANDS.get(name):
        command(session, rest.strip())
    elif not person or not line.startswith("/"):  # what a pipe holds is not mistyped
        session.ask(line)
    elif line.startswith("//"):
        session.ask(line[1:])
    else:
        notice(f"{name}: no such command; /help lists them, and // begins a question with /")
    return True


def _new(session: Session, _rest: str) -> None:
    session.restart(session.system)
    notice("a new conversation")


def _system(session: Session, text: str) -> None:
    session.restart(text)
    notice(f"a new conversation under: {text}" if text else "a new conversation, no system text")


def _base(session: Session, _rest: str) -> None:
    if len(session.models) > 1:
        notice("both answer already")
        return
    session.switch()
    notice(f"now answering: {session.models[0]}")


def _help(_session: Session, _rest: str) -> None:
    err.print(HELP)


COMMANDS: dict[str, Callable[[Session, str], None]] = {
    "/new": _new,
    "/system": _system,
    "/base": _base,
    "/help": _help,
}
