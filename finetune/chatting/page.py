"""A page on this machine: base and adapter answer the same question, side by side.

Both come from the one model in memory, so they answer one after the other. What is said lives in
the page's session and goes nowhere else: no telemetry, no share link, no font from elsewhere.
"""

import html
import os
from collections.abc import Callable, Iterator
from typing import Any

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # read when gradio is imported

import gradio as gr

from finetune.chatting.answering import Answerer, Sampling
from finetune.chatting.dialogue import Dialogue
from finetune.chatting.labels import CHINESE, ENGLISH
from finetune.chatting.text import printable
from finetune.console import out
from schemas.errors import AuroraError

HERE = "127.0.0.1"

LABELS = gr.I18n(en=ENGLISH, zh=CHINESE, **{"zh-CN": CHINESE, "zh-TW": CHINESE})

Dialogues = tuple[Dialogue, Dialogue]  # with the adapter, base
Answer = tuple[list[dict[str, str]], list[dict[str, str]], Dialogues]


def reply(
    answerer: Answerer, sampling: Sampling, dialogues: Dialogues, question: str
) -> Iterator[Answer]:
    """Both histories after every piece of text, the adapter's answer first."""
    shown = [_history(each) for each in dialogues]
    for side in (0, 1):
        fitted = answerer.fit(dialogues[side], question, sampling)
        if fitted.forgotten:
            gr.Info(
                f"{('With the adapter', 'Base model')[side]}: the conversation got too long; "
                f"rounds no longer read, the oldest first: {fitted.forgotten}",
                title="",
            )
        shown[side] = [*_history(fitted.dialogue), _message("user", question)]
        shown[side].append(_message("assistant", ""))
        said = ""
        pieces = answerer.answer(fitted, sampling, base=side == 1)
        try:
            for piece in pieces:
                said += printable(piece)
                shown[side][-1] = _message("assistant", said)
                dialogues = _replaced(dialogues, side, fitted.dialogue.then(question, said))
                yield shown[0], shown[1], dialogues
        finally:  # the reader pressed Stop or went away
            pieces.close()
    yield shown[0], shown[1], dialogues


def _replaced(dialogues: Dialogues, side: int, dialogue: Dialogue) -> Dialogues:
    return (dialogues[0], dialogue) if side else (dialogue, dialogues[1])


def _message(role: str, text: str) -> dict[str, str]:
    """`text` as HTML: a Chatbot without Markdown still renders tags, and fetches their images."""
    return {"role": role, "content": html.escape(text, quote=False)}


def _history(dialogue: Dialogue) -> list[dict[str, str]]:
    return [
        _message(role, content)
        for each in dialogue.rounds
        for role, content in zip(("user", "assistant"), each, strict=True)
    ]


def _asker(answerer: Answerer) -> Callable[..., Iterator[Any]]:
    """What a question does: answers into both chats, and empties the box that it stood in.

    A question or a setting that cannot be is a warning, and everything stays as it was.
    """

    def ask(
        question: str,
        system: str,
        seed: float | None,
        temperature: float,
        top_p: float,
        length: float | None,
        dialogues: Dialogues,
    ) -> Iterator[Any]:
        question = printable(question).strip()
        if not question:
            return
        if dialogues[0].system != (wanted := printable(system).strip()):
            dialogues = (Dialogue(wanted), Dialogue(wanted))
        box: Any = ""
        try:
            sampling = _sampling(seed, temperature, top_p, length)
            for answer in reply(answerer, sampling, dialogues, question):
                yield *answer, box
                box = gr.skip()  # the next question may stand in it already
        except AuroraError as error:
            gr.Warning(str(error), title="")

    return ask


def _sampling(
    seed: float | None, temperature: float, top_p: float, length: float | None
) -> Sampling:
    """What the browser sends: 1 for 1.0, nothing for an empty field. Raises AuroraError."""
    if seed is None or length is None:
        raise AuroraError("the seed and the longest answer must be numbers; one is empty")
    return Sampling(int(length), float(temperature), float(top_p), int(seed))


def build(answerer: Answerer, sampling: Sampling, system: str) -> gr.Blocks:
    """The page; `sampling` and `system` are what it begins with."""
    with gr.Blocks(title="Aurora", analytics_enabled=False, fill_height=True) as page:
        state = gr.State((Dialogue(system), Dialogue(system)))
        with gr.Row(scale=1):
            chats = [_chat("adapter"), _chat("base")]
        box = gr.Textbox(label=LABELS("question"), lines=2, max_lines=8, autofocus=True)
        with gr.Row():
            submit = gr.Button(LABELS("ask"), variant="primary")
            stop = gr.Button(LABELS("stop"))
            fresh = gr.Button(LABELS("new"))
        settings = _settings(sampling, system)
        # One question at a time; the lock in Answerer guards against any other way in.
        asking = gr.on(
            [submit.click, box.submit],
            _asker(answerer),
            [box, *settings, state],
            [*chats, state, box],
            api_name="ask",
            concurrency_limit=1,
            stream_every=0.1,
        )
        stop.click(None, cancels=asking)
        clearing = [fresh.click, *(chat.clear for chat in chats)]
        gr.on(
            clearing,
            lambda: ([], [], (Dialogue(system), Dialogue(system))),
            None,
            [*chats, state],
            api_name="new",
            cancels=asking,
        )
    return page


def _chat(label: str) -> gr.Chatbot:
    """Plain text only: what a model says must not become HTML, Markdown, a link or a formula."""
    return gr.Chatbot(
        label=LABELS(label),
        render_markdown=False,
        sanitize_html=True,
        allow_tags=False,
        latex_delimiters=[],
        reasoning_tags=[],
        feedback_options=None,
        buttons=[],  # they would copy the escapes; selected text is copied as it reads
        height="60vh",
    )


def _settings(sampling: Sampling, system: str) -> list[Any]:
    """System text, seed, temperature, top-p and length, in the order of `ask`."""
    with gr.Accordion(LABELS("settings"), open=False):
        system_box = gr.Textbox(system, label=LABELS("system"))
        with gr.Row():
            seed = gr.Number(sampling.seed, label=LABELS("seed"), precision=0)
            temperature = gr.Slider(0, 2, sampling.temperature, label=LABELS("temperature"))
            top_p = gr.Slider(0.01, 1, sampling.top_p, label=LABELS("top_p"))
            length = gr.Number(sampling.max_new_tokens, label=LABELS("length"), precision=0)
    return [system_box, seed, temperature, top_p, length]


def launch(page: gr.Blocks, port: int | None) -> str:
    """Serve `page` on this machine from threads of its own; gives its address."""
    _, address, _ = page.launch(
        server_name=HERE,
        server_port=port,
        share=False,
        quiet=True,
        prevent_thread_lock=True,
        ssr_mode=False,
        run_history=False,
        footer_links=[],
        theme=gr.themes.Default(font=["system-ui", "sans-serif"], font_mono=["monospace"]),
        i18n=LABELS,
    )
    return str(address)


def serve(answerer: Answerer, sampling: Sampling, system: str, port: int | None) -> None:
    """Serve the page until Ctrl-C. Raises AuroraError where the port is taken."""
    page = build(answerer, sampling, system)
    try:
        out.print(f"{launch(page, port)} (on this machine only; Ctrl-C ends)", soft_wrap=True)
    except OSError as error:
        raise AuroraError(f"port {port} is taken; choose another with --port") from error
    page.block_thread()
