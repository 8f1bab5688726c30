"""Two front matters of one card: ours, and what others wrote on the Hub."""

import re
from collections.abc import Collection
from typing import Any

import yaml

from schemas.strict_yaml import YAML_ERRORS

_MATTER = re.compile(r"\ufeff?\s*---[ \t]*\n(.*?\n)??---[ \t]*(?:\n(.*))?", re.DOTALL)
#: Lists of the Hub's card format whose entries are named, and stay by name.
_NAMED = ("configs", "dataset_info")


def split(card: str) -> tuple[str, str]:
    """Front matter, without its lines `---`, and body. The first is empty where there is none."""
    text = card.replace("\r\n", "\n")
    match = _MATTER.fullmatch(text)
    return (match[1] or "", match[2] or "") if match else ("", text)


def merged(ours: str, theirs: str, keys: Collection[str]) -> str:
    """Our front matter with what is not ours of theirs.

    keys: what we may write; what we left out of it this time goes. Of `tags` all stay, and of
    `configs` and `dataset_info` the entries by other names than ours. Raises ValueError where
    theirs is no mapping.
    """
    own, other = _mapping(ours), _mapping(theirs)
    result = own | {k: v for k, v in other.items() if k not in keys and k not in own}
    if isinstance(own.get("tags"), list) and isinstance(other.get("tags"), list):
        result["tags"] = list(dict.fromkeys(map(str, [*own["tags"], *other["tags"]])))
    for key in _NAMED:
        if foreign := _foreign(own.get(key), other.get(key)):
            result[key] = [*_entries(own.get(key)), *foreign]
    if result == own:
        return ours
    return yaml.safe_dump(result, sort_keys=False, allow_unicode=True, width=10_000)


def _mapping(text: str) -> dict[str, Any]:
    try:
        found = yaml.safe_load(text)
    except YAML_ERRORS:
        raise ValueError("its metadata between the lines `---` is no YAML") from None
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise ValueError("its metadata between the lines `---` is no mapping")
    return found


def _entries(value: Any) -> list[dict[str, Any]]:
    """Named entries; the only one may be without a list and a name."""
    listed = value if isinstance(value, list) else [value]
    return [{"config_name": "default", **one} for one in listed if isinstance(one, dict)]


def _foreign(own: Any, other: Any) -> list[dict[str, Any]]:
    names = [one["config_name"] for one in _entries(own)] or ["default"]
    return [one for one in _entries(other) if one["config_name"] not in names]
