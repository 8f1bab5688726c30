"""A card meets the one that stands on the Hub: nobody's text is lost without a word."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from schemas.errors import AuroraError
from schemas.hub.front_matter import merged, split
from schemas.hub.repository import Remote
from schemas.sections import sections, with_sections

CARD = "README.md"
_LARGEST = 5_000_000  # bytes of a card that is read from the Hub
#: Stands before the prose of a card that was on the Hub before ours, in one of our sections.
BEFORE = "<!-- from the card that stood here before -->"


@dataclass(frozen=True, slots=True)
class Ours:
    """What of a card is whose. sections: what each holds when nobody has written in it.

    keys: the metadata we may write. prose: the section for the text of a card that is not ours.
    """

    sections: Mapping[str, str]
    keys: Collection[str]
    prose: str


def meet(card: str, there: Remote, ours: Ours) -> tuple[bytes, list[str]]:
    """The card to push, and sentences about what it replaces.

    Raises AuroraError where the one that is there cannot be understood: nothing of it is lost.
    """
    if CARD not in there.files:
        return card.encode(), []
    try:
        if there.files[CARD].bytes > _LARGEST:
            raise ValueError("it is too large to be read")
        text, replaced = merge(card, there.read(CARD).decode(), ours)
    except ValueError as error:
        clause = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise AuroraError(
            f"{there.target.repo}: its {CARD} cannot be kept: {clause}; mend or delete it on the "
            "Hub, and repeat the command"
        ) from None
    return text.encode(), [
        f"{CARD}: the text of the section {name!r} here replaces another on the Hub, which stays "
        "in the repository's history"
        for name in replaced
    ]


def merge(card: str, there: str, ours: Ours) -> tuple[str, list[str]]:
    """The card to push, and the sections in which it replaces other text of the Hub.

    A section written here wins; one that is not written here stays as it is there. Merged with the
    result once more, a card gives the same. Raises ValueError in a clause about `there`.
    """
    matter, body = split(card)
    their_matter, their_body = split(there)
    here, theirs = sections(card), sections(there)
    foreign = [theirs[name] for name in theirs if name not in here and theirs[name].strip()]
    if not theirs and their_body.strip():
        foreign.append(their_body.strip())
    texts, replaced = {}, []
    for name, text in here.items():
        own, before = _divided(text)
        written, kept = _divided(theirs.get(name, ""))
        for piece in [before, *(foreign if name == ours.prose else [])]:
            if piece not in kept:  # else it came there with an earlier push
                kept = "\n\n".join(filter(None, [kept, piece]))
        untouched = ("", ours.sections.get(name, ""))
        if own not in untouched and written not in (*untouched, own):
            replaced.append(name)
        chosen = written if own in untouched and written else own
        texts[name] = _joined(chosen, kept, untouched)
    whole = f"---\n{merged(matter, their_matter, ours.keys)}---\n{body}"
    return with_sections(whole, texts), replaced


def _divided(text: str) -> tuple[str, str]:
    """A section's own text, and the prose of an earlier card under it."""
    own, _, before = text.partition(BEFORE)
    return own.strip("\n"), before.strip("\n")


def _joined(text: str, before: str, untouched: Collection[str]) -> str:
    if not before:
        return text
    return "\n\n".join([*([] if text in untouched else [text]), f"{BEFORE}\n{before}"])
