"""The 20 topics, and what a record's own tag means among them: data, in `taxonomy.yaml`."""

import functools
import importlib.resources
import re
from dataclasses import dataclass

import yaml

TAG_WINDOW = 500  # characters of a tag that are read: more is no tag


@dataclass(frozen=True, slots=True)
class Topic:
    """One of the 20 topics. tags: words of a record's own category that mean it."""

    name: str
    chinese: str
    description: str
    tags: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Taxonomy:
    """The topics in the order that breaks ties, and the phrases that speak for none of them."""

    topics: tuple[Topic, ...]
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
    return Taxonomy(tuple(topics), tuple(document["ignore"]))


def normalise_tag(text: str) -> str | None:
    """The topic that a record's own category means, or None.

    The first word or phrase of the tag table decides; what is not in it ("Category tag:", numbers,
    quotes, tasks such as "Brainstorming") is passed over.
    """
    pattern, names = _tag_table()
    beginning = " ".join(text[:TAG_WINDOW].split())
    found = (names[match[0].lower()] for match in pattern.finditer(beginning))
    return next(filter(None, found), None)


@functools.cache
def _tag_table() -> tuple[re.Pattern[str], dict[str, str | None]]:
    """A pattern of all tags, longest first, and what each means; None for ignored phrases."""
    names: dict[str, str | None] = {phrase.lower(): None for phrase in taxonomy().ignore}
    names |= {tag: topic.name for topic in taxonomy().topics for tag in topic.tags}
    longest_first = sorted(names, key=len, reverse=True)
    words = "|".join(
        rf"(?<![a-z]){re.escape(tag)}(?![a-z])" if tag.isascii() else re.escape(tag)
        for tag in longest_first
    )
    return re.compile(words, re.IGNORECASE), names
