"""A card's sections: the user's text stays theirs, and damaged marks are never guessed at."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schemas.sections import section, sections, skeleton, with_sections

CARD = f"# A\n\n{section('about', '')}\n\nours\n\n{section('limits', 'hint')}\nlast\n"
BEGIN, END = section("about", "").split("\n")
texts = st.text().filter(lambda text: "<!-- your text" not in text and "\r" not in text)


def test_sections_are_found_and_replaced():
    assert sections(CARD) == {"about": "", "limits": "hint"}
    card = with_sections(CARD, {"limits": "mine\n\n- and this\n"})
    assert sections(card) == {"about": "", "limits": "mine\n\n- and this"}
    assert card.startswith("# A\n")
    assert card.endswith("\nlast\n")


@given(st.fixed_dictionaries({"about": texts, "limits": texts}))
def test_any_text_survives_and_leaves_the_skeleton_alone(kept):
    card = with_sections(CARD, kept)
    assert sections(card) == {name: text.strip("\n") for name, text in kept.items()}
    assert with_sections(card, sections(card)) == card
    assert skeleton(card) == skeleton(CARD)
    assert skeleton(card.replace("\n", "\r\n")) == skeleton(CARD)  # an editor's line ends


def test_a_change_outside_of_the_sections_changes_the_skeleton():
    assert skeleton(CARD.replace("ours", "theirs")) != skeleton(CARD)


@pytest.mark.parametrize(
    ("damaged", "said"),
    [
        (CARD.replace(END, "", 1), "begins inside the section 'about'"),
        (CARD.replace(BEGIN, "", 1), "line 4: a section ends that did not begin"),
        (CARD + END, "ends that did not begin"),
        (CARD + BEGIN, "the section 'about' has no end"),
        (CARD + section("about", ""), "a second section 'about'"),
        (with_sections(CARD, {"about": section("notes", "")}), "begins inside"),
        (CARD.replace(BEGIN, BEGIN.replace("about", "About!")), "line 3: a mark is damaged"),
        (CARD.replace(BEGIN, BEGIN[:-10]), "line 3: a mark is damaged"),
    ],
)
def test_damaged_marks_are_said_by_line(damaged, said):
    for function in (sections, skeleton):
        with pytest.raises(ValueError, match=said):
            function(damaged)


def test_a_section_that_the_card_has_not_is_not_lost_silently():
    with pytest.raises(ValueError, match="no section 'mine'"):
        with_sections(CARD, {"mine": "text"})
