"""How records of two ledgers are told apart, against a plain reading of the same rules."""

import polars as pl
from hypothesis import given
from hypothesis import strategies as st

from curation.compare.changes import by_source, changed
from curation.compare.moves import moves
from curation.compare.records import COLUMNS, TRACES
from curation.compare.result import Change
from schemas.conversation import DATA

DECISION = ("outcome", "stage", "reason", "duplicate_of")
VALUES = {"quality": [0.25, 0.75], "category": ["Art", "Law"], "pii": [["qq"], None]}
SCHEMA = {
    **dict.fromkeys(("id", "source", *DECISION), pl.String),
    **dict.fromkeys(("text", *TRACES), pl.UInt64),
    **pl.DataFrame(DATA.empty_table().drop_columns(["id", "source", "messages"])).schema,
    "split": pl.String,
}
IDS = [f"{source}-{number}" for source in ("one", "two") for number in range(4)]


@st.composite
def records(draw):
    """Records by id, as rows of a small corpus."""
    rows = {}
    for id_ in draw(st.sets(st.sampled_from(IDS))):
        row = dict.fromkeys(SCHEMA) | {"id": id_, "source": id_.split("-")[0]}
        row["outcome"] = draw(st.sampled_from(["kept", "kept", "dropped", "quarantined"]))
        if row["outcome"] == "kept":
            row |= {name: draw(st.sampled_from(values)) for name, values in VALUES.items()}
            row["split"] = draw(st.sampled_from(["train", "validation"]))
        else:
            row["stage"], row["reason"] = "dedup", draw(st.sampled_from(["exact", "near"]))
            row["duplicate_of"] = draw(st.sampled_from([None, *IDS[:2]]))
        row["text"] = draw(st.sampled_from([1, 2]))
        row["edits"] = draw(st.sampled_from([None, 3]))
        row["evidence"] = draw(st.sampled_from([5, 6]))
        rows[id_] = row
    return rows


def expected(a, b):
    """The change between two rows, read from its definition."""
    if a is None or b is None:
        return Change.ENTERED if a is None else Change.LEFT
    kept = a["outcome"] == "kept", b["outcome"] == "kept"
    if kept[0] != kept[1]:
        return Change.LOST if kept[0] else Change.GAINED
    if any(a[name] != b[name] for name in DECISION):
        return Change.REDECIDED
    if kept[0] and a["text"] != b["text"]:
        return Change.TEXT
    if any(a[name] != b[name] for name in COLUMNS):
        return Change.COLUMNS
    return Change.LEDGER if any(a[name] != b[name] for name in (*TRACES, "text")) else None


@given(records(), records())
def test_every_record_changes_in_the_first_way_that_holds(a, b):
    frames = (pl.DataFrame(list(rows.values()), schema=SCHEMA) for rows in (a, b))
    both = changed(*frames, {})
    found = dict(both.select("id", "change").rows())
    assert found == {id_: expected(a.get(id_), b.get(id_)) for id_ in {*a, *b}}
    counted = [id_ for move in moves(both) for id_ in move.ids]
    assert sorted(counted) == sorted(id_ for id_, change in found.items() if change)
    sources = by_source(both, ["one", "two"])
    assert sum(s.before for s in sources) == len(a)
    assert sum(s.after for s in sources) == len(b)
    assert sum(n for s in sources for n in s.changes.values()) == len(counted)
