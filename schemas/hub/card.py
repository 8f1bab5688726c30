"""A card meets the one that stands on the Hub: nobody's text is lost without a word."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from schemas.errors import AuroraError
from schemas.hub.front_matter import merged, split
from schemas.hub.repository import Remote
from schemas.sections import CARD, sections, skeleton_sha256, with_sections

_LARGEST = 5_000_000  # bytes of a card that is read from the Hub
#: Stands before the prose of a card that was on the Hub before ours, in one of our sections.
BEFORE = "<!-- from the card that stood here before -->"
#: What a mark of a section begins with; and how a text may mention it.
_MARK, _MENTION = "<!-- your text", "<!--your text"
_STAYS = "the Hub, which stays in the repository's history"


@dataclass(frozen=True, slots=True)
class Ours:
    """What of a card is whose. sections: what each holds when nobody has written in it.

    keys: the metadata we may write. prose: the section for the text of a card that is not ours.
    """

    sections: Mapping[str, str]
    keys: Collection[str]
    prose: str


def meet(
    card: str, there: Remote, ours: Ours, pushed: str | None = None
) -> tuple[bytes, list[str]]:
    """The card to push, and sentences about what it replaces.

    pushed: SHA-256 of the skeleton of the card that an earlier push left there, where known.
    Raises AuroraError where the one that is there cannot be understood: nothing of it is lost.
    """
    if CARD not in there.files:
        return card.encode(), []
    try:
        if there.files[CARD].bytes > _LARGEST:
            raise ValueError("it is too large to be read")
        theirs = there.read(CARD).decode()
        text, replaced = merge(card, theirs, ours)
        content = text.encode()
    except ValueError as error:
        clause = "it is not UTF-8" if isinstance(error, UnicodeError) else str(error)
        raise AuroraError(
            f"{there.target.repo}: its {CARD} cannot be kept: {clause}; mend or delete it on the "
            "Hub, and repeat the command"
        ) from None
    notes = [f"{CARD}: {what} here replaces another on {_STAYS}" for what in replaced]
    if pushed and skeleton_sha256(_tamed(theirs)) != pushed:
        notes.append(
            f"{CARD}: what was written outside its sections on the Hub is made anew; it stays in "
            "the repository's history, and what is moved into a section stays in the card"
        )
    return content, notes


def merge(card: str, there: str, ours: Ours) -> tuple[str, list[str]]:
    """The card to push, and what of it replaces something else on the Hub.

    A section written here wins; one that is not written here stays as it is there. Merged with the
    result once more, a card gives the same. Raises ValueError in a clause about `there`.
    """
    matter, body = split(card)
    their_matter, their_body = split(_tamed(there))
    here, theirs = sections(card), sections(their_body)
    known = here.keys() & theirs.keys()
    metadata, keys = merged(matter, their_matter, ours.keys)
    replaced = [] if known else [f"the metadata {key!r}" for key in keys]
    foreign = _foreign(here, theirs) if known else [_unmarked(their_body)]
    texts = {}
    for name, text in here.items():
        own, before = _divided(text)
        written, kept = _divided(theirs.get(name, "") if known else "")
        for piece in [before, *(foreign if name == ours.prose else [])]:
            if piece not in kept:  # else it came there with an earlier push
                kept = "\n\n".join(filter(None, [kept, piece]))
        untouched = ("", ours.sections.get(name, ""))
        if own not in untouched and written not in (*untouched, own):
            replaced.append(f"the text of the section {name!r}")
        chosen = written if own in untouched and written else own
        texts[name] = _joined(chosen, kept, untouched)
    return with_sections(f"---\n{metadata}---\n{body}", texts), replaced


def _tamed(text: str) -> str:
    """A card in which marks stand alone on their lines: prose may mention them."""
    return "\n".join(
        line if line.lstrip().startswith(_MARK) else line.replace(_MARK, _MENTION)
        for line in text.replace("\r\n", "\n").split("\n")
    )


def _foreign(here: Collection[str], theirs: Mapping[str, str]) -> Sequence[str]:
    """Texts of sections that the card no longer has."""
    return [theirs[name] for name in theirs if name not in here and theirs[name].strip()]


def _unmarked(body: str) -> str:
    """All prose of a card with no section of ours: of marks that it has, only the lines go."""
    lines = (line for line in body.split("\n") if not line.lstrip().startswith(_MARK))
    return "\n".join(lines).strip()


def _divided(text: str) -> tuple[str, str]:
    """A section's own text, and the prose of an earlier card under it."""
    own, _, before = text.partition(BEFORE)
    return own.strip("\n"), before.strip("\n")


def _joined(text: str, before: str, untouched: Collection[str]) -> str:
    if not before:
        return text
    return "\n\n".join([*([] if text in untouched else [text]), f"{BEFORE}\n{before}"])
