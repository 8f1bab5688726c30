"""One model, one answer at a time, with the adapter or without."""

import math
import threading
from collections.abc import Generator
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import torch
from transformers import GenerationConfig, StoppingCriteria
from transformers.generation.streamers import BaseStreamer

from finetune.base import template_of
from finetune.chatting.dialogue import Dialogue, Fitted, fit
from finetune.chatting.text import TextStream
from finetune.model import load_adapter
from finetune.rendering import choose_renderer
from finetune.rendering.rendered import Renderer
from schemas.errors import AuroraError

Piece = str | Exception | None  # None: the end

MAX_SEED = 2**53 - 1  # what a browser, too, keeps to the last digit
COLDEST = 1e-3  # below, logits / temperature overflows; the likeliest token has all the mass there


@dataclass(frozen=True)
class Sampling:
    """How a token is chosen. The same prompt and `seed` give the same answer on one machine.

    Raises AuroraError for a value that has no meaning.
    """

    max_new_tokens: int = 1024
    temperature: float = 0.7  # 0: always the likeliest
    top_p: float = 0.9
    seed: int = 42

    def __post_init__(self) -> None:
        for name, right, what in (
            ("max_new_tokens", self.max_new_tokens >= 1, "at least 1"),
            ("temperature", 0 <= self.temperature < math.inf, "0 or more"),
            ("top_p", 0 < self.top_p <= 1, "above 0 and at most 1"),
            ("seed", 0 <= self.seed <= MAX_SEED, f"from 0 to {MAX_SEED}"),
        ):
            if not right:
                raise AuroraError(f"{name} is {getattr(self, name)}; it must be {what}")


class Answerer:
    """A loaded adapter and the renderer that it was trained with.

    The adapter switch and torch's random state belong to the whole process, so one lock covers an
    answer from first to last token: others wait, and nobody hears the other model in the middle.
    """

    def __init__(self, model: Any, renderer: Renderer) -> None:
        self.model = model.eval()
        self.renderer = renderer
        self.context: int = model.config.max_position_embeddings
        self._lock = threading.Lock()

    def fit(self, dialogue: Dialogue, question: str, sampling: Sampling) -> Fitted:
        """The prompt for the next answer. Raises AuroraError for a question that is too long."""
        answer = min(sampling.max_new_tokens, self.context // 2)  # history keeps half at least
        return fit(dialogue, question, self.renderer, context=self.context, answer=answer)

    def answer(self, fitted: Fitted, sampling: Sampling, *, base: bool = False) -> Generator[str]:
        """The answer in pieces of whole characters; `base` leaves the adapter out.

        Closing the iterator stops the answer. Raises AuroraError where the memory does not suffice.
        """
        pieces: SimpleQueue[Piece] = SimpleQueue()
        stop = threading.Event()
        arguments = (fitted, sampling, base, pieces, stop)
        worker = threading.Thread(target=self._work, args=arguments, daemon=True)
        worker.start()
        try:
            while (piece := pieces.get()) is not None:
                if isinstance(piece, Exception):
                    raise piece
                yield piece
        finally:
            stop.set()
            worker.join()

    def _work(
        self,
        fitted: Fitted,
        sampling: Sampling,
        base: bool,
        pieces: "SimpleQueue[Piece]",
        stop: threading.Event,
    ) -> None:
        """Generate into `pieces`. Nothing blocks here, so the lock is always given back."""
        try:
            with self._lock, self.model.disable_adapter() if base else nullcontext():
                if not stop.is_set():  # whoever asked may have left while others were answered
                    self._generate(fitted, sampling, pieces, stop)
        except torch.OutOfMemoryError:
            pieces.put(
                AuroraError(
                    f"the GPU has no memory for a prompt of {len(fitted.prompt)} tokens; begin "
                    "anew with /new, or lower --max-new-tokens"
                )
            )
        except Exception as error:  # noqa: BLE001 - whoever reads the pieces raises it
            pieces.put(error)
        finally:
            pieces.put(None)

    def _generate(
        self,
        fitted: Fitted,
        sampling: Sampling,
        pieces: "SimpleQueue[Piece]",
        stop: threading.Event,
    ) -> None:
        torch.manual_seed(sampling.seed)
        prompt = torch.tensor([fitted.prompt], device=self.model.device)
        with torch.inference_mode():
            self.model.generate(
                input_ids=prompt,
                attention_mask=torch.ones_like(prompt),
                generation_config=self._config(sampling, fitted.room),
                streamer=_Streamer(self.renderer, pieces),
                stopping_criteria=[_Stop(stop)],
            )

    def _config(self, sampling: Sampling, room: int) -> GenerationConfig:
        """What the base's own settings leave open stays with them, such as a repetition penalty."""
        ends = self.model.generation_config.eos_token_id or []
        ends = ends if isinstance(ends, list) else [ends]
        config = GenerationConfig(
            max_new_tokens=room,
            eos_token_id=sorted({*ends, self.renderer.eos_id}),
            pad_token_id=self.renderer.pad_id,
            use_cache=True,
            do_sample=sampling.temperature >= COLDEST,
        )
        if config.do_sample:
            config.temperature, config.top_p = sampling.temperature, sampling.top_p
        return config


class _Streamer(BaseStreamer):  # type: ignore[misc]  # transformers is Any to mypy
    """What `generate` hands its tokens to, the prompt first."""

    def __init__(self, renderer: Renderer, pieces: "SimpleQueue[Piece]") -> None:
        self._stream = TextStream(renderer.decode)
        self._pieces = pieces
        self._prompt = True

    def put(self, value: torch.Tensor) -> None:
        """Take the prompt (1, length) once, then one token (1,) at a time."""
        if self._prompt:
            self._prompt = False
            return
        for token in value.tolist():
            self._give(self._stream.feed(token))

    def end(self) -> None:
        """Give out what an unfinished character leaves."""
        self._give(self._stream.end())

    def _give(self, text: str) -> None:
        if text:
            self._pieces.put(text)


class _Stop(StoppingCriteria):  # type: ignore[misc]
    """Stops between two tokens once `event` is set."""

    def __init__(self, event: threading.Event) -> None:
        self._event = event

    def __call__(self, input_ids: torch.Tensor, _scores: Any, **_: Any) -> torch.Tensor:
        """One verdict per row."""
        return torch.full((len(input_ids),), self._event.is_set(), device=input_ids.device)


def open_adapter(directory: Path, *, quantization: str | None, base: str | None) -> Answerer:
    """Load an adapter directory to chat with. Raises ModelError where it does not fit its base."""
    loaded = load_adapter(directory, quantization=quantization, base=base)
    template = template_of(loaded.record.recipe.template, loaded.model.config)
    return Answerer(loaded.model, choose_renderer(template, loaded.tokenizer))
