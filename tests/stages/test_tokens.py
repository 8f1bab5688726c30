"""Token counts equal those of mistral-common, the oracle."""

import pyarrow as pa
import pytest
from batches import batch_of
from hypothesis import given, settings
from hypothesis import strategies as st
from mistral_common.protocol.instruct.messages import AssistantMessage, UserMessage
from mistral_common.protocol.instruct.request import InstructRequest
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

from curation.stages.tokens import tokens, tokens_read

ORACLE = MistralTokenizer.v1().instruct_tokenizer
TEXT = st.text(
    st.one_of(st.sampled_from("你好世界，。\n \t[INST]</s>🙂"), st.characters(codec="utf-8")),
    min_size=1,
    max_size=40,
).filter(lambda text: text.strip() and "\0" not in text)


def oracle_count(texts, system=None):
    messages = [
        (UserMessage, AssistantMessage)[i % 2](content=text) for i, text in enumerate(texts)
    ]
    return len(
        ORACLE.encode_instruct(InstructRequest(messages=messages, system_prompt=system)).tokens
    )


@pytest.mark.parametrize(
    "texts",
    [
        ["你好", "你好！"],
        [" 空格在前 ", "\n\n换行\n"],
        ["1+1=", "2", "那么2+2呢？", "4"],
        ["请写 </s> 和 [INST]", "<s>好的</s>"],
    ],
)
def test_counts_equal_the_oracle(texts):
    assert tokens(batch_of(texts)).columns["tokens"].to_pylist() == [oracle_count(texts)]


def test_a_system_message_joins_the_first_question():
    batch = batch_of([("system", " 你是助手\n"), ("user", "你好"), ("assistant", "好")])
    columns = tokens(batch).columns
    assert columns["tokens"].to_pylist() == [oracle_count(["你好", "好"], " 你是助手\n")]
    assert columns["rounds"].to_pylist() == [1]


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.lists(TEXT, min_size=2, max_size=6).filter(lambda t: len(t) % 2 == 0), min_size=1)
)
def test_counts_of_a_batch_equal_the_oracle(conversations):
    columns = tokens(batch_of(*conversations)).columns
    assert columns["tokens"].to_pylist() == [oracle_count(texts) for texts in conversations]
    assert columns["rounds"].to_pylist() == [len(texts) // 2 for texts in conversations]


def after(batch, read, rows):
    """The batch of some of the conversations of `read`, with new texts, as stages hand it on."""
    made = tokens_read(read).columns
    table = pa.record_batch({**{n: read.column(n) for n in read.schema.names}, **made})
    kept = table.take(pa.array(rows))
    return kept.set_column(
        kept.schema.get_field_index("messages"), "messages", batch.column("messages")
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.lists(TEXT, min_size=2, max_size=2), st.booleans()), min_size=1),
    st.integers(0, 3),
)
def test_only_what_changed_is_counted_again_and_all_is_exact(conversations, first):
    texts = [pair for pair, _ in conversations]
    read = batch_of(*texts)
    rows = list(range(min(first, len(texts) - 1), len(texts)))
    edited = [[texts[r][0], texts[r][1] * 2] if conversations[r][1] else texts[r] for r in rows]
    batch = after(batch_of(*edited), read, rows)
    assert tokens(batch).columns["tokens"].to_pylist() == [oracle_count(pair) for pair in edited]


def test_what_is_as_it_was_read_is_not_counted_again():
    read = batch_of(["你好", "好"], ["再见", "见"])
    batch = after(batch_of(["你好", "好"], ["再会", "见"]), read, [0, 1])
    mark = pa.array([1000, 1000], pa.int32())
    batch = batch.set_column(batch.schema.get_field_index("tokens_read"), "tokens_read", mark)
    counted = tokens(batch).columns["tokens"].to_pylist()
    assert counted == [1000, oracle_count(["再会", "见"])]


def test_moving_text_from_one_turn_to_the_next_is_a_change():
    read = batch_of(["你好吗", "好"])
    (one,) = tokens_read(read).columns["digest_read"].to_pylist()
    others = [
        batch_of(["你好", "吗好"]),
        batch_of([("system", "你好吗"), ("assistant", "好")]),
        batch_of(["你好吗好"]),
    ]
    assert one not in [tokens_read(b).columns["digest_read"][0].as_py() for b in others]


def test_an_empty_batch_and_a_slice():
    assert tokens(batch_of()).columns["tokens"].to_pylist() == []
    assert tokens_read(batch_of()).columns["digest_read"].to_pylist() == []
    whole = batch_of(["你好", "好"], ["再见", "见"], ["谢谢", "不客气"])
    digests = tokens_read(whole).columns["digest_read"].to_pylist()
    assert tokens_read(whole.slice(1)).columns["digest_read"].to_pylist() == digests[1:]
