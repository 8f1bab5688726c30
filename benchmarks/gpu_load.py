"""Load the checkpoint in a folder in 4 bits, in a process that does nothing else; print JSON."""

import json
import sys
import time
from pathlib import Path

import torch
from bitsandbytes.functional import quantize_4bit
from transformers import MixtralForCausalLM  # noqa: F401  # a library, not the model

from benchmarks.gpu_model import Meter
from benchmarks.loading import status
from finetune.model import load_base
from finetune.recipe import TrainingRecipe


def main(folder: Path, device: torch.device) -> None:
    """Peaks of main memory (VmHWM) before and after, and of the GPU."""
    meter = Meter(device)
    quantize_4bit(torch.ones(64, 64, dtype=torch.bfloat16, device=device))  # starts CUDA
    meter.reset()
    before, began = status("VmHWM"), time.perf_counter()
    load_base(TrainingRecipe(model=str(folder), data="none", output="none"))
    meter.sync()
    size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    result = {
        "seconds": time.perf_counter() - began,
        "checkpoint_gib": size / 2**30,
        "host_peak_gib_before": before * 1e6 / 2**30,
        "host_peak_gib": status("VmHWM") * 1e6 / 2**30,
        **meter.peaks(),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(Path(sys.argv[1]), torch.device(sys.argv[2]))
