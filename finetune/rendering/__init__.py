"""From conversations to exact tokens and exact masks. docs/rendering.md explains it."""

from typing import Any

from finetune.rendering.rendered import IGNORED, Refused, Rendered, Renderer

__all__ = ["IGNORED", "Refused", "Rendered", "Renderer", "choose_renderer"]


def choose_renderer(template: str, tokenizer: Any = None) -> Renderer:
    """The renderer of a template that `finetune.base.template_of` names.

    `tokenizer` is the base model's, of transformers; `mistral-v1` needs none.
    Raises ModelError where the tokenizer's chat template cannot be rendered exactly.
    """
    if template == "mistral-v1":
        from finetune.rendering.mistral import mistral_v1

        return mistral_v1()
    from finetune.rendering.chat_template import from_tokenizer

    return from_tokenizer(tokenizer)
