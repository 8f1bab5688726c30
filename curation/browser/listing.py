"""What the pages over many records show: overview, records, clusters."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from curation.browser.index import Rows
from curation.browser.library import Library
from curation.browser.marking import Part, excerpt, finder
from curation.browser.view import FACETS, ORDERS, View, spoken
from curation.outputs.reasons import place
from curation.outputs.withheld import redacted

#: Records of a page, and clusters of one.
PAGE = 50
#: Values of a facet that are shown before one has to ask for more.
_FIRST = 8
#: Characters of a message that a list reads: looking for personal data takes a second for 10^6.
_LONG = 200_000
#: Said where a search found what is not shown.
HIDDEN = "what was searched for stands in personal data, which is not shown"


@dataclass(frozen=True, slots=True)
class Line:
    """A record of a list."""

    id: str
    source: str
    outcome: str
    stage: str
    reason: str
    category: str
    quality: float | None
    tokens: int | None
    rounds: int | None
    excerpts: list[tuple[str, list[Part]]]  # role, text


@dataclass(frozen=True, slots=True)
class Facet:
    """A filter: its values with the records each would show, and the link to it."""

    name: str
    chosen: str
    first: list[tuple[str, int, str]]
    more: list[tuple[str, int, str]]
    without: str


def listing(library: Library, view: View) -> dict[str, Any]:
    """The page of a view: its lines, its filters, and the way to other pages."""
    selection = library.selection(view)
    total = len(selection.rows)
    pages = max(math.ceil(total / PAGE), 1)
    problems = [*view.problems, *_unknown(library, view)]
    if view.page > pages:
        problems.append(f"There is no page {view.page:,}; this is the last.")
        view = view.at(pages)
    first = (view.page - 1) * PAGE
    shown = selection.rows[first : first + PAGE]
    return {
        "view": view,
        "problems": problems,
        "total": total,
        "first": first + 1,
        "last": first + len(shown),
        "pages": pages,
        "lines": lines(library, shown, view.search),
        "facets": [
            _facet(view, name, selection.facets[name])
            for name in FACETS
            if name != "split" or len(library.index.facets["split"].values) > 1
        ],
        "orders": ORDERS,
        "ranges": {name: (least, most) for name, least, most in view.ranges},
        "hidden": _hidden(view),
    }


def lines(library: Library, records: Rows, term: str) -> list[Line]:
    """The lines of some records."""
    return [_line(library, int(record), term) for record in records]


def overview(library: Library) -> dict[str, Any]:
    """What the corpus holds, every number a way to its records."""
    counts = library.manifest.counts
    names = ("records", "kept", "dropped", "quarantined")
    selection = library.selection(View())
    by_stage = {
        stage: library.selection(View().having("stage", stage)).facets["reason"]
        for stage in selection.facets["stage"]
    }
    return {
        "description": library.manifest.recipe.description,
        "counts": counts,
        "totals": {name: sum(getattr(one, name) for one in counts) for name in names},
        "reasons": [
            (stage, reason, n) for stage, found in by_stage.items() for reason, n in found.items()
        ],
        "facets": selection.facets,
        "clusters": len(library.clusters()[0]),
        "view": View(),
    }


def clusters(library: Library, page: int) -> dict[str, Any]:
    """The clusters of duplicates, largest first."""
    kept, sizes = library.clusters()
    pages = max(math.ceil(len(kept) / PAGE), 1)
    page = min(page, pages)
    shown = slice((page - 1) * PAGE, page * PAGE)
    return {
        "page": page,
        "pages": pages,
        "total": len(kept),
        "clusters": [
            (line, int(size), _sources(library, int(record)))
            for line, size, record in zip(
                lines(library, kept[shown], ""), sizes[shown], kept[shown], strict=True
            )
        ],
    }


def _sources(library: Library, kept: int) -> dict[str, int]:
    members = np.zeros(library.index.size, bool)
    members[library.index.duplicates(kept)] = members[kept] = True
    return library.index.columns["source"].counts(members)


def _line(library: Library, record: int, term: str) -> Line:
    decision = library.index.decision(record)
    numbers = {name: float(column[record]) for name, column in library.index.numbers.items()}
    known = {name: None if math.isnan(n) else n for name, n in numbers.items()}
    category = library.index.columns["category"].value(record)
    return Line(
        decision["id"],
        decision["source"],
        decision["outcome"],
        decision["stage"] or "",
        decision["reason"] or "",
        category,
        known["quality"],
        None if known["tokens"] is None else int(known["tokens"]),
        None if known["rounds"] is None else int(known["rounds"]),
        _excerpts(library, record, decision, term),
    )


def _excerpts(
    library: Library, record: int, decision: dict[str, Any], term: str
) -> list[tuple[str, list[Part]]]:
    """A record's first question and answer, or the message that was searched for beside one."""
    messages = library.texts.messages(record)
    if not messages:
        return [("place", [Part("", place(decision))])]
    said = [m for m in messages if m.role != "system"] or messages
    pattern = finder(library.terms(term))
    first = [(m.role, _clear(library, m.content)) for m in said[:2]]
    hits = [m for m in messages if pattern and pattern.search(m.content)]
    if hits and pattern and not any(pattern.search(text) for _, text in first):
        clear = ((m.role, _clear(library, m.content)) for m in hits)
        found = next((one for one in clear if pattern.search(one[1])), None)
        if found is None:
            return [*_shown(first, pattern), ("note", [Part("gap", HIDDEN)])]
        first[1:] = [found]
    return _shown(first, pattern)


def _shown(
    texts: Sequence[tuple[str, str]], pattern: re.Pattern[str] | None
) -> list[tuple[str, list[Part]]]:
    return [(role, excerpt(text, pattern)) for role, text in texts]


def _clear(library: Library, text: str) -> str:
    """A text without personal data: found in all of it, as a part may hide what it is a part of."""
    if len(text) > _LONG:
        return f"[{len(text):,} characters: open the record to read them]"
    return str(redacted(text, library.privacy))


def _unknown(library: Library, view: View) -> list[str]:
    """A sentence for each filter that no record can pass."""
    found = [
        f"No record of this corpus has {name} “{spoken(name, value)[:40]}”."
        for name, value in view.filters
        if value not in library.index.facets[name].values
    ]
    if view.cluster and library.index.find(view.cluster) is None:
        found.append(f"No record of this corpus is “{view.cluster[:40]}”.")
    return found


def _facet(view: View, name: str, counts: dict[str, int]) -> Facet:
    chosen = view.value(name)
    values = [
        (value, n, view.having(name, "" if value == chosen else value).query())
        for value, n in counts.items()
    ]
    first = values if len(values) <= _FIRST + 2 else values[:_FIRST]
    more = values[len(first) :]
    if any(value == chosen for value, _, _ in more):
        first, more = values, []
    return Facet(name, chosen, first, more, view.having(name, "").query())


def _hidden(view: View) -> list[tuple[str, str]]:
    """What the form carries along: the filters, which are links."""
    return [*view.filters, *([("cluster", view.cluster)] if view.cluster else [])]
