"""Token counts equal those of mistral-common, the oracle."""

import pytest
from batches import batch_of
from hypothesis import given, settings
from hypothesis import strategies as st
from mistral_common.protocol.instruct.messages import AssistantMessage, UserMessage
from mistral_common.protocol.instruct.request import InstructRequest
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

from curation.stages.tokens import tokens

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
