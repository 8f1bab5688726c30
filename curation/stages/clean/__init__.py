"""Text cleaning: Unicode, invisible characters, white space, HTML residue."""

from collections.abc import Callable, Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.stages.batch import Drop, Edit, StageResult, Turns, messages_array, turns
from curation.stages.clean import characters, html, layout
from schemas.recipe import Clean

Rule = Callable[[str], str]

#: name → rule, in the order they are applied. Characters come first, because the others look at
#: lines; blank lines come after what leaves them behind.
RULES: dict[str, Rule] = {
    "line_endings": characters.line_endings,
    "unicode_nfc": characters.unicode_nfc,
    "control_characters": characters.control_characters,
    "zero_width": characters.zero_width,
    "no_break_space": characters.no_break_space,
    "html_residue": html.html_residue,
    "trailing_space": layout.trailing_space,
    "blank_lines": layout.blank_lines,
    "surrounding_space": layout.surrounding_space,
}
_WITHOUT_HTML = {name: rule for name, rule in RULES.items() if name != "html_residue"}

# Only a text that matches can need cleaning: it has a character beyond tab, line end, ASCII, Han,
# kana, and Chinese and typographic punctuation, or blanks in a wrong place, or residue of HTML.
_PLAIN = (
    r"\t\n -~\x{b7}\x{d7}\x{f7}\x{2010}-\x{2027}\x{2030}-\x{205e}\x{2460}-\x{24ff}"
    r"\x{3000}-\x{3029}\x{3041}-\x{3096}\x{30a1}-\x{30ff}\x{3400}-\x{9fff}\x{ff01}-\x{ff65}"
)
_BLANKS = r"[ \t\x{3000}]\n|\n\n\n|\A[ \t\n]|\A\x{3000}+\n|[ \t\n\x{3000}]\z"
_SUSPECT = rf"[^{_PLAIN}]|{_BLANKS}|{html.RESIDUE}"


def clean(batch: pa.RecordBatch, config: Clean) -> StageResult:
    """Replace `messages` by cleaned ones; drop conversations in which one has nothing left."""
    flat = turns(batch)
    edits = list(_edits(flat, config.html))
    drops = {edit.row: _empty(edit) for edit in reversed(edits) if not edit.after}
    ordered = [drops[row] for row in sorted(drops)]
    return StageResult({"messages": _replace(flat, edits)}, ordered, edits)


def clean_text(text: str, rules: Mapping[str, Rule]) -> tuple[str, set[str]]:
    """`text` after all `rules`, and the names of those that changed it.

    Repeated until nothing changes, so that cleaning twice is cleaning once: a rule may uncover work
    for an earlier one. It ends, because each leaves less of what the rules look for.
    """
    fired: set[str] = set()
    before = None
    while text != before:
        before = text
        for name, rule in rules.items():
            changed = rule(text)
            if changed != text:
                fired.add(name)
                text = changed
    return text, fired


def _edits(flat: Turns, remove_html: bool) -> Iterator[Edit]:
    suspects = pc.match_substring_regex(flat.contents, _SUSPECT)
    rows = flat.rows
    for i in np.flatnonzero(suspects.to_numpy(zero_copy_only=False)).tolist():
        row = int(rows[i])
        start, end = int(flat.offsets[row]), int(flat.offsets[row + 1])
        before = flat.contents[i].as_py()
        after, fired = clean_text(before, _WITHOUT_HTML)
        if remove_html and html.is_residue(after, _conversation(flat, start, end)):
            after, more = clean_text(after, RULES)
            fired |= more
        if after != before:
            names = tuple(name for name in RULES if name in fired)
            yield Edit(row, i - start, names, before, after)


def _conversation(flat: Turns, start: int, end: int) -> Iterator[str]:
    """Messages `start` to `end`, but for HTML already clean: the same on a second cleaning."""
    for i in range(start, end):
        yield clean_text(flat.contents[i].as_py(), _WITHOUT_HTML)[0]


def _empty(edit: Edit) -> Drop:
    evidence = {"turn": edit.turn, "rules": list(edit.rules), "characters": len(edit.before)}
    return Drop(edit.row, "empty_after_cleaning", evidence)


def _replace(flat: Turns, edits: list[Edit]) -> pa.ListArray:
    """The messages with the edits applied."""
    changed = np.zeros(len(flat.contents), bool)
    changed[[flat.offsets[edit.row] + edit.turn for edit in edits]] = True
    after = pa.array([edit.after for edit in edits], pa.string())
    return messages_array(flat, pc.replace_with_mask(flat.contents, pa.array(changed), after))
