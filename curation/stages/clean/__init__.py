"""Text cleaning: encoding, Unicode, invisible characters, white space, residue of HTML and prompts.

Every rule has a name, and the ledger has the text before and after for each message it changed.
"""

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from curation.stages.batch import Drop, Edit, StageResult, Turns, edited, messages_array, turns
from curation.stages.clean import characters, html, layout, mojibake, prefixes, repeats
from curation.text.program import is_program
from curation.text.structure import is_json
from schemas.conversation import Message
from schemas.recipe import Clean

TextRule = Callable[[str], str]
ConversationRule = Callable[[Sequence[Message]], list[str]]

#: Rules that see one message, by name, in the order they are applied. Mojibake comes first, because
#: half of it is control characters and no-break spaces; blank lines after what leaves them behind.
TEXT_RULES: dict[str, TextRule] = {
    "mojibake": mojibake.mojibake,
    "line_endings": characters.line_endings,
    "unicode_nfc": characters.unicode_nfc,
    "control_characters": characters.control_characters,
    "zero_width": characters.zero_width,
    "no_break_space": characters.no_break_space,
    "trailing_space": layout.trailing_space,
    "blank_lines": layout.blank_lines,
    "surrounding_space": layout.surrounding_space,
}

#: Rules that need the messages around it. They give the new contents of all messages.
CONVERSATION_RULES: dict[str, ConversationRule] = {
    "html_entities": html.html_entities,
    "html_residue": html.html_residue,
    "stray_prefix": prefixes.stray_prefix,
    "repeated_instruction": repeats.repeated_instruction,
}
_WITHOUT_HTML = {n: r for n, r in CONVERSATION_RULES.items() if not n.startswith("html_")}

# In program text and JSON, blanks and the form of characters are data.
_NOT_IN_CODE = frozenset(("unicode_nfc", "trailing_space", "blank_lines"))

# Only a text that matches can need cleaning by itself: it has a character beyond tab, line end,
# ASCII, Han, kana, and Chinese and typographic punctuation, or blanks in a wrong place, or residue.
_PLAIN = (
    r"\t\n -~\x{b7}\x{d7}\x{f7}\x{2010}-\x{2027}\x{2030}-\x{205e}\x{2460}-\x{24ff}"
    r"\x{3000}-\x{3029}\x{3041}-\x{3096}\x{30a1}-\x{30ff}\x{3400}-\x{9fff}\x{ff01}-\x{ff65}"
)
_BLANKS = r"[ \t\x{3000}]\n|\n\n\n|\A[ \t\n]|\A\x{3000}+\n|[ \t\n\x{3000}]\z"
_SUSPECT = rf"[^{_PLAIN}]|{_BLANKS}|{html.SIGN}|{mojibake.SIGN}|{prefixes.SIGN}"


def clean(batch: pa.RecordBatch, config: Clean) -> StageResult:
    """Replace `messages` by cleaned ones; drop conversations in which one has nothing left."""
    flat = turns(batch)
    edits = list(_edits(flat, CONVERSATION_RULES if config.html else _WITHOUT_HTML))
    drops = {edit.row: _empty(edit) for edit in reversed(edits) if not edit.after}
    ordered = [drops[row] for row in sorted(drops)]
    return StageResult({"messages": messages_array(edited(flat, edits))}, ordered, edits)


def clean_conversation(
    messages: Sequence[Message], suspects: set[int], rules: dict[str, ConversationRule]
) -> tuple[list[str], list[set[str]]]:
    """The contents after all rules, and the names of those that changed each.

    suspects: the messages that text rules may change.
    rules:    the conversation rules to apply.

    Repeated until nothing changes, so that cleaning twice is cleaning once: a rule may uncover work
    for an earlier one. It ends, because each leaves less of what the rules look for.
    """
    contents = [content for _, content in messages]
    fired: list[set[str]] = [set() for _ in messages]
    while True:
        for i in suspects:
            contents[i], names = _clean_text(contents[i])
            fired[i] |= names
        suspects = set()
        for name, rule in rules.items():
            current = [Message(m.role, text) for m, text in zip(messages, contents, strict=True)]
            for i, text in enumerate(rule(current)):
                if text != contents[i]:
                    contents[i] = text
                    fired[i].add(name)
                    suspects.add(i)
        if not suspects:
            return contents, fired


def _clean_text(text: str) -> tuple[str, set[str]]:
    """`text` after all rules about one message, until none changes it, and those that did.

    What `mojibake` cannot put right stays byte for byte: other rules would delete half of it.
    """
    fired: set[str] = set()
    before = None
    while text != before:
        before, without = text, _NOT_IN_CODE if _is_code(text) else frozenset()
        for name, rule in TEXT_RULES.items():
            changed = text if name in without else rule(text)
            if changed != text:
                fired.add(name)
                text = changed
            if rule is mojibake.mojibake and mojibake.is_wreck(text):
                return text, fired
    return text, fired


def _is_code(text: str) -> bool:
    """Whether all of a message is JSON or a program, without a fence."""
    return is_json(text) or is_program(text)


def _edits(flat: Turns, rules: dict[str, ConversationRule]) -> Iterator[Edit]:
    suspect = pc.match_substring_regex(flat.contents, _SUSPECT).to_numpy(zero_copy_only=False)
    for row in _rows(flat, suspect | repeats.may_repeat(flat.roles, flat.contents)):
        start, end = int(flat.offsets[row]), int(flat.offsets[row + 1])
        roles, contents = flat.roles[start:end].to_pylist(), flat.contents[start:end].to_pylist()
        messages = list(map(Message, roles, contents))
        suspects = set(np.flatnonzero(suspect[start:end]).tolist())
        cleaned, fired = clean_conversation(messages, suspects, rules)
        for turn, (message, after) in enumerate(zip(messages, cleaned, strict=True)):
            if after != message.content:
                names = tuple(n for n in (*TEXT_RULES, *CONVERSATION_RULES) if n in fired[turn])
                yield Edit(row, turn, names, message.content, after)


def _rows(flat: Turns, suspect: NDArray[np.bool_]) -> list[int]:
    """The rows that hold one of the messages marked in `suspect`, in order."""
    rows: list[int] = np.unique(flat.rows[suspect]).tolist()
    return rows


def _empty(edit: Edit) -> Drop:
    evidence = {"turn": edit.turn, "rules": list(edit.rules), "characters": len(edit.before)}
    return Drop(edit.row, "empty_after_cleaning", evidence)
