"""What figures are drawn with: escaped SVG elements, and labels that fit the room they have.

Lengths are in units of the drawing, which is 480 wide: it fits a phone, and grows to 36 rem.
"""

from dataclasses import dataclass
from html import escape

from curation.figures.palette import FONT_SIZE, SERIES
from curation.figures.widths import CHARACTERS, width
from curation.text.printable import printable

WIDTH = 480.0
MARGIN = 2.0  # so that no line is cut at the edge
ROW = 21.0  # from one line of text to the next
MARK = 12.0  # side of a legend's square
XMLNS = "http://www.w3.org/2000/svg"
_SHOWN = frozenset(CHARACTERS)


@dataclass(frozen=True, slots=True)
class Figure:
    """A drawing.

    name: file stem. description: what it shows in a sentence, with the main numbers.
    svg: one <svg> element without scripts, style attributes, ids or references.
    """

    name: str
    title: str
    description: str
    svg: str


@dataclass(frozen=True, slots=True)
class Piece:
    """Some elements that take up `height`, drawn from y = 0 on."""

    markup: str
    height: float


def label(value: object) -> str:
    """A value in characters that the bundled font has; others are written as escapes."""
    return "".join(
        c if c in _SHOWN else c.encode("ascii", "backslashreplace").decode()
        for c in printable(value).replace("\n", "\\n").replace("\t", "\\t")
    )


def measured(text: str, *, bold: bool = False) -> float:
    """Width of a label."""
    return width(text, FONT_SIZE, bold=bold)


def shortened(text: str, room: float, *, bold: bool = False) -> str:
    """A label cut so that it fits `room`; `…` stands for the rest."""
    if measured(text, bold=bold) <= room:
        return text
    while text and measured(text + "…", bold=bold) > room:
        text = text[:-1]
    return text + "…"


def element(tag: str, content: str = "", **attributes: object) -> str:
    """An element; `content` is markup. Numbers are rounded, `class_` is the attribute class."""
    pairs = "".join(
        f' {name.rstrip("_").replace("_", "-")}="{escape(_value(value))}"'
        for name, value in attributes.items()
        if value is not None
    )
    return f"<{tag}{pairs}>{content}</{tag}>" if content else f"<{tag}{pairs}/>"


def _value(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)


def tooltip(text: str) -> str:
    """A <title>, which browsers show under the pointer."""
    return element("title", escape(label(text)))


def text(
    x: float,
    y: float,
    value: object,
    *,
    anchor: str | None = None,
    kind: str | None = None,
    room: float = WIDTH,
) -> str:
    """A line of text on the baseline `y`, cut to `room`; then the whole of it is in its <title>.

    anchor: SVG's text-anchor. kind: "bold" or "soft".
    """
    whole = label(value)
    shown = shortened(whole, room, bold=kind == "bold")
    content = escape(shown, quote=False) + (tooltip(whole) if shown != whole else "")
    style = f"d-{kind}" if kind else None
    return element("text", content, x=x, y=y, text_anchor=anchor, class_=style)


def rect(x: float, y: float, w: float, h: float, kind: str, title: str = "") -> str:
    """A rectangle of the colour `kind`."""
    content = tooltip(title) if title else ""
    return element("rect", content, x=x, y=y, width=w, height=h, class_=f"d-{kind}")


def path(d: str, kind: str, title: str = "") -> str:
    """A path of the colour `kind`."""
    return element("path", tooltip(title) if title else "", d=d, class_=f"d-{kind}")


def rule(x1: float, x2: float, y: float) -> str:
    """A thin horizontal line."""
    return path(f"M{_value(x1)} {_value(y)}H{_value(x2)}", "line")


def shifted(x: float, y: float, markup: str) -> str:
    """Markup moved to another place."""
    return element("g", markup, transform=f"translate({_value(x)} {_value(y)})")


def stacked(pieces: list[Piece]) -> Piece:
    """Pieces one below the other."""
    markup, y = [], 0.0
    for piece in pieces:
        markup.append(shifted(0.0, y, piece.markup))
        y += piece.height
    return Piece("".join(markup), y)


def legend(names: list[tuple[str, str]], left: float = 0.0) -> Piece:
    """Squares of (kind, name), as many to a line as fit; kind `outline` is an empty square."""
    parts, x, y = [], left, 0.0
    for kind, name in names:
        room = WIDTH - left - MARK - 6
        shown = shortened(label(name), room)
        taken = MARK + 6 + measured(shown)
        if x > left and x + taken > WIDTH:
            x, y = left, y + ROW
        parts += [rect(x + 1, y + 4, MARK - 2, MARK - 2, kind)]
        parts += [text(x + MARK + 6, y + 15, name, room=room)]
        x += taken + 16
    return Piece("".join(parts), y + ROW + 4)


def series(position: int) -> str:
    """The colour of the value at `position`; the last one for what is grouped."""
    return SERIES[min(position, len(SERIES) - 1)]


def figure(name: str, title: str, description: str, body: Piece) -> Figure:
    """The finished drawing."""
    title, description = label(title), label(description)
    content = element("title", escape(title)) + element("desc", escape(description)) + body.markup
    height = max(body.height, ROW)
    svg = element(
        "svg",
        content,
        xmlns=XMLNS,
        viewBox=" ".join(map(_value, (-MARGIN, -MARGIN, WIDTH + 2 * MARGIN, height + 2 * MARGIN))),
        role="img",
        class_="drawing",
        aria_label=title,
    )
    return Figure(name, title, description, svg)


def framed(figure: Figure, room: float) -> str:
    """The drawing within an empty frame as wide as `room`."""
    box = figure.svg.partition('viewBox="')[2].partition('"')[0]
    width, height = (float(length) for length in box.split()[2:])
    inner = figure.svg.replace(
        "<svg ", f'<svg x="{room}" y="{room}" width="{width}" height="{height}" ', 1
    )
    return element("svg", inner, xmlns=XMLNS, width=width + 2 * room, height=height + 2 * room)


def empty(name: str, title: str) -> Figure:
    """The figure of nothing."""
    note = "There is nothing to show."
    return figure(name, title, note, Piece(text(0.0, 15.0, note, kind="soft"), ROW))
