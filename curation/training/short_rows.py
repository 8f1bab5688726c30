"""Short instructions to learn from: written ones, and the words of the fields in templates.

Most labelled texts are long or are headlines. Users ask "什么是…？", and one word must do.
"""

from collections.abc import Iterator

import numpy as np

from curation.training.topic_data import Row, document

WORDS_A_ROW = 4
WORDS_A_TOPIC = 600  # that stand in templates, two in a row
QUOTED_ROWS = 300
TEXT_COPIES = 5  # of each text made to be quoted, among the questions that are quoted too
SEED = 0


def written_rows(part: str, answer: str = "好的。") -> list[Row]:
    """The instructions written for this project, part `train` or `held_out`, hardly answered."""
    written = document("short_rows.yaml")[part].items()
    return [_row(text, answer, topic) for topic, texts in written for text in texts]


def listed_words() -> list[Row]:
    """Every word in a row with others of its field: instructions say little of law or dynasties."""
    random = np.random.default_rng(SEED)
    rows = []
    for topic, words in _fields():
        mixed = random.permutation(words)
        starts = range(0, len(mixed), WORDS_A_ROW)
        rows += [_row("、".join(mixed[i : i + WORDS_A_ROW]), "", topic) for i in starts]
    return rows


def asked_words() -> list[Row]:
    """Words of each topic in short questions about one or two of them."""
    random = np.random.default_rng(SEED)
    written = document("short_rows.yaml")
    by_topic: dict[str, list[str]] = {}
    for topic, words in _fields():
        by_topic.setdefault(topic, []).extend(words)
    rows = []
    for topic, words in by_topic.items():
        mixed = random.permutation(words)[:WORDS_A_TOPIC]
        for word, other in zip(mixed[::2], mixed[1::2], strict=False):
            asked = str(random.choice(written["templates"])).format(word, other)
            rows.append(_row(asked, str(random.choice(written["answers"])), topic))
    return rows


def quoted_texts() -> list[Row]:
    """Texts to be translated or reworded: not what they are about decides, but the task."""
    random = np.random.default_rng(SEED)
    written = document("short_rows.yaml")
    tasks = written["language"]
    texts = [text for texts in written["train"].values() for text in texts]
    rows = []
    for text in random.choice(texts + tasks["texts"] * TEXT_COPIES, QUOTED_ROWS):
        asked = str(random.choice(tasks["asks"])).format(text)
        rows.append(_row(asked, str(random.choice(tasks["answers"])), "Language"))
    return rows


def _fields() -> Iterator[tuple[str, list[str]]]:
    """The topic in each field's name, and the words of the field."""
    for field, words in document("words.yaml")["fields"].items():
        yield field.partition(" ")[0], words


def _row(prompt: str, answer: str, topic: str) -> Row:
    messages = [("user", prompt), ("assistant", answer)]
    return Row(messages if answer else messages[:1], topic, (topic,))
