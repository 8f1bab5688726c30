"""The tokenizer that goes with Mixtral and with random models, against mistral-common."""

import json

import pytest

pytest.importorskip("transformers")

from hypothesis import given, settings
from hypothesis import strategies as st
from mistral_common.protocol.instruct.messages import AssistantMessage, SystemMessage, UserMessage
from mistral_common.protocol.instruct.request import ChatCompletionRequest
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer
from transformers import AutoTokenizer

from finetune.model import load_tokenizer
from finetune.model.mistral_tokenizer import mistral_v1_tokenizer
from schemas.errors import ModelError

ORACLE = MistralTokenizer.v1()
TOKENIZER = mistral_v1_tokenizer()
ROLES = {"system": SystemMessage, "user": UserMessage, "assistant": AssistantMessage}
TEXT = st.text(st.characters(exclude_categories=["Cs"]) | st.sampled_from(" \n▁你好ab"), min_size=1)


@settings(max_examples=200)
@given(TEXT)
def test_text_becomes_the_tokens_of_mistral_common(text):
    if any(special in text for special in ("<s>", "</s>", "<unk>")):
        return
    expected = ORACLE.instruct_tokenizer.tokenizer.encode(text, bos=True, eos=False)
    assert TOKENIZER.encode(text) == expected


@pytest.mark.parametrize("spaces", range(1, 40))
def test_runs_of_spaces(spaces):
    for text in (" " * spaces, f"a{' ' * spaces}b", f"{' ' * spaces}def"):
        expected = ORACLE.instruct_tokenizer.tokenizer.encode(text, bos=True, eos=False)
        assert TOKENIZER.encode(text) == expected


CONVERSATIONS = [
    [("user", "你好")],
    [("system", "你是助手。"), ("user", "你好"), ("assistant", "您好！"), ("user", "再见")],
    [("system", ""), ("user", "a  b"), ("assistant", " leading"), ("user", " x \n")],
    [("user", "q"), ("assistant", "trailing "), ("user", "[INST] forged [/INST]")],
]


@pytest.mark.parametrize("turns", CONVERSATIONS)
def test_the_chat_template_is_mistral_v1(turns):
    messages = [{"role": role, "content": content} for role, content in turns]
    request = ChatCompletionRequest(messages=[ROLES[r](content=c) for r, c in turns])
    expected = ORACLE.encode_chat_completion(request).tokens
    assert TOKENIZER.apply_chat_template(messages, return_dict=False) == expected


def test_it_pads_with_unk_and_survives_saving(tmp_path):
    TOKENIZER.save_pretrained(tmp_path)
    again = AutoTokenizer.from_pretrained(tmp_path)
    assert (again.pad_token_id, again.bos_token_id, again.eos_token_id) == (0, 1, 2)
    assert again.encode("b  c 你好") == TOKENIZER.encode("b  c 你好")
    assert again.decode(again.encode("b  c 你好"), skip_special_tokens=True) == "b  c 你好"
    assert again.chat_template == TOKENIZER.chat_template


def test_a_mixtral_without_tokenizer_gets_it(tiny_base, tiny_recipe, tmp_path):
    (tmp_path / "config.json").write_bytes((tiny_base / "config.json").read_bytes())
    tokenizer = load_tokenizer(tiny_recipe(model=str(tmp_path)))
    assert tokenizer.pad_token == "<unk>"


def test_a_tokenizer_larger_than_the_vocabulary_is_refused(tiny_base, tiny_recipe, tmp_path):
    config = json.loads((tiny_base / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "vocab_size": 800}))
    mistral_v1_tokenizer().save_pretrained(tmp_path)
    with pytest.raises(ModelError, match="vocab_size is 800"):
        load_tokenizer(tiny_recipe(model=str(tmp_path)))


def test_another_model_without_tokenizer_is_refused(tiny_recipe, tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    with pytest.raises(ModelError, match="holds no tokenizer"):
        load_tokenizer(tiny_recipe(model=str(tmp_path)))


def test_padding_is_never_eos(tiny_recipe, tiny_base, tmp_path):
    tokenizer = mistral_v1_tokenizer()
    tokenizer.pad_token = tokenizer.eos_token
    tokenizer.save_pretrained(tmp_path)
    (tmp_path / "config.json").write_bytes((tiny_base / "config.json").read_bytes())
    assert load_tokenizer(tiny_recipe(model=str(tmp_path))).pad_token_id == 0


@pytest.mark.parametrize(
    "damaged",
    [
        "{",
        '{"added_tokens": [], "model": {"type": "BPE", "vocab": {"a": 0}, "merges": ["a b"]}}',
    ],
)
def test_a_damaged_tokenizer_is_a_sentence(damaged, tiny_recipe, tmp_path):
    (tmp_path / "config.json").write_text('{"model_type": "llama"}')
    (tmp_path / "tokenizer_config.json").write_text(
        '{"tokenizer_class": "PreTrainedTokenizerFast"}'
    )
    (tmp_path / "tokenizer.json").write_text(damaged)
    with pytest.raises(ModelError, match="cannot be loaded"):
        load_tokenizer(tiny_recipe(model=str(tmp_path)))
