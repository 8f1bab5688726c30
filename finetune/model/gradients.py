"""Whether every trained tensor learns: a look at the gradients of the first steps.

With B = 0 the gradient of A is zero, and experts wait for their tokens. Neither shows that a tensor
is cut off, so each is looked at until a gradient has reached it.
"""

import math
import re
from typing import Any

import torch

from schemas.errors import ModelError

#: How many steps are looked at. After a warm-up's first step, at rate 0, B moves in the second.
LOOKS = 10

_EXPERT = re.compile(r"(.*\.experts\.)\d+(\..*)")


class GradientWatch:
    """Looks between backward pass and optimizer's step, until all is seen or looked at enough."""

    def __init__(self, model: Any, looks: int = LOOKS) -> None:
        self._weights = {name: w for name, w in model.named_parameters() if w.requires_grad}
        self._waiting = set(self._weights)
        self._looks = looks

    @property
    def done(self) -> bool:
        """Whether further looks are needless."""
        return not self._waiting or self._looks == 0

    def look(self) -> list[str]:
        """Look at a step's gradients; gives the names of the tensors that none has reached yet.

        A lora_B must have one at once, a lora_A when its lora_B is no longer zero. The adapters of
        an expert without tokens may wait; after the last look they are all that is left. Raises
        ModelError for a gradient that is missing, not finite, or zero for no such reason.
        """
        self._looks -= 1
        peaks = _peaks(self._weights)
        self._waiting -= {name for name, peak in peaks.items() if peak > 0}
        reached = {_expert(name) for name, peak in peaks.items() if peak > 0}
        reached_roles = {_role(name) for name, peak in peaks.items() if peak > 0}
        for name in sorted(self._waiting):
            unused = _EXPERT.fullmatch(name) is not None and _expert(name) not in reached
            # Every layer sends every token to some of its experts.
            unused = unused and (".lora_A." in name or _role(name) in reached_roles)
            if not unused and not self._waits_for_b(name):
                raise ModelError(f"{name} has a gradient of zero; it is cut off from the loss")
        return sorted(self._waiting)

    def _waits_for_b(self, name: str) -> bool:
        """A lora_A learns nothing as long as its lora_B is zero, which must end outside experts."""
        other = self._weights.get(name.replace(".lora_A.", ".lora_B."))
        behind = ".lora_A." in name and other is not None and not bool(other.any())
        return behind and (self._looks > 0 or _EXPERT.fullmatch(name) is not None)


def _peaks(weights: dict[str, torch.Tensor]) -> dict[str, float]:
    """The largest absolute value of each gradient, brought from the device at once."""
    for name, weight in weights.items():
        if weight.grad is None:
            raise ModelError(f"{name} has no gradient; it is cut off from the loss")
    largest = torch.stack([w.grad.abs().amax().float() for w in weights.values()]).tolist()
    peaks = dict(zip(weights, largest, strict=True))
    for name, peak in peaks.items():
        if not math.isfinite(peak):
            raise ModelError(f"{name} has a gradient that is not finite; lower learning_rate")
    return peaks


def _expert(name: str) -> str:
    """The expert that a tensor belongs to; of others, the tensor itself."""
    found = re.match(r".*\.experts\.\d+\.", name)
    return found[0] if found else name


def _role(name: str) -> str:
    """What a tensor is in its layer, whichever expert it belongs to."""
    return _EXPERT.sub(r"\1\2", name)
