"""One licence for weights that were trained on rows of several."""

from collections.abc import Sequence
from dataclasses import dataclass

#: Families from free to strict. A licence belongs to the last one whose sign its name contains.
_FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("asks for nothing", ("cc0", "unlicense", "pddl")),
    ("asks for attribution", ("mit", "bsd", "isc", "apache", "cc-by", "odc-by", "cdla-permissive")),
    ("asks to share alike", ("-sa", "gpl", "odbl", "mpl", "cdla-sharing")),
    ("excludes commercial use", ("-nc",)),
    ("excludes changed versions", ("-nd",)),
)


@dataclass(frozen=True, slots=True)
class Combined:
    """The licence for the card's front matter; `name` is set where `license` is `other`."""

    license: str
    name: str | None
    why: str


def combine(licenses: Sequence[str]) -> Combined:
    """The strictest of the data's licences; `other` where one is not known to us.

    A rule of caution, no legal advice: whether weights inherit the licence of their data is open.
    """
    found = sorted({one.strip().lower() for one in licenses})
    unknown = [one for one in found if _family(one) is None]
    if not found or unknown:
        named = ", ".join(unknown) or "none given"
        return Combined(
            "other", "unknown-data-license", f"of some rows the terms are not known ({named})"
        )
    strictest = max(found, key=lambda one: (_family(one), len(one), one))
    reason = _FAMILIES[_family(strictest) or 0][0]
    if len(found) == 1:
        return Combined(strictest, None, f"all rows are under {strictest}, which {reason}")
    return Combined(strictest, None, f"the strictest of the rows' licences ({reason})")


def _family(license_: str) -> int | None:
    """Index of its family; the last whose sign is in the name."""
    signs = [
        index
        for index, (_, names) in enumerate(_FAMILIES)
        if any(license_.startswith(name) or (name[0] == "-" and name in license_) for name in names)
    ]
    return signs[-1] if signs else None
