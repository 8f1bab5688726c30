"""Memory that loading takes: a random Mixtral of 1.5 GB in bf16, loaded in 4 bits.

    python benchmarks/loading.py            # makes the model, then loads it in a fresh process

The figure that counts is VmHWM, the peak of all resident pages, those of mapped files among them;
RssAnon, what the process owns, is given besides. Both are compared with the process after its
imports, bitsandbytes among them.
"""

import json
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

CONFIG = {
    "model_type": "mixtral",
    "vocab_size": 32000,
    "hidden_size": 1024,
    "intermediate_size": 3584,
    "num_hidden_layers": 8,
    "num_attention_heads": 16,
    "num_key_value_heads": 4,
    "num_local_experts": 8,
    "num_experts_per_tok": 2,
}
MB = 1e6


def status(field: str) -> float:
    """A field of this process' status, in MB."""
    text = Path("/proc/self/status").read_text()
    return int(text.split(f"{field}:")[1].split()[0]) * 1024 / MB


def measure(folder: Path) -> None:
    """Load the model in `folder` in 4 bits and print one line of JSON."""
    import bitsandbytes  # noqa: F401  # a library, not the model
    from transformers import MixtralForCausalLM  # noqa: F401

    from finetune.model import load_base
    from finetune.recipe import TrainingRecipe

    recipe = TrainingRecipe(model=str(folder / "model"), data="none", output="none")
    before, peak, done = status("RssAnon"), [0.0], threading.Event()

    def watch() -> None:
        while not done.wait(0.002):
            peak[0] = max(peak[0], status("RssAnon"))

    watcher = threading.Thread(target=watch)
    hwm = status("VmHWM")
    watcher.start()
    begin = time.perf_counter()
    model = load_base(recipe)
    seconds = time.perf_counter() - begin
    done.set()
    watcher.join()
    weights = sum(file.stat().st_size for file in (folder / "model").glob("*.safetensors"))
    result = {
        "model_bf16_mb": round(weights / MB),
        "parameters_millions": round(weights / 2 / MB),
        "rss_anon_before_mb": round(before),
        "rss_anon_peak_mb": round(peak[0]),
        "rss_anon_after_mb": round(status("RssAnon")),
        "vm_hwm_before_mb": round(hwm),
        "vm_hwm_mb": round(status("VmHWM")),
        "held_mb": round(model.get_memory_footprint() / MB),
        "rise_of_peak_over_model": round((status("VmHWM") - hwm) * MB / weights, 3),
        "rise_of_anonymous_peak_over_model": round((peak[0] - before) * MB / weights, 3),
        "seconds": round(seconds, 1),
    }
    print(json.dumps(result, indent=1))


def main() -> None:
    """Make the model and measure in a process that has loaded nothing else."""
    from finetune.model import make_random_model

    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "config.json").write_text(json.dumps(CONFIG))
        begin = time.perf_counter()
        make_random_model(folder / "config.json", folder / "model", seed=1)
        print(f"made in {time.perf_counter() - begin:.1f} s", f"peak {status('VmHWM'):.0f} MB")
        subprocess.run([sys.executable, __file__, str(folder)], check=True)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[1]))
    measure(Path(sys.argv[1])) if len(sys.argv) > 1 else main()
