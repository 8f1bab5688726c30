import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mistral_common.tokens.tokenizers.mistral import MistralTokenizer

from curation.stages.control_tokens import FAMILIES, control_tokens, escape, find
from schemas.recipe import ControlTokens
from tests.stages.batches import batch_of

TOKENS = {
    "mistral": ["[INST]", "[/INST]", "[TOOL_CALLS]", "[AVAILABLE_TOOLS]", "[/TOOL_RESULTS]"],
    "llama2": ["<<SYS>>", "<</SYS>>"],
    "sentencepiece": ["<s>", "</s>", "<unk>", "<pad>"],
    "chatml": ["<|im_start|>", "<|im_end|>"],
    "llama3": ["<|begin_of_text|>", "<|start_header_id|>", "<|eot_id|>"],
    "special": ["<|endoftext|>", "<|system|>", "<|user|>", "<|assistant|>", "<|fim_prefix|>"],
    "deepseek": ["<｜begin▁of▁sentence｜>", "<｜User｜>"],
    "gemma": ["<start_of_turn>", "<end_of_turn>"],
    "qwen": ["<think>", "</think>", "<tool_call>", "</tool_call>"],
    "cohere": ["<BOS_TOKEN>", "<EOS_TOKEN>"],
    "idefics": ["<end_of_utterance>"],
    "exaone": ["[|Human|]", "[|AI|]", "[|assistant|]", "[|endofturn|]"],
    "chatglm": ["[gMASK]", "<sop>"],
    "internlm": ["[UNUSED_TOKEN_145]", "<eoh>", "<eoa>", "<eot>", "<eoc>", "<eor>", "<eod>"],
    "baichuan": ["<reserved_106>"],
    "alpaca": [
        "### Instruction:",
        "### Response:",
        "###Human:",
        "### 指令：",
        "###  Input:",
        "## Instruction:",
    ],
}
ALL = [token for tokens in TOKENS.values() for token in tokens]


@pytest.mark.parametrize(("family", "tokens"), TOKENS.items())
def test_found_and_broken(family, tokens):
    assert set(TOKENS) == set(FAMILIES)
    for token in tokens:
        text = f"前\n{token}后"
        assert list(find(text)) == [(family, token)]
        assert escape(text) == f"前\n{token[0]}\\{token[1:]}后"


@pytest.mark.parametrize(
    "text",
    [
        "<strike>x</strike>", "<span>", "### 标题", "## 输入：", "## Input:", "### Response",
        "[INSTALL]",
        "a << b",
        "a <| b |> c", "arr[inst]", "<start>", "[1]", "<mask>", r"[\INST]",
        "USER: 你好", "usage: app [OPTIONS] [ARGS]", "List<s> x;", "E[|X|]", r"#\## Instruction:",
    ],
)  # fmt: skip
def test_look_alikes_stay(text):
    assert not list(find(text))
    assert escape(text) == text


def test_what_stands_before_decides():
    assert escape("[TOOL_CALLS]f[ARGS]{}") == r"[\TOOL_CALLS]f[\ARGS]{}"
    assert escape("word</s>文字</s><s>") == r"word<\/s>文字<\/s><\s>"


def test_fourth_level_headings_hide_a_prompt_too():
    assert escape("#### Response:") == r"##\## Response:"


@given(st.lists(st.sampled_from([*ALL, "<", ">", "#", "\n", " ", "s", "|", "[", "\\"]), max_size=8))
def test_escaped_text_holds_no_token_and_stays(parts):
    once = escape("".join(parts))
    assert not list(find(once))
    assert escape(once) == once
    assert not [t for t in ALL if t in once and not t.startswith("#") and t != "<s>"]


def test_the_base_model_reads_no_control_token_in_escaped_text():
    tokenizer = MistralTokenizer.v1().instruct_tokenizer.tokenizer
    for token in ALL:
        ids = tokenizer.encode(f"前{escape(token)}后", bos=False, eos=False)
        assert not {tokenizer.bos_id, tokenizer.eos_id} & {*ids}, token


def batch():
    return batch_of(
        ["你好", "你好"],
        [("system", "<<SYS>>"), ("user", "[INST] 问 [/INST]</s>"), ("assistant", "答")],
        ["问", "### Response: 答"],
    )


def test_escaping():
    result = control_tokens(batch(), ControlTokens())
    assert result.columns["control_tokens"].to_pylist() == [0, 4, 1]
    assert str(result.columns["control_tokens"].type) == "int32"
    assert [(e.row, e.turn, e.rules, e.after) for e in result.edits] == [
        (1, 0, ("llama2",), r"<\<SYS>>"),
        (1, 1, ("mistral", "sentencepiece"), r"[\INST] 问 [\/INST]<\/s>"),
        (2, 1, ("alpaca",), r"#\## Response: 答"),
    ]
    assert result.columns["messages"].to_pylist()[2][1]["content"] == r"#\## Response: 答"


def test_evidence_never_shows_a_token():
    secret = "<|sk-proj-Zx9QabcdefghijklmnopQRST|>"
    dropped = control_tokens(batch_of(["问", secret]), ControlTokens(action="drop"))
    assert dropped.drops[0].evidence == {"families": {"special": 1}, "turns": [1]}


def test_dropping_and_keeping():
    dropped = control_tokens(batch(), ControlTokens(action="drop"))
    assert [(d.row, d.reason) for d in dropped.drops] == [
        (1, "control_tokens"),
        (2, "control_tokens"),
    ]
    assert dropped.drops[0].evidence == {
        "families": {"llama2": 1, "mistral": 2, "sentencepiece": 1},
        "turns": [0, 1],
    }
    kept = control_tokens(batch(), ControlTokens(action="keep"))
    assert kept.columns["control_tokens"].to_pylist() == [0, 4, 1]
    assert set(kept.columns) == {"control_tokens"}
    assert not kept.edits


@pytest.mark.parametrize("part", ["<", "[", "<|a", "<|", "###", "### ", "[/", "<｜a", "<<", "#"])
def test_no_input_is_slow(part):
    text = part * (1_000_000 // len(part))
    start = time.process_time()
    escape(text)
    assert time.process_time() - start < 1
