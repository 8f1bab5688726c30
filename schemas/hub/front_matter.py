"""Two front matters of one card: ours, and what others wrote on the Hub."""

from collections.abc import Collection

import yaml

from schemas.strict_yaml import YAML_ERRORS

#: Lists of the Hub's card format whose entries are named, and stay by name.
_NAMED = ("configs", "dataset_info")
#: Others' metadata stays as written: a value that YAML 1.1 would read as `False` or 1.1 is `no` or
#: 1.10. So keys and values are nodes with the style that they were written in.
_Map = dict[str, tuple[yaml.Node, yaml.Node]]


def split(card: str) -> tuple[str, str]:
    """Front matter, without its lines `---`, and body. The first is empty where there is none."""
    text = card.replace("\r\n", "\n")
    first, *lines = text.removeprefix("\ufeff").lstrip().split("\n")
    ends = (number for number, line in enumerate(lines) if line.rstrip(" \t") == "---")
    end = next(ends, None)
    if first.rstrip(" \t") != "---" or end is None:
        return "", text
    return "".join(f"{line}\n" for line in lines[:end]), "\n".join(lines[end + 1 :])


def merged(ours: str, theirs: str, keys: Collection[str]) -> tuple[str, list[str]]:
    """Our front matter with what is not ours of theirs, and the keys of theirs that do not stay.

    keys: what we may write; what we left out of it this time goes. Of `tags` all stay, and of
    `configs` and `dataset_info` the entries by other names than ours. Raises ValueError where
    theirs is no mapping.
    """
    own, other = _mapping(ours), _mapping(theirs)
    added = {key: pair for key, pair in other.items() if key not in keys and key not in own}
    for key in [key for key in other if key not in added]:
        if more := _more(key, own, other):
            name = own.get(key, other[key])[0]
            added[key] = name, yaml.SequenceNode("tag:yaml.org,2002:seq", more)
    same = {key for key in own if key in other and _plain(own[key][1]) == _plain(other[key][1])}
    replaced = [key for key in other if key not in added and key not in same and key != "tags"]
    if not added:
        return ours, replaced
    result = yaml.MappingNode("tag:yaml.org,2002:map", list((own | added).values()))
    text = yaml.serialize(result, Dumper=yaml.BaseDumper, allow_unicode=True, width=10_000)
    return str(text), replaced


def _mapping(text: str) -> _Map:
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, yaml.BaseLoader)):
            raise ValueError  # a few lines of them can stand for gigabytes
        found = yaml.compose(text, yaml.BaseLoader)
    except YAML_ERRORS:
        raise ValueError(
            "its metadata between the lines `---` is no YAML, or has aliases (`*`)"
        ) from None
    if found is None:
        return {}
    if not isinstance(found, yaml.MappingNode):
        raise ValueError("its metadata between the lines `---` is no mapping")
    return _pairs(found)


def _pairs(node: yaml.MappingNode) -> _Map:
    return {str(key.value): (key, value) for key, value in node.value}


def _more(key: str, own: _Map, other: _Map) -> list[yaml.Node]:
    """Our entries of a list and those of others, where they have some that are not ours."""
    if key not in ("tags", *_NAMED):
        return []
    name = _named if key in _NAMED else _plain
    here = _entries(own[key][1]) if key in own else []
    known = {name(one) for one in here} or {"default"}
    foreign = [one for one in _entries(other[key][1]) if name(one) not in known]
    return [_with_name(one) for one in [*here, *foreign]] if foreign else []


def _entries(node: yaml.Node) -> list[yaml.Node]:
    """Entries of a list; the only one may be without it."""
    return node.value if isinstance(node, yaml.SequenceNode) else [node]


def _named(node: yaml.Node) -> str:
    pairs = _pairs(node) if isinstance(node, yaml.MappingNode) else {}
    return str(pairs["config_name"][1].value) if "config_name" in pairs else "default"


def _with_name(node: yaml.Node) -> yaml.Node:
    """The only entry may be without a name, but not one of many."""
    if not isinstance(node, yaml.MappingNode) or "config_name" in _pairs(node):
        return node
    text = "tag:yaml.org,2002:str"
    name = yaml.ScalarNode(text, "config_name"), yaml.ScalarNode(text, "default")
    return yaml.MappingNode(node.tag, [name, *node.value])


def _plain(node: yaml.Node) -> str:
    """For comparing: what a node says, however it is written."""
    if isinstance(node, yaml.ScalarNode):
        return repr(node.value)
    below = node.value if isinstance(node, yaml.SequenceNode) else sum(node.value, ())
    return f"{node.tag}({', '.join(map(_plain, below))})"
