"""Two cards meet: whose text, whose metadata, and that it is settled after one time."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.hub.card import BEFORE, Ours, merge
from schemas.hub.front_matter import merged, split
from schemas.sections import section, sections

OURS = Ours(
    sections={"about": "<!-- hint -->", "limits": ""}, keys=("license", "tags"), prose="about"
)
LINES = st.sampled_from(["", "<!-- hint -->", "text", "other\n\ntext", f"own\n\n{BEFORE}\nold"])
MATTERS = st.sampled_from(
    ["", "license: mit\n", "a: 1\ntags: [x]\n", "configs: [{config_name: y}]\n"]
)


def card(about, limits, matter="license: mit\ntags:\n- z\n"):
    return (
        f"---\n{matter}---\n# Title\n\n{section('about', about)}\n\n{section('limits', limits)}\n"
    )


@given(here=LINES, here_limits=LINES, there=LINES, there_limits=LINES, matter=MATTERS)
def test_a_second_push_changes_nothing(here, here_limits, there, there_limits, matter):
    own = card(here, here_limits)
    once, _ = merge(own, card(there, there_limits, matter), OURS)
    assert merge(own, once, OURS) == (once, [])


@given(here=LINES, matter=MATTERS, prose=st.sampled_from(["", "By hand.", "# A\n\nb"]))
def test_prose_of_a_card_that_is_not_ours_stays(here, matter, prose):
    own = card(here, "")
    once, replaced = merge(own, f"---\n{matter}---\n{prose}\n", OURS)
    assert replaced == []
    assert prose in once
    assert merge(own, once, OURS) == (once, [])


def test_text_written_here_wins_and_is_told():
    text, replaced = merge(card("mine", ""), card("theirs", "their limits"), OURS)
    assert sections(text) == {"about": "mine", "limits": "their limits"}
    assert replaced == ["the text of the section 'about'"]


def test_a_section_that_we_no_longer_have_is_kept():
    there = card("", "") + section("notes", "Remember this.")
    assert "Remember this." in merge(card("", ""), there, OURS)[0]


@pytest.mark.parametrize("text", ["# No metadata\n", "", "---\n---\n", "---\r\na: 1\r\n---\r\nb"])
def test_front_matter_is_told_from_the_body(text):
    matter, body = split(text)
    assert "---" not in matter + body


def test_our_metadata_stays_as_it_is_written_and_what_we_left_out_goes():
    ours = "license: mit\ntags: [b]\n"
    keys = ("license", "license_name")
    assert merged(ours, "license: x\nlicense_name: y\n", keys) == (ours, list(keys))
    assert "- b\n- a\n" in merged(ours, "tags: [a, b]\n", ("tags",))[0]


@pytest.mark.parametrize("text", ["[", "- a\n", "a", "a: &a [x]\nb: *a", "a: &a [*a]\n" * 2 + "["])
def test_metadata_that_cannot_be_understood_is_refused(text):
    with pytest.raises(ValueError, match="its metadata"):
        merged("license: mit\n", text, ())


def test_values_of_others_stay_as_they_are_written():
    theirs = "a: no\nb: 1.10\nc: 010\nd: 'true'\ne: 12:30\nf: |-\n  x\n  y\ng: 2024-13-45\n"
    text, _ = merged("license: mit\ntags:\n- b\n", theirs + "tags: [on, b]\n", ("license",))
    assert text == "license: mit\ntags:\n- b\n- on\n" + theirs


FOREIGN_MARKS = """# Theirs

Write `<!-- your text begins` so.
<!-- your text begins (mine): it stays when this card is made again -->
in it
<!-- your text ends -->
after it
"""


def test_a_card_of_others_with_marks_loses_no_prose():
    own = card("", "")
    once, replaced = merge(own, f"---\nlicense: x\n---\n{FOREIGN_MARKS}", OURS)
    about = sections(once)["about"]
    assert [word in about for word in ("# Theirs", "begins` so.", "in it", "after it")] == [
        True
    ] * 4
    assert replaced == ["the metadata 'license'"]
    assert merge(own, once, OURS) == (once, [])
