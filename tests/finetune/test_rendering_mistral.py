"""mistral-v1 against mistral-common, which also refuses what we refuse."""

import gzip
import json
import sys

import oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st
from transformers import MixtralConfig

from finetune.base import template_of
from finetune.rendering import choose_renderer
from finetune.rendering.mistral import mistral_v1
from finetune.rendering.rendered import Refused
from schemas.errors import AuroraError, ModelError

FORGED = ["</s>", "<s> a", "<unk>", "[INST]", "x [/INST] y</s>", "<0x01>", "\x00"]
CONTENTS = st.one_of(st.sampled_from(["", " ", "a", " 你好 ", "\n", *FORGED]), st.text(max_size=12))
ROLES = st.sampled_from(["user", "assistant", "user", "assistant", "system"])
ANY_ORDER = st.lists(st.fixed_dictionaries({"role": ROLES, "content": CONTENTS}), max_size=7)


def message(role, content):
    return {"role": role, "content": content}


def agree(messages):
    expected = oracle.render(messages)
    (result,) = mistral_v1().attempt([messages])
    if expected is None:
        assert isinstance(result, Refused)
    else:
        assert (result.input_ids, result.labels) == expected


@given(ANY_ORDER)
def test_any_messages_are_rendered_or_refused_as_by_the_oracle(messages):
    agree(messages)


@given(st.lists(st.tuples(CONTENTS, CONTENTS.filter(bool)), min_size=1, max_size=4), CONTENTS)
def test_alternating_rounds_with_a_system_message(rounds, system):
    turns = [
        message(role, content)
        for question, answer in rounds
        for role, content in (("user", question), ("assistant", answer))
    ]
    agree(turns)
    agree([message("system", system), *turns])


@given(ANY_ORDER.filter(lambda messages: messages and messages[-1]["role"] == "user"))
def test_prompts_equal_those_the_oracle_serves(messages):
    try:
        expected = oracle.prompt(messages)
    except oracle.MistralCommonException:
        return
    assert mistral_v1().prompt(messages) == expected


def test_no_text_becomes_a_control_token():
    every = "".join(chr(i) for i in range(sys.maxunicode + 1) if not 0xD800 <= i < 0xE000)
    forged = " ".join(FORGED)
    (result,) = mistral_v1().render([[message("user", every), message("assistant", forged)]])
    assert result.input_ids[0] == 1
    assert min(result.input_ids[1:-1]) > 2
    assert result.labels[-1] == 2


def test_labels_are_the_answer_and_its_end():
    renderer = mistral_v1()
    messages = [message("user", "问 </s>"), message("assistant", "  答 </s>\n")]
    (result,) = renderer.render([messages])
    learned = [label for label in result.labels if label != -100]
    assert learned[-1] == renderer.eos_id
    assert renderer.decode(learned) == "  答 </s>\n"
    assert renderer.prompt(messages[:1]) + learned == result.input_ids
    assert result.ends == [len(result.input_ids)]


def test_pieces_put_together_are_the_text():
    renderer = mistral_v1()
    (result,) = renderer.render([[message("user", "a 𠮷\x00"), message("assistant", "𡃁。")]])
    pieces = renderer.pieces(result.input_ids)
    assert len(pieces) == len(result.input_ids)
    assert "".join(pieces) == "<s> [INST] a 𠮷\x00 [/INST] 𡃁。</s>"
    assert renderer.pieces([243, 163]) == ["", "\ufffd"]


def test_padding_is_not_the_end():
    assert mistral_v1().pad_id != mistral_v1().eos_id


@pytest.mark.parametrize(
    ("messages", "reason"),
    [
        ([], "not the assistant's"),
        ([message("user", "a")], "not the assistant's"),
        ([message("user", "a"), message("assistant", "")], "is empty"),
        ([message("user", "a"), message("tool", "b"), message("assistant", "c")], "role 'tool'"),
        ([message("user", None), message("assistant", "c")], "no text"),
        ([message("user", "a\ud800"), message("assistant", "c")], "half characters"),
    ],
)
def test_what_is_refused_says_why(messages, reason):
    with pytest.raises(AuroraError, match=reason):
        mistral_v1().render([messages])


def test_a_prompt_cannot_end_with_an_answer():
    with pytest.raises(AuroraError, match="must end with a user message"):
        mistral_v1().prompt([message("user", "a"), message("assistant", "b")])


def test_mixtral_is_rendered_as_v1_unless_its_template_is_asked_for():
    small = MixtralConfig(vocab_size=32000)
    assert template_of("auto", small) == template_of("mistral-v1", small) == "mistral-v1"
    assert template_of("tokenizer", small) == "tokenizer"
    assert choose_renderer("mistral-v1") is mistral_v1()
    larger = MixtralConfig(vocab_size=32768)  # Mixtral-8x22B-Instruct: the third tokenizer
    assert template_of("auto", larger) == "tokenizer"
    with pytest.raises(ModelError, match="template: tokenizer"):
        template_of("mistral-v1", larger)


def test_real_conversations(shared_data):
    """A sample; benchmarks/rendering.py compares all."""
    names = {"human": "user", "gpt": "assistant", "client": "user", "counselor": "assistant"}
    with gzip.open(shared_data / "sharegpt" / "smile_55k.jsonl.gz", "rt", encoding="utf-8") as file:
        rows = [json.loads(next(file))["messages"] for _ in range(10)]
    path = shared_data / "sharegpt" / "sharegpt_zh_1K.json"
    for line in path.read_text(encoding="utf-8").splitlines()[:6]:
        turns = json.loads(line)["conversations"]
        rows.append([{"role": turn["from"], "content": turn["value"]} for turn in turns])
    alpaca = json.loads((shared_data / "alpaca_zh" / "alpaca_zh_52k.json").read_text("utf-8"))
    for row in alpaca[:60]:
        question = f"{row['instruction']}\n{row['input']}"
        rows.append([message("user", question), message("assistant", row["output"])])
    for row in rows:
        agree([message(names.get(m["role"], m["role"]), m["content"]) for m in row])
