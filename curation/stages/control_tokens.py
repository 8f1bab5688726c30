r"""Control tokens of chat templates that stand in the text of messages.

A `</s>` in a message ends the sequence when a tokenizer reads it, and `[INST]` opens a turn that
nobody took, whatever the author meant: HTML's <s> is escaped too. Escaped is with a backslash after
the first character (`[\INST]`, `<\/s>`, `#\## Instruction:`): one rule for all, readable, and no
tokenizer has a token with a backslash in it. Escaping twice is escaping once.
"""

import re
from collections import Counter
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from curation.stages.batch import Edit, StageResult, Turns, edited, messages_array, turns
from curation.stages.counted import Counted, drops
from schemas.recipe import ControlTokens

# The words that head the parts of an Alpaca prompt. A heading without the colon is Markdown.
_HEADINGS = (
    "Instructions?|Input|Response|Output|Question|Answer|Context|Human|Assistant|User|System|Prompt"
    "|指令|指示|输入|输入内容|输出|回应|回答|回复|响应|答案|问题|问|答|用户|助手|系统|人类|上下文"
)

#: Family → its tokens, as both RE2 and Python read it. The names are the rules in the ledger.
FAMILIES: dict[str, str] = {
    # Mistral's templates; [IMG] and [MASK] are ordinary words and not read from text.
    "mistral": r"\[/?(?:INST|AVAILABLE_TOOLS|TOOL_RESULTS|TOOL_CONTENT|SYSTEM_PROMPT|MODEL_SETTINGS"
    r"|THINK)\]|\[(?:TOOL_CALLS|CALL_ID|ARGS)\]",
    "llama2": r"<</?SYS>>",
    # BOS, EOS, UNK, PAD of SentencePiece models: the base model's own among them.
    "sentencepiece": r"</?s>|<(?:unk|pad|bos|eos)>",
    "chatml": r"<\|im_(?:start|end|sep)\|>",
    "llama3": r"<\|(?:begin_of_text|end_of_text|start_header_id|end_header_id|eot_id|eom_id"
    r"|python_tag|finetune_right_pad_id)\|>",
    # GPT's, Zephyr's, Phi's, Qwen's and all others of this form.
    "special": r"<\|/?[A-Za-z][A-Za-z0-9_.:▁-]{0,63}\|>",
    "deepseek": r"<｜[A-Za-z][A-Za-z0-9_.:▁-]{0,63}｜>",
    "gemma": r"<(?:start|end)_of_turn>",
    "qwen": r"</?(?:think|tool_call|tool_response)>",  # DeepSeek's too
    "cohere": r"<(?:BOS|EOS|PAD|UNK|CLS|SEP|MASK)_TOKEN>",
    "idefics": r"<end_of_utterance>",
    # With the names that models use: E[|X|] is mathematics.
    "exaone": r"\[\|(?i:human|ai|user|assistant|system|bot|tool|endofturn)\|\]",
    "chatglm": r"\[[gs]MASK\]|<(?:sop|eop)>",
    "internlm": r"\[UNUSED_TOKEN_[0-9]{1,4}\]|<TOKENS_UNUSED_[0-9]{1,4}>|<eo[acdhmrtu]>",
    "baichuan": r"<reserved_[0-9]{1,5}>",
    # Not tokens, but what prompts are built by and split at, wherever in a line they stand.
    # With two signs, as in any Markdown, only the words that nothing but a prompt is headed with.
    "alpaca": rf"###[ \t]{{0,2}}(?i:{_HEADINGS})[ \t]?[:：]"
    r"|##[ \t]{1,2}(?:Instructions?|Response)[ \t]?[:：]",
}
#: What [ARGS] belongs to; without it, it is a word of a manual (usage: app [ARGS]).
_CALL = re.compile(r"\[(?:TOOL_CALLS|CALL_ID)\]")
_CALL_REACH = 100
_SUSPECT = "|".join(FAMILIES.values())
_TOKEN = re.compile(
    r"(?=[\[<]|##)(?:" + "|".join(f"(?P<{name}>{form})" for name, form in FAMILIES.items()) + ")"
)


def control_tokens(batch: pa.RecordBatch, config: ControlTokens) -> StageResult:
    """Column `control_tokens`, how many a conversation has (int32); and what `action` asks for.

    escape: an edit per message, its rules the families. drop: reason `control_tokens`, the
    evidence counts families. keep: the column only.
    """
    flat = turns(batch)
    found = list(_search(flat))
    totals = np.zeros(len(batch), np.int32)
    for message in found:
        totals[message.row] += message.counts.total()
    columns = {"control_tokens": pa.array(totals, pa.int32())}
    if config.action == "drop":
        return StageResult(columns, drops=drops(found, "control_tokens", "families"))
    if config.action == "keep" or not found:
        return StageResult(columns)
    edits = [Edit(f.row, f.turn, tuple(f.counts), f.before, f.after) for f in found]
    return StageResult(columns | {"messages": messages_array(edited(flat, edits))}, edits=edits)


def escape(text: str) -> str:
    """`text` with each control token broken by a backslash after its first character."""
    return _TOKEN.sub(lambda match: _broken(match) if _is_token(match) else match[0], text)


def find(text: str) -> Iterator[tuple[str, str]]:
    """Family and token of each control token in `text`, in order."""
    for match in filter(_is_token, _TOKEN.finditer(text)):
        yield str(match.lastgroup), match[0]


def _is_token(match: re.Match[str]) -> bool:
    """Whether what stands before lets it be a token: List<s> is a type, ## may be escaped."""
    text, start, found = match.string, match.start(), match[0]
    before = text[start - 1 : start] if start else ""
    if found == "<s>":
        return not (before.isascii() and before.isalpha())
    if found == "[ARGS]":
        return bool(_CALL.search(text, max(0, start - _CALL_REACH), start))
    return found.startswith("###") or not found.startswith("##") or before not in {"\\", "#"}


def _broken(match: re.Match[str]) -> str:
    return f"{match[0][0]}\\{match[0][1:]}"


def _search(flat: Turns) -> Iterator[Counted]:
    rows = flat.rows
    suspects = pc.fill_null(pc.match_substring_regex(flat.contents, _SUSPECT), False)
    for i in np.flatnonzero(suspects.to_numpy(zero_copy_only=False)).tolist():
        text = flat.contents[i].as_py()
        counts = Counter(family for family, _ in find(text))
        if counts:
            row = int(rows[i])
            ordered = Counter({family: counts[family] for family in FAMILIES if family in counts})
            yield Counted(row, i - int(flat.offsets[row]), text, escape(text), ordered)
