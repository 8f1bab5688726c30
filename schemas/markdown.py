"""Text that is not ours in Markdown that is: it stays text, and breaks no table, fence or mark."""

import re
import unicodedata

from markupsafe import Markup

#: Begins an HTML comment. No text of others may begin one: comments mark a card's sections.
_COMMENT = "<!--"


def one_line(text: object) -> str:
    """Text on one line, without control, direction and other invisible characters."""
    words = " ".join(str(text).split())
    return "".join(c for c in words if unicodedata.category(c)[0] not in "CZ" or c == " ")


def plain(text: object) -> str:
    """Text that Markdown shows as it is, also in a table; the template escapes its HTML."""
    shown = re.sub(r"([\\`*_{}\[\]()#+!|~$])", r"\\\1", one_line(text))
    shown = re.sub(r"^(\d+)\.(?=\s|$)", r"\1\\.", shown)  # no numbered list
    return re.sub(r"^([-=>])", r"\\\1", shown)  # no list, heading or quotation


def code(text: object) -> Markup:
    """An inline code span, also in a table. Markdown shows its `<` and `&` as they are."""
    inner = one_line(text).replace("`", "'").replace("|", r"\|").replace(_COMMENT, "<! --")
    return Markup(f"`{inner or ' '}`")  # noqa: S704


def fenced(text: str, language: str) -> Markup:
    """A code block whose fence is longer than any in the text. No line of it is a mark of ours."""
    text = text.replace(_COMMENT, "<! --")
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return Markup(f"{fence}{language}\n{text.rstrip()}\n{fence}")  # noqa: S704
