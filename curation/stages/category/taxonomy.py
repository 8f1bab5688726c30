"""The 20 topics, and what a record's own tag means among them: data, in `taxonomy.yaml`."""

import functools
import importlib.resources
import itertools
import re
from dataclasses import dataclass

import yaml

TAG_WINDOW = 500  # characters of a tag that are read: more is no tag
PARTS = re.compile(r"[\n,;:/|&+.，、；：。]|\s-\s")
#: Words between phrases with a head each: "philosophy of science" is philosophy.
BREAKS = ("of", "in", "on", "for", "and", "about", "与", "和", "及")
DENIAL = re.compile(r"\b(?:not|no|without|unrelated)\b|无关|不是|不属于", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Topic:
    """One of the 20 topics. tags: words of a record's own category that mean it."""

    name: str
    chinese: str
    description: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """The topics in the order that breaks ties; tags that give way; phrases that name no topic."""

    topics: tuple[Topic, ...]
    weak: frozenset[str]
    ignore: tuple[str, ...]

    @property
    def names(self) -> list[str]:
        """The names of the topics."""
        return [topic.name for topic in self.topics]


@functools.cache
def taxonomy() -> Taxonomy:
    """The taxonomy shipped with this package."""
    text = importlib.resources.files(__package__).joinpath("taxonomy.yaml").read_text("utf-8")
    document = yaml.safe_load(text)
    topics = (Topic(**topic | {"tags": tuple(topic["tags"])}) for topic in document["topics"])
    return Taxonomy(tuple(topics), frozenset(document["weak"]), tuple(document["ignore"]))


def normalise_tag(text: str) -> str | None:
    """The topic that a record's own category means, or None.

    The first of its parts that names a topic decides, and in that part the last word or phrase of
    the tag table: "business law" is law. What is not in the table ("Category tag:", numbers,
    quotes, tasks such as "Brainstorming") is passed over, and so is a part that denies.
    """
    pattern, names = _tag_table()
    for part in PARTS.split(text[:TAG_WINDOW]):
        found = [match[0].lower() for match in pattern.finditer(" ".join(part.split()))]
        for _, phrase in itertools.groupby(found, BREAKS.__contains__):
            tags = [tag for tag in phrase if names[tag]]
            if tags and not DENIAL.search(part):
                return names[([tag for tag in tags if tag not in taxonomy().weak] or tags)[-1]]
    return None


@functools.cache
def _tag_table() -> tuple[re.Pattern[str], dict[str, str | None]]:
    """A pattern of all tags, longest first, and what each means; None for ignored phrases."""
    names: dict[str, str | None] = {phrase.lower(): None for phrase in taxonomy().ignore}
    names |= dict.fromkeys(BREAKS)
    names |= {tag: topic.name for topic in taxonomy().topics for tag in topic.tags}
    longest_first = sorted(names, key=len, reverse=True)
    words = "|".join(
        rf"(?<![a-z]){re.escape(tag)}(?![a-z])" if tag.isascii() else re.escape(tag)
        for tag in longest_first
    )
    return re.compile(words, re.IGNORECASE), names
