"""The diff of the ledger: it leads from the text before to the text after, and back."""

from hypothesis import given
from hypothesis import strategies as st

from curation.text.diff import changes

TEXT = st.text(st.sampled_from("ab\n 你好\u200b"), max_size=60)


def applied(before, diff):
    parts, place = [], 0
    for start, removed, added in diff:
        assert start >= place
        assert before[start : start + len(removed)] == removed
        assert removed != added
        parts += [before[place:start], added]
        place = start + len(removed)
    return "".join([*parts, before[place:]])


@given(TEXT, TEXT)
def test_the_diff_makes_one_text_of_the_other(before, after):
    assert applied(before, changes(before, after)) == after


@given(TEXT)
def test_a_text_does_not_differ_from_itself(text):
    assert changes(text, text) == []


def test_characters_that_changed_are_named_one_by_one():
    assert changes("他在臺灣說話", "他在台湾说话") == [(2, "臺灣說話", "台湾说话")]
    assert changes("臺北的天氣好", "台北的天气好") == [(0, "臺", "台"), (4, "氣", "气")]
    assert changes("一\u200b二\n三\u200b四", "一二\n三四") == [(1, "\u200b", ""), (5, "\u200b", "")]


def test_long_and_repetitive_texts_take_no_longer_than_a_moment():
    before = "哈" * 200_000
    assert applied(before, changes(before, before[:-1000] + "嗯")) == before[:-1000] + "嗯"
    lines = [f"行{i}" + " " * (i % 2) for i in range(20_000)]
    before, after = "\n".join(lines), "\n".join(line.rstrip() for line in lines)
    assert applied(before, changes(before, after)) == after
    assert len(changes(before, after)) == 10_000
    before += "\n" * 9
    assert applied(before, changes(before, after)) == after
    odd = "\u200b".join("哈哈哈哈" * 5_000)
    assert applied(odd, changes(odd, odd.replace("\u200b", ""))) == odd.replace("\u200b", "")
