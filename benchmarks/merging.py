"""What merging costs: a random Mixtral and an adapter on every expert, merged by the command.

    python -m benchmarks.merging [--layers N] [FOLDER]

Prints sizes, seconds, and the peak of resident memory, beside that of the imports alone.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

import torch
from peft import LoraConfig
from safetensors.torch import save_file

from benchmarks.process import Measured, measured
from finetune.model import make_random_model

HIDDEN, INNER, EXPERTS, RANK = 1024, 3584, 8, 16
SHAPES = {"gate_proj": (INNER, HIDDEN), "up_proj": (INNER, HIDDEN), "down_proj": (HIDDEN, INNER)}
IMPORTS = "import finetune.merging"


def make_base(folder: Path, layers: int) -> Path:
    """About 185 MB in bf16 per layer."""
    shape = {
        "model_type": "mixtral",
        "vocab_size": 32000,
        "hidden_size": HIDDEN,
        "intermediate_size": INNER,
        "num_hidden_layers": layers,
        "num_attention_heads": 16,
        "num_key_value_heads": 4,
        "num_local_experts": EXPERTS,
    }
    config = folder / "config.json"
    config.write_text(json.dumps(shape))
    make_random_model(config, folder / "base", 0)
    return folder / "base"


def make_adapter(folder: Path, base: Path, layers: int, record: str) -> Path:
    """A random update of every expert."""
    adapter = folder / "adapter"
    adapter.mkdir()
    pairs = {}
    for layer in range(layers):
        for expert in range(EXPERTS):
            for name, (rows, columns) in SHAPES.items():
                module = f"base_model.model.model.layers.{layer}.mlp.experts.{expert}.{name}"
                pairs[f"{module}.lora_A.weight"] = torch.randn(RANK, columns)
                pairs[f"{module}.lora_B.weight"] = torch.randn(rows, RANK)
    save_file(pairs, adapter / "adapter_model.safetensors")
    LoraConfig(r=RANK, lora_alpha=16, target_modules=[*SHAPES]).save_pretrained(adapter)
    (adapter / "training.json").write_text(record)
    return adapter


def record_of(base: Path) -> str:
    """A training record that only names its base: merging reads nothing else of it."""
    from finetune.adapter.record import Base, Data, Guard, TrainingRecord
    from finetune.recipe import TrainingRecipe
    from finetune.rendering.account import TokenAccount

    zero = dict.fromkeys(("conversations", "parts", "split", "whole", "kept"), 0)
    return TrainingRecord(
        recipe=TrainingRecipe(model=str(base), data="none", output="none"),
        base=Base(
            model=str(base),
            revision=None,
            architecture="MixtralForCausalLM",
            parameters=0,
            from_config=True,
        ),
        data=Data(name="none", revision=None, sha256="", licenses=[]),
        train=TokenAccount(**zero, repeated=0, dropped=0, trained=0),
        validation=None,
        guard=Guard(
            expert_bytes_per_parameter=None, bytes_per_parameter=2, matched={}, trainable=0
        ),
        losses=[],
        steps=0,
        best_step=None,
        stopped="made for benchmarks.merging",
        seconds=0,
        tokens_per_second=0,
        peak_memory=None,
        device="cpu",
        versions={},
    ).model_dump_json()


def run(folder: Path, *arguments: str) -> Measured:
    done = measured([sys.executable, *arguments], folder / "log")
    if done.code:
        sys.exit(done.error)
    return done


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, help="for the models; a temporary one")
    parser.add_argument("--layers", type=int, default=8)
    options = parser.parse_args()
    folder = Path(tempfile.mkdtemp(dir=options.folder))
    try:
        base = make_base(folder, options.layers)
        adapter = make_adapter(folder, base, options.layers, record_of(base))
        imports = run(folder, "-c", IMPORTS)
        merge = run(folder, "-m", "finetune.merge", str(adapter), str(folder / "merged"))
        size = sum(path.stat().st_size for path in (folder / "merged").iterdir())
    finally:
        shutil.rmtree(folder)
    print(
        f"model {size / 1e9:.2f} GB; {merge.seconds:.1f} s, of which imports {imports.seconds:.1f}"
    )
    more = (merge.peak - imports.peak) / 1e6
    print(f"peak {merge.peak / 1e6:.0f} MB, {more:.0f} MB above the imports alone")


if __name__ == "__main__":
    main()
