"""Load a model with its experts split, in 4 bits or as they are.

transformers gives a quantizer two hooks that this needs: one between building the model on the
meta device and reading its weights, one for the renaming of checkpoint keys. Both quantizers are
registered under names of their own; a plain `load_in_4bit` elsewhere is not changed.
"""

import re
from typing import Any

import torch
from bitsandbytes.nn import Linear4bit
from transformers import BitsAndBytesConfig
from transformers.core_model_loading import WeightConverter, WeightRenaming
from transformers.quantizers.auto import register_quantizer
from transformers.quantizers.base import HfQuantizer
from transformers.quantizers.quantizer_bnb_4bit import Bnb4BitHfQuantizer
from transformers.utils.quantization_config import QuantizationConfigMixin, QuantizationMethod

from finetune.model.experts import PROJECTIONS, ExpertList, split_experts
from schemas.errors import ModelError

_FOUR_BIT, _AS_IT_IS = "split-experts-4bit", "split-experts"

# Never quantised, never adapted: they decide where tokens go, and are small.
ROUTERS = ("gate", "router", "shared_expert_gate")


def is_router(name: str) -> bool:
    """Whether a module is a router or part of one."""
    return not set(ROUTERS).isdisjoint(name.split("."))


def four_bit_config(kind: str, double: bool, compute_dtype: torch.dtype) -> BitsAndBytesConfig:
    """`kind` is nf4 or fp4. Passed to `from_pretrained`, it quantises experts as well."""
    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type=kind,
        bnb_4bit_use_double_quant=double,
        bnb_4bit_compute_dtype=compute_dtype,
    )
    config.quant_method = _FOUR_BIT
    return config


def unquantized_config() -> QuantizationConfigMixin:
    """Passed to `from_pretrained`, it splits the experts and quantises nothing."""
    return QuantizationConfigMixin(quant_method=_AS_IT_IS)


@register_quantizer(_FOUR_BIT)
class SplitExperts4Bit(Bnb4BitHfQuantizer):  # type: ignore[misc]  # not read by mypy
    """bitsandbytes' 4-bit quantizer, for experts too."""

    def __init__(self, quantization_config: BitsAndBytesConfig, **kwargs: Any) -> None:
        # Our name was for the look-up; to everything else this is bitsandbytes as usual.
        quantization_config.quant_method = QuantizationMethod.BITS_AND_BYTES
        super().__init__(quantization_config, **kwargs)

    def _process_model_before_weight_loading(
        self, model: Any, device_map: Any = None, **kwargs: Any
    ) -> None:
        split_experts(model)
        super()._process_model_before_weight_loading(model, device_map, **kwargs)

    def _process_model_after_weight_loading(self, model: Any, **kwargs: Any) -> Any:
        for module in model.modules():
            if isinstance(module, Linear4bit):
                # bitsandbytes would repack weights for such a CPU in evaluation, with no gradient.
                module.support_avx512bf16_for_cpu = False
        return super()._process_model_after_weight_loading(model, **kwargs)

    @staticmethod
    def get_modules_to_not_convert(model: Any, *args: Any, **kwargs: Any) -> list[str]:
        """What transformers leaves alone (lm_head), and the routers, as a pattern."""
        kept = Bnb4BitHfQuantizer.get_modules_to_not_convert(model, *args, **kwargs)
        return [*kept, rf".*\.(?:{'|'.join(ROUTERS)})"]

    def update_weight_conversions(self, weight_conversions: list[Any], model: Any) -> list[Any]:
        """Rename experts instead of fusing them."""
        split = split_conversions(weight_conversions, model)
        updated: list[Any] = super().update_weight_conversions(split, model)
        return updated


@register_quantizer(_AS_IT_IS)
class SplitExperts(HfQuantizer):  # type: ignore[misc]
    """Not a quantizer: it only uses the hooks, and leaves no trace on the model."""

    def _process_model_before_weight_loading(self, model: Any, **kwargs: Any) -> Any:
        split_experts(model)
        return model

    def update_weight_conversions(self, weight_conversions: list[Any], model: Any) -> list[Any]:
        """Rename experts instead of fusing them."""
        split = split_conversions(weight_conversions, model)
        updated: list[Any] = super().update_weight_conversions(split, model)
        return updated

    def postprocess_model(self, model: Any, **kwargs: Any) -> None:
        """Make it an ordinary model again."""
        self.remove_quantization_config(model)

    def is_serializable(self) -> bool:
        """As any model."""
        return True

    @property
    def is_trainable(self) -> bool:
        """As any model."""
        return True


def split_conversions(conversions: list[Any], model: Any) -> list[Any]:
    """Put renamings in the place of the converters that fuse experts.

    Raises ModelError where checkpoints of this model do not keep experts one by one.
    """
    names = expert_names(conversions)
    refuse_unnamed(names, model)
    renamings = [
        WeightRenaming(rf"(\.experts\.\d+)\.{old}\.", rf"\1.{new}.")
        for old, new in names
        if old != new
    ]
    return [*(c for c in conversions if _fused_target(c) is None), *renamings]


def refuse_unnamed(names: list[tuple[str, str]], model: Any) -> None:
    """Raise ModelError where split experts have no names of their own in the checkpoint."""
    if _has_experts(model) and sorted(new for _, new in names) != sorted(PROJECTIONS):
        raise ModelError(
            f"{type(model).__name__} stores its experts in a way that this version cannot "
            "quantise: its checkpoints do not keep them one by one; "
            "use a model with experts like Mixtral's or Qwen's, or a dense one"
        )


def expert_names(conversions: list[Any]) -> list[tuple[str, str]]:
    """Names of the projections in the checkpoint and here: (w1, gate_proj) for Mixtral.

    A converter lists its checkpoint keys in the order gate, up, which gives the names without a
    table of architectures.
    """
    names: list[tuple[str, str]] = []
    for conversion in conversions:
        sources = _one_by_one(conversion)
        new = _SPLIT.get(_fused_target(conversion) or "", ())
        if len(sources) == len(new):
            names += zip(sources, new, strict=True)
    return names


_SPLIT = {"gate_up_proj": PROJECTIONS[:2], "down_proj": PROJECTIONS[2:]}
_ONE = re.compile(r".*experts\.\*\.(\w+)\.weight")


def _fused_target(conversion: Any) -> str | None:
    """Which fused parameter a converter makes, if any."""
    if not isinstance(conversion, WeightConverter):
        return None
    parent, _, last = str(conversion.target_patterns[0]).rpartition(".")
    return last if last in _SPLIT and parent.endswith("experts") else None


def _one_by_one(conversion: Any) -> list[str]:
    """Last names of the checkpoint keys of a converter, where each expert has its own."""
    found = [_ONE.fullmatch(str(source)) for source in conversion.source_patterns]
    return [match[1] for match in found if match]


def _has_experts(model: Any) -> bool:
    return any(isinstance(module, ExpertList) for module in model.modules())
