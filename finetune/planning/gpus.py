"""Memory of GPUs that people train on, as nvidia-smi shows it (MiB)."""

import re

from schemas.errors import AuroraError

GPUS = {
    "T4 16GB": 15360,
    "A10G 24GB": 23028,
    "L4 24GB": 23034,
    "RTX 3090 24GB": 24576,
    "RTX 4090 24GB": 24564,
    "RTX 5090 32GB": 32607,
    "V100 32GB": 32768,
    "A100 40GB": 40960,
    "L40S 48GB": 46068,
    "RTX A6000 48GB": 49140,
    "A100 80GB": 81920,
    "H100 80GB": 81559,
    "H200 141GB": 143771,
}


def memory_of(name: str) -> int:
    """Bytes of the GPU that `name` stands for: "H100 80GB", "h100", "NVIDIA A100-SXM4-80GB".

    Raises AuroraError where none or several match; it names the known ones.
    """
    wanted = _words(name)
    found = [gpu for gpu in GPUS if _words(gpu) <= wanted or wanted <= _words(gpu)]
    if len(found) != 1:
        listed = ", ".join(found or GPUS)
        raise AuroraError(f"--gpu {name}: name one of {listed}; or use --memory GIB")
    return GPUS[found[0]] << 20


def _words(name: str) -> set[str]:
    """What tells GPUs apart; makers' and forms' names do not."""
    words = set(re.findall(r"[a-z0-9]+", re.sub(r"(\d) +gb\b", r"\1gb", name.lower())))
    return words - {"nvidia", "geforce", "rtx", "tesla", "sxm4", "sxm5", "sxm", "pcie", "hbm3"}
