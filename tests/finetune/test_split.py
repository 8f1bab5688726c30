"""Splitting: every part is a conversation of its own, and every token is accounted for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from finetune.rendering.forecast import Split, forecast
from finetune.rendering.mistral import mistral_v1
from finetune.rendering.rendered import IGNORED
from finetune.rendering.split import (
    LONG_CONVERSATION,
    LONG_ROUND,
    Cut,
    Limits,
    account,
    add,
    cut,
    measure,
)
from schemas.errors import AuroraError

WORDS = st.text("ab 你\n", max_size=25)
ROUND = st.tuples(WORDS, WORDS.filter(bool))
CONVERSATION = st.tuples(WORDS, st.lists(ROUND, min_size=1, max_size=7))
LIMIT, CARRY = st.integers(8, 60), st.integers(0, 3)


def messages(system, rounds):
    listed = [{"role": "system", "content": system}] if system else []
    for question, answer in rounds:
        listed.append({"role": "user", "content": question})
        listed.append({"role": "assistant", "content": answer})
    return listed


def split(system, rounds, limit, carry=0):
    return cut(["a"], [messages(system, rounds)], mistral_v1(), Limits(limit, "split", carry))[0]


def length(system, rounds):
    return len(mistral_v1().render([messages(system, rounds)])[0].input_ids)


@given(st.lists(CONVERSATION, max_size=4), LIMIT, CARRY)
def test_the_account_closes(conversations, limit, carry):
    rows = [messages(*one) for one in conversations]
    cuts = cut(
        [str(i) for i in range(len(rows))], rows, mistral_v1(), Limits(limit, "split", carry)
    )
    total = account(cuts)
    parts = [part for one in cuts for part in one.parts]
    assert total.whole == sum(length(*one) for one in conversations)
    assert total.whole == total.kept + total.dropped
    assert total.kept + total.repeated == sum(len(part.input_ids) for part in parts)
    assert total.trained == sum(label != IGNORED for part in parts for label in part.labels)
    assert min(total.kept, total.dropped, total.repeated) >= 0
    assert total.conversations == len(rows)
    assert total == add(account(cuts[:1]), account(cuts[1:]))


def test_an_account_that_does_not_close_is_a_defect():
    (one,) = cut(["a"], [messages("", [("a", "b")])], mistral_v1(), Limits())
    wrongs = [(one.kept - 1, 0), (one.kept, 1), (one.kept + 1, -1)]
    for wrong in (Cut(one.parts, one.whole, kept, repeated) for kept, repeated in wrongs):
        with pytest.raises(AuroraError, match="defect in rendering"):
            account([wrong])


@given(st.lists(CONVERSATION, max_size=4), st.sets(LIMIT, min_size=1, max_size=3), CARRY)
def test_the_forecast_is_what_splitting_does(conversations, lengths, carry):
    rows, names = [messages(*one) for one in conversations], list(map(str, range(4)))
    measured = measure(rows, mistral_v1(), min(lengths))
    found = forecast(measured, sorted(lengths), carry)
    whole = sorted(length(*one) for one in conversations)
    assert sorted(n for n, count in found.lengths.items() for _ in range(count)) == whole
    assert found.quantiles([100]) == ({100: whole[-1]} if whole else {})
    for limit, expected in found.limits.items():
        total = account(cut(names[: len(rows)], rows, mistral_v1(), Limits(limit, "split", carry)))
        assert expected == Split(**total.model_dump(include=set(Split.model_fields)))


@given(CONVERSATION, LIMIT, CARRY)
def test_parts_are_conversations_in_order_as_few_as_fit(conversation, limit, carry):
    """Against a plain reading of the policy, which renders whatever it wants to know."""
    system, rounds = conversation
    expected, first, new = [], 0, 0
    while new < len(rounds):
        if length(system, rounds[new : new + 1]) > limit:
            first = new = new + 1
            continue
        start = max(first, new - carry)
        while length(system, rounds[start : new + 1]) > limit:
            start += 1
        stop = new + 1
        while stop < len(rounds) and length(system, rounds[start : stop + 1]) <= limit:
            stop += 1
        expected.append((start, new, stop))
        new = stop
    if length(system, rounds) <= limit:
        expected = [(0, 0, len(rounds))]
    result = split(system, rounds, limit, carry)
    assert len(result.parts) == len(expected)
    for part, (start, new, stop) in zip(result.parts, expected, strict=True):
        (whole,) = mistral_v1().render([messages(system, rounds[start:stop])])
        context = length(system, rounds[start:new]) if new > start else 0
        assert part.input_ids == whole.input_ids
        assert part.labels == [IGNORED] * context + whole.labels[context:]
        assert part.context == context
        assert len(part.input_ids) <= limit
        assert any(label != IGNORED for label in part.labels)


@given(CONVERSATION, LIMIT, CARRY)
def test_every_answer_is_learned_once_or_left_out(conversation, limit, carry):
    system, rounds = conversation
    result = split(system, rounds, limit, carry)
    learned = sum(label == 2 for part in result.parts for label in part.labels)
    assert learned + len(result.left_out) == len(rounds)
    assert set(result.left_out) <= {LONG_ROUND}


def test_a_round_too_long_alone_is_left_out_and_nothing_is_carried_over_it():
    rounds = [("a", "b"), ("a", "很" * 50), ("c", "d"), ("e", "f")]
    result = split("", rounds, 30, carry=1)
    assert result.left_out == [LONG_ROUND]
    first, second = result.parts
    assert first.context == second.context == 0
    assert second.input_ids == mistral_v1().render([messages("", rounds[2:])])[0].input_ids
    assert result.whole - result.kept == length("", rounds[:2]) - length("", rounds[:1])


def test_the_system_text_stands_in_each_part():
    result = split("记住", [("a", "b" * 9), ("c", "d" * 9)], length("记住", [("a", "b" * 9)]))
    assert [mistral_v1().decode(p.input_ids).count("记住") for p in result.parts] == [1, 1]


def test_drop_leaves_out_the_whole_conversation():
    rows = [messages("", [("a", "b")]), messages("", [("a", "很" * 50)])]
    kept, dropped = cut(["a", "b"], rows, mistral_v1(), Limits(30, "drop"))
    assert len(kept.parts) == 1
    assert dropped.parts == []
    assert dropped.left_out == [LONG_CONVERSATION]
    total = account([kept, dropped])
    assert total.dropped == length("", [("a", "很" * 50)])


def test_refuse_names_the_conversation_and_its_length():
    rows = [messages("", [("a", "很" * 50)])]
    with pytest.raises(AuroraError, match=r"conversation x7 has 61 tokens.*max_length 30"):
        cut(["x7"], rows, mistral_v1(), Limits(30, "refuse"))


def test_what_the_template_refuses_is_counted_with_its_reason():
    total = account(cut(["a"], [[{"role": "user", "content": "q"}]], mistral_v1(), Limits()))
    assert total.left_out == {"the last message is not the assistant's": 1}
    assert (total.conversations, total.parts, total.whole) == (1, 0, 0)
