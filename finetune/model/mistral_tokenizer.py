"""Mixtral's v1 tokenizer, made offline from the SentencePiece model in mistral-common's wheel.

transformers' own conversion orders the merges by piece id. Here white space has the lowest score
whatever its id, so that "b  c" comes out as other tokens; we order them by score, as SentencePiece
does. Text without control tokens gets the tokens of mistral-common (tests compare them).
"""

from importlib.resources import files
from typing import Any

# Mistral v1: the system text opens the first user turn. Each turn begins with a space of its own,
# as each is encoded on its own there. Control tokens are the tokenizer's business, so content
# that must not yield one is encoded by finetune.rendering; this template is for servers.
CHAT_TEMPLATE = """\
{%- set system = '' %}
{%- if messages[0]['role'] == 'system' %}
    {%- set system = messages[0]['content'] + '\\n\\n' if messages[0]['content'] else '' %}
    {%- set messages = messages[1:] %}
{%- endif %}
{{- bos_token }}
{%- for message in messages %}
    {%- if (message['role'] == 'user') != (loop.index0 % 2 == 0) %}
        {{- raise_exception('roles must alternate user/assistant/user/assistant/...') }}
    {%- endif %}
    {%- if message['role'] == 'user' %}
        {{- '[INST] ' + (system if loop.first else '') + message['content'] + ' [/INST]' }}
    {%- elif message['role'] == 'assistant' %}
        {{- ' ' + message['content'] + eos_token }}
    {%- else %}
        {{- raise_exception('only system, user and assistant turns are supported') }}
    {%- endif %}
{%- endfor %}"""

# Padding is never EOS: a padded row must not teach to stop, nor hide where it is taught.
_SPECIAL = {"unk_token": "<unk>", "bos_token": "<s>", "eos_token": "</s>", "pad_token": "<unk>"}


def mistral_v1_tokenizer() -> Any:
    """A PreTrainedTokenizerFast with Mistral's v1 chat template; it pads with <unk>."""
    from sentencepiece import SentencePieceProcessor
    from transformers import PreTrainedTokenizerFast

    path = files("mistral_common") / "data" / "tokenizer.model.v1"
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=_convert(SentencePieceProcessor(model_proto=path.read_bytes())),
        clean_up_tokenization_spaces=False,
        model_max_length=32768,
        **_SPECIAL,
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    return tokenizer


def _convert(model: Any) -> Any:
    from tokenizers import AddedToken, Tokenizer, decoders, models, normalizers, processors

    pieces = [model.id_to_piece(i) for i in range(model.get_piece_size())]
    tokenizer = Tokenizer(
        models.BPE(
            vocab={piece: i for i, piece in enumerate(pieces)},
            merges=_merges(model, pieces),
            unk_token=_SPECIAL["unk_token"],
            fuse_unk=True,
            byte_fallback=True,
        )
    )
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")]
    )
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(" ", 1, 0),
        ]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", 1)]
    )
    special = dict.fromkeys(_SPECIAL.values())
    tokenizer.add_special_tokens([AddedToken(t, special=True, normalized=False) for t in special])
    return tokenizer


def _merges(model: Any, pieces: list[str]) -> list[tuple[str, str]]:
    """Every split of every piece into two pieces, best score first."""
    ids = {piece: i for i, piece in enumerate(pieces)}
    merges = []
    for i, piece in enumerate(pieces):
        if model.is_byte(i) or piece in _SPECIAL.values():
            continue
        splits = ((piece[:cut], piece[cut:]) for cut in range(1, len(piece)))
        known = [(ids[a], ids[b], a, b) for a, b in splits if a in ids and b in ids]
        merges += [(-model.get_score(i), a, b) for _, _, a, b in sorted(known)]
    merges.sort(key=lambda merge: merge[0])
    return [(a, b) for _, a, b in merges]
