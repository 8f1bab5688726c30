"""One licence for a corpus of rows under several, and for weights that were trained on it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

_CONDITIONS = {
    "by": "attribution",
    "sa": "sharing alike",
    "nc": "no commercial use",
    "nd": "no changed versions",
}
#: Ids that the Hub knows → what they ask for; of those that ask for the same, the one with the most
#: to do for it comes last. What is not here is not judged.
_LICENSES: dict[str, frozenset[str]] = {
    license_: frozenset(conditions.split())
    for conditions, licenses in (
        ("", "cc0-1.0 pddl unlicense wtfpl"),
        ("by", "zlib isc mit bsd bsd-2-clause bsd-3-clause ncsa apache-2.0"),
        ("by", "cdla-permissive-2.0 cdla-permissive-1.0 odc-by"),
        ("by", "cc-by-2.0 cc-by-2.5 cc-by-3.0 cc-by-4.0"),
        ("by sa", "cc-by-sa-3.0 cc-by-sa-4.0 cdla-sharing-1.0 odbl mpl-2.0 gfdl"),
        ("by sa", "gpl gpl-2.0 gpl-3.0 lgpl lgpl-2.1 lgpl-3.0 agpl-3.0"),
        ("by nc", "cc-by-nc-2.0 cc-by-nc-3.0 cc-by-nc-4.0"),
        ("by nc sa", "cc-by-nc-sa-2.0 cc-by-nc-sa-3.0 cc-by-nc-sa-4.0"),
        ("by nd", "cc-by-nd-4.0"),
        ("by nc nd", "cc-by-nc-nd-3.0 cc-by-nc-nd-4.0"),
    )
    for license_ in licenses.split()
}
#: Of these versions the GPL and the LGPL take no text under Apache's terms; those without a
#: version may be these.
_WITHOUT_APACHE = {"gpl", "gpl-2.0", "lgpl", "lgpl-2.1"}
_ALIASES = {
    "mit license": "mit",
    "apache 2.0": "apache-2.0",
    "apache license 2.0": "apache-2.0",
    "cc0": "cc0-1.0",
    "odc-by-1.0": "odc-by",
    "odbl-1.0": "odbl",
    "pddl-1.0": "pddl",
}


@dataclass(frozen=True, slots=True)
class Combined:
    """The licence for a card's front matter, and why.

    name: the Hub's `license_name`, set where `license` is `other`. unknown: those of the licences,
    as they were written, whose terms are not known.
    """

    license: str
    name: str | None
    why: str
    unknown: tuple[str, ...] = ()


def combine(licenses: Iterable[str]) -> Combined:
    """The one of the rows' licences that asks for all that any of them asks for, else `other`.

    Of several that ask for the same, the one with the most to do for it: a notice (mit), a notice
    and named changes (apache-2.0), the same made for texts and data (cc-by-4.0). Licences that ask
    to share alike each name themselves for that, those that allow no changes allow no mixing, and
    the GPL 2 refuses Apache's terms: all these make `other`, too.
    A single licence whose terms are not known stands for all under its own name. A rule of
    caution, no legal advice: whether weights inherit the licence of their data is open.
    """
    written = sorted({one.strip() for one in licenses})
    found = sorted({known_as(one) for one in written})
    unknown = tuple(one for one in written if known_as(one) not in _LICENSES)
    if not found or unknown:
        return _not_judged(found, unknown)
    asked = frozenset[str]().union(*(_LICENSES[one] for one in found))
    if len(found) == 1:
        return Combined(found[0], None, f"the licence of every row; it asks for {_named(asked)}")
    why = f"together the licences of the rows ask for {_named(asked)}"
    fitting = [one for one in found if _LICENSES[one] == asked]
    if not fitting or not _mix(found):
        why += f", and none of them stands for all ({', '.join(found)})"
        return Combined("other", "combined-data-licenses", why)
    strictest = max(fitting, key=list(_LICENSES).index)
    if len(fitting) > 1:
        return Combined(strictest, None, f"{why}, and of those that do, {strictest} is strictest")
    return Combined(strictest, None, f"{why}, and {strictest} is the one that asks for all of it")


def _mix(found: list[str]) -> bool:
    """Whether texts under these licences, all different, may become one work under one of them."""
    alike = [one for one in found if "sa" in _LICENSES[one]]
    forbidden = any("nd" in _LICENSES[one] for one in found)
    refused = "apache-2.0" in found and not _WITHOUT_APACHE.isdisjoint(found)
    return len(alike) <= 1 and not forbidden and not refused


def known_as(license_: str) -> str:
    """A licence's id on the Hub, where we know one; else the text itself in lower case."""
    lower = license_.strip().lower()
    return _ALIASES.get(lower, lower)


def _not_judged(found: list[str], unknown: tuple[str, ...]) -> Combined:
    name = "unknown-data-license"
    own = found[0].replace(" ", "-") if len(found) == 1 else ""
    # A sign that no name may have is not left out: `openrail++` is not `openrail`.
    if re.fullmatch(r"[a-z0-9]+([.-]+[a-z0-9]+)*", own) and own not in ("unknown", "other"):
        name = own
    why = f"of some rows the terms are not known ({', '.join(unknown) or 'none given'})"
    if judged := [_LICENSES[one] for one in found if one in _LICENSES]:
        why += f"; the others ask for {_named(frozenset[str]().union(*judged))}"
    return Combined("other", name, why, unknown)


def _named(conditions: frozenset[str]) -> str:
    return ", ".join(text for key, text in _CONDITIONS.items() if key in conditions) or "nothing"
