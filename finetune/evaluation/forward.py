"""Forward passes: with the adapter and without, shared beginnings once, logits in fp32."""

import contextlib
import copy
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

import torch


@contextlib.contextmanager
def without_adapter(model: Any) -> Iterator[None]:
    """The base alone: the same 4-bit weights, the adapter switched off."""
    with model.disable_adapter():
        yield


class Shared:
    """What all prompts of a subject begin with, its shots, read by the model once."""

    def __init__(self, model: Any, ids: Sequence[int]) -> None:
        """Read `ids` with `model`, which may have an adapter switched on or off."""
        self._model, self._length = model, len(ids)
        self._device = next(model.parameters()).device
        self._cache = None
        if ids:
            given = torch.tensor([[*ids]], device=self._device)
            self._cache = _decoder(model)(given, use_cache=True).past_key_values

    def next_token(self, prompts: Sequence[Sequence[int]]) -> torch.Tensor:
        """Log-probabilities (prompts, vocabulary) of what comes after each prompt.

        Prompts are padded on the right, where causal attention does not look.
        """
        rest = [one[self._length :] for one in prompts]
        longest = max(map(len, rest))
        ids = torch.tensor([[*one] + [0] * (longest - len(one)) for one in rest])
        cache = copy.deepcopy(self._cache)
        if cache is not None:
            cache.batch_repeat_interleave(len(prompts))
        hidden = _decoder(self._model)(
            ids.to(self._device), past_key_values=cache, use_cache=cache is not None
        ).last_hidden_state
        last = hidden[torch.arange(len(rest)), torch.tensor([len(one) - 1 for one in rest])]
        return project(self._model, last).log_softmax(-1).cpu()


def common(prompts: Sequence[tuple[int, ...]]) -> tuple[int, ...]:
    """The longest beginning of all prompts that leaves each at least one token."""
    first, last = min(prompts), max(prompts)  # as words in a dictionary: the most different
    most = min(map(len, prompts)) - 1
    same = (a == b for a, b in zip(first, last, strict=False))
    return first[: min(most, sum(itertools.takewhile(bool, same)))]


def _decoder(model: Any) -> Any:
    return model.get_base_model().get_decoder()


def hidden_states(model: Any, ids: torch.Tensor) -> torch.Tensor:
    """Last hidden states (batch, length, width) of `ids` (batch, length)."""
    states: torch.Tensor = _decoder(model)(ids, use_cache=False).last_hidden_state
    return states


def project(model: Any, hidden: torch.Tensor) -> torch.Tensor:
    """Logits (..., vocabulary) of hidden states (..., width), in fp32."""
    head = model.get_output_embeddings()
    bias = None if head.bias is None else head.bias.float()
    return torch.nn.functional.linear(hidden.float(), head.weight.float(), bias)
