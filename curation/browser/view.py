"""What a person asked to see, as it stands in a URL: search, filters, order, page."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlencode

from curation.outputs.reasons import OUTCOMES

#: Filters, in the order they are shown.
FACETS = (
    "outcome",
    "source",
    "split",
    "stage",
    "reason",
    "category",
    "rounds",
    "language",
    "script",
    "pii",
    "rule",
)
#: What a person reads of a filter, where that is another word.
_NAMES = {"rule": "edited by rule", "pii": "personal data found"}
#: Orders, and what a person reads of each.
ORDERS = {
    "": "as in the input",
    "quality": "lowest quality first",
    "-quality": "highest quality first",
    "tokens": "fewest tokens first",
    "-tokens": "most tokens first",
    "-rounds": "most rounds first",
}
#: Ranges: the least and the greatest value of a number that is shown.
RANGES = ("quality", "tokens")
#: Characters of a search.
LONGEST = 200


@dataclass(frozen=True, slots=True)
class View:
    """Which records, in which order. `page` counts from 1.

    ranges: the number's name, its least and greatest value as they were typed, or nothing.
    """

    search: str = ""
    filters: tuple[tuple[str, str], ...] = ()
    ranges: tuple[tuple[str, str, str], ...] = ()
    cluster: str = ""
    order: str = ""
    page: int = 1
    problems: tuple[str, ...] = field(default=(), compare=False)

    def value(self, facet: str) -> str:
        """The value a facet is filtered by, or nothing."""
        return dict(self.filters).get(facet, "")

    def having(self, facet: str, value: str) -> "View":
        """The same view with a facet's filter set, or without it where `value` is empty."""
        filters = {**dict(self.filters), facet: value}
        kept = tuple((name, filters[name]) for name in FACETS if filters.get(name))
        return replace(self, filters=kept, page=1)

    def chosen(self) -> list[tuple[str, "View"]]:
        """What the view is narrowed by, for a person, and the view without it."""
        chosen = [
            (f"{spoken(name)}: {spoken(name, value)}", self.having(name, ""))
            for name, value in self.filters
        ]
        first = replace(self, page=1)
        if self.search:
            chosen.append((f"text: {self.search}", replace(first, search="")))
        for one in self.ranges:
            others = tuple(other for other in self.ranges if other != one)
            chosen.append((f"{one[0]}: {_between(*one[1:])}", replace(first, ranges=others)))
        if self.cluster:
            chosen.append((f"cluster: {self.cluster}", replace(first, cluster="")))
        return chosen

    def limits(self) -> Iterator[tuple[str, float, float]]:
        """The ranges as numbers."""
        for name, least, most in self.ranges:
            yield name, float(least or -math.inf), float(most or math.inf)

    def at(self, page: int) -> "View":
        """Another page of the same view."""
        return replace(self, page=page)

    def pairs(self) -> list[tuple[str, str]]:
        """The view as the parameters of a URL."""
        pairs = [("q", self.search)] if self.search else []
        pairs += self.filters
        for name, least, most in self.ranges:
            pairs += [(f"{name}_from", least)] * bool(least)
            pairs += [(f"{name}_to", most)] * bool(most)
        pairs += [("cluster", self.cluster)] if self.cluster else []
        pairs += [("order", self.order)] if self.order else []
        return pairs + ([("page", str(self.page))] if self.page > 1 else [])

    def query(self) -> str:
        """The view as the end of a URL: "" or "?q=…"."""
        return f"?{encoded}" if (encoded := urlencode(self.pairs())) else ""


def parse(parameters: Mapping[str, str]) -> View:
    """The view that a URL asks for. What cannot be is left out, and named in `problems`."""
    problems: list[str] = []
    search = parameters.get("q", "").strip()
    if len(search) > LONGEST:
        search = search[:LONGEST].rstrip()
        problems.append(f"The search is cut after {LONGEST} characters.")
    order = parameters.get("order", "")
    if order not in ORDERS:
        problems.append(f"There is no order {_short(order)}; the records are as in the input.")
        order = ""
    filters = tuple((name, parameters[name][:100]) for name in FACETS if parameters.get(name))
    ranges = (_range(parameters, name, problems) for name in RANGES)
    return View(
        search,
        filters,
        tuple(one for one in ranges if any(one[1:])),
        parameters.get("cluster", "")[:LONGEST],
        order,
        _page(parameters.get("page", ""), problems),
        tuple(problems),
    )


def spoken(name: str, value: str | None = None) -> str:
    """The name of a filter, or a value of it, as a person reads it."""
    if value is None:
        return _NAMES.get(name, name)
    return OUTCOMES.get(value, value) if name == "outcome" else value


def _range(parameters: Mapping[str, str], name: str, problems: list[str]) -> tuple[str, str, str]:
    least = _number(parameters.get(f"{name}_from", ""), name, problems)
    return name, least, _number(parameters.get(f"{name}_to", ""), name, problems)


def _number(text: str, name: str, problems: list[str]) -> str:
    """A number as it was typed; nothing where it is none."""
    typed = text.strip()
    try:
        finite = not typed or math.isfinite(float(typed))
    except ValueError:
        finite = False
    if finite:
        return typed
    problems.append(f"For {name}, {_short(text)} is not a number; it is left out.")
    return ""


def _page(text: str, problems: list[str]) -> int:
    if not text:
        return 1
    if text.isascii() and text.isdigit() and 1 <= len(text) <= 9 and int(text):
        return int(text)
    problems.append(f"There is no page {_short(text)}; this is the first.")
    return 1


def _between(least: str, most: str) -> str:
    return " ".join([f"from {least}"] * bool(least) + [f"to {most}"] * bool(most))


def _short(text: str) -> str:
    return f"“{text[:40]}…”" if len(text) > 40 else f"“{text}”"
