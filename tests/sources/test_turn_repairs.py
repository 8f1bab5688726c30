"""What it takes to make turns a conversation."""

from hypothesis import given
from hypothesis import strategies as st

from curation.sources.repairs import repair
from schemas.conversation import Message

ROLES = {"s": "system", "u": "user", "a": "assistant"}


def turns(text: str) -> list[Message]:
    """`u1 a2` is a user turn and an assistant turn; a bare letter is an empty turn."""
    return [Message(ROLES[t[0]], t[1:]) for t in text.split()]


def result(text: str):
    done = repair(turns(text))
    edits = [(e.turn, e.rule, e.before, e.after) for e in done.edits]
    return done.messages, done.repairs, edits


def test_a_sound_conversation_is_left_alone():
    for text in ("u1 a2", "s0 u1 a2", "u1 a2 u3 a4"):
        assert result(text) == (tuple(turns(text)), (), [])


def test_leading_assistant():
    edits = [(0, "leading_assistant", "1", None), (1, "leading_assistant", "2", None)]
    assert result("a1 a2 u3 a4") == (tuple(turns("u3 a4")), ("leading_assistant",), edits)


def test_trailing_user():
    edits = [(2, "trailing_user", "3", None), (3, "trailing_user", "4", None)]
    assert result("u1 a2 u3 u4") == (tuple(turns("u1 a2")), ("trailing_user",), edits)


def test_consecutive_role():
    edits = [
        (0, "consecutive_role", "1", "1\n2\n3"),
        (1, "consecutive_role", "2", None),
        (2, "consecutive_role", "3", None),
    ]
    messages = (Message("user", "1\n2\n3"), Message("assistant", "4"))
    assert result("u1 u2 u3 a4") == (messages, ("consecutive_role",), edits)


def test_empty_turn_joins_its_neighbours():
    messages = (Message("user", "1\n3"), Message("assistant", "4"))
    edits = [
        (0, "consecutive_role", "1", "1\n3"),
        (1, "empty_turn", "", None),
        (2, "consecutive_role", "3", None),
    ]
    assert result("u1 a u3 a4") == (messages, ("consecutive_role", "empty_turn"), edits)


def test_misplaced_system():
    assert result("u1 s2 a3") == (
        tuple(turns("u1 a3")),
        ("misplaced_system",),
        [(1, "misplaced_system", "2", None)],
    )


def test_multiple_system():
    messages = (Message("system", "1\n2"), *turns("u3 a4"))
    edits = [(0, "multiple_system", "1", "1\n2"), (1, "multiple_system", "2", None)]
    assert result("s1 s2 u3 a4") == (messages, ("multiple_system",), edits)


def test_no_exchange():
    for text in ("", "u1", "a1", "s1", "a1 u2", "s1 u2", "u a1", "u1 a"):
        assert result(text)[0] == ()


TURNS = st.lists(
    st.builds(Message, st.sampled_from(list(ROLES.values())), st.text(" \nx中", max_size=3))
)


@given(TURNS)
def test_what_a_repaired_conversation_is(given_turns):
    done = repair(given_turns)
    roles = [m.role for m in done.messages if m.role != "system"]
    assert roles == ["user", "assistant"] * (len(roles) // 2)
    assert all(m.role != "system" for m in done.messages[1:])
    assert all(m.content.strip() for m in done.messages)
    assert set(done.repairs) == {edit.rule for edit in done.edits}
    assert [e.turn for e in done.edits] == sorted({e.turn for e in done.edits})


@given(TURNS)
def test_edits_lead_back_to_what_was_read(given_turns):
    done = repair(given_turns)
    if not done.messages:
        return
    contents = {i: turn.content for i, turn in enumerate(given_turns)}
    for edit in done.edits:
        assert edit.before == contents[edit.turn]
        contents[edit.turn] = edit.after
    assert [c for c in contents.values() if c is not None] == [m.content for m in done.messages]


@given(TURNS)
def test_repairing_twice_changes_nothing(given_turns):
    done = repair(given_turns)
    assert repair(done.messages).messages == done.messages
