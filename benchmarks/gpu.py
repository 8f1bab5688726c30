"""Everything that needs a GPU, in one run: memory, speed, and where the time goes.

NOT YET RUN ON A GPU. Its whole flow runs on a CPU with --tiny (tests/finetune/test_gpu_script.py).

It makes Mixtral-8x7B's full shape with random weights directly in 4 bits, trains some steps with
the trainer of finetune.train in several settings, generates text as finetune.chat does, times ways
to run the experts, and loads a checkpoint of two layers from disk. A part that fails (memory full,
say) is reported and the others go on; results are written after each part.

    python -m benchmarks.gpu --out FOLDER          # one GPU of 48 GB or more, about 8 minutes
    python -m benchmarks.gpu --out FOLDER --tiny   # a CPU, less than a minute

FOLDER gets gpu.json and gpu.md. Needs the `finetune` extra with a CUDA build of torch. For a
machine without a network that has torch, `sh benchmarks/gpu_wheels.sh` fetches the rest into
output/wheels; copy the tree and that folder there (45 MB), and run in the tree

    python3 -m pip install -q --no-index --no-deps --no-compile --no-cache-dir --upgrade \\
        --target "$HOME"/site-packages output/wheels/*.whl &&
    PYTHONPATH="$HOME"/site-packages PYTHONUNBUFFERED=1 python3 -m benchmarks.gpu --out "$OUT"

The folder must be called site-packages: dill pickles modules that lie elsewhere whole. With these
wheels --tiny ran on Python 3.12 beside torch 2.11, transformers 5.17 and huggingface_hub 1.33.
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click

ROOT = Path(__file__).parents[1]
MIXTRAL = ROOT / "finetune" / "mixtral-8x7b.json"
TINY = {  # in place of Mixtral's own sizes
    "vocab_size": 1000,
    "hidden_size": 64,
    "intermediate_size": 128,
    "num_hidden_layers": 2,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "num_local_experts": 4,
}
AURORA, RECOMMENDED = "aurora", "recommended"

# Recipe, rows, accumulation, length. The paper's; the same rows at once; ours, at two lengths.
SETTINGS = [
    (AURORA, 2, 4, 1024),
    (AURORA, 8, 1, 1024),
    (RECOMMENDED, 2, 4, 2048),
    (RECOMMENDED, 2, 4, 4096),
    (RECOMMENDED, 4, 2, 2048),
]
TRAINING_SHARE = 0.6  # of the time; an equal part for each setting
PACKAGES = ("torch", "bitsandbytes", "transformers", "trl", "peft", "torchao", "accelerate")


@click.command("benchmarks.gpu")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of results.")
@click.option("--tiny", is_flag=True, help="A tiny shape on a CPU: does the script run at all?")
@click.option("--minutes", default=8.0, show_default=True, help="Begin nothing after so many.")
def command(out: Path, tiny: bool, minutes: float) -> None:
    """Measure training, chat, experts and loading on this machine's first GPU."""
    os.environ.setdefault("CUDA_VISIBLE_DEVICES", "" if tiny else "0")
    import torch

    from finetune.quiet import quiet

    if not tiny and not torch.cuda.is_available():
        raise click.UsageError("no GPU here: add --tiny to try the script on a CPU")
    quiet()
    warnings.simplefilter("ignore")
    if tiny:
        torch.compiler.set_stance("force_eager")  # compiling torchao's optimiser takes 40 s
    Run(out, minutes, tiny=tiny).everything()


class Run:
    """One run over one model; `results` is what gpu.json holds."""

    def __init__(self, out: Path, minutes: float, *, tiny: bool) -> None:
        import torch

        from benchmarks.gpu_model import Meter

        self.out, self.tiny, self.seconds = out, tiny, 60 * minutes
        self.deadline = time.monotonic() + self.seconds
        self.device = torch.device("cpu") if tiny else torch.device("cuda", 0)
        self.config = write_config(out, TINY if tiny else {})
        self.meter = Meter(self.device)
        self.model: Any = None
        self.results: dict[str, Any] = {
            "shape": "a tiny Mixtral" if tiny else "Mixtral-8x7B",
            "machine": {
                "device": "CPU" if tiny else torch.cuda.get_device_name(),
                "python": platform.python_version(),
                "versions": {package: version(package) for package in PACKAGES},
            },
            "training": [],
        }

    def everything(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.part("build", self.build)
            if self.model is not None:
                self.part("routing", self.routing)
                for setting in SETTINGS:
                    self.train(*setting, Path(folder))
                self.part("chat", self.chat)
                self.part("experts", self.experts)
                self.model = None
                self.meter.reset()
            self.part("load", lambda: self.load(Path(folder)))

    def part(self, name: str, work: Callable[[], dict[str, Any]]) -> None:
        self.results[name] = self.attempt(work)
        self.write()

    def attempt(self, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What `work` found, or why there is nothing; the others go on in any case."""
        if time.monotonic() > self.deadline:
            return {"skipped": "no time left"}
        self.meter.reset()
        try:
            return work()
        except Exception as error:  # noqa: BLE001  # one part must not sink the others
            lines = str(error).splitlines() or [""]
            return {"error": f"{type(error).__name__}: {lines[0][:300]}"}

    def write(self) -> None:
        from benchmarks.gpu_report import write

        write(self.results, self.out)

    # --- parts ---

    def build(self) -> dict[str, Any]:
        from benchmarks.gpu_model import build
        from finetune.model.mistral_tokenizer import mistral_v1_tokenizer

        self.tokenizer = mistral_v1_tokenizer()  # the trainer pads with it
        began = time.perf_counter()
        self.model = build(self.config, recipe(AURORA), self.device)
        self.meter.sync()
        held = sum(weight.nbytes for weight in self.model.parameters()) / 2**30
        return {"seconds": time.perf_counter() - began, "weights_gib": held, **self.meter.peaks()}

    def routing(self) -> dict[str, Any]:
        """How evenly random routers send random tokens to experts; real ones are nearly even."""
        from benchmarks.gpu_experts import routing

        return routing(self.model, self._tokens(16 if self.tiny else 1024))

    def train(self, name: str, rows: int, accumulation: int, length: int, folder: Path) -> None:
        title = f"{name}: {rows} x {accumulation} x {length}"
        length = length // 128 if self.tiny else length

        def work() -> dict[str, Any]:
            from benchmarks.gpu_training import measure

            limit = time.monotonic() + self.seconds * TRAINING_SHARE / len(SETTINGS)
            setting = recipe(name, batch_size=rows, accumulation=accumulation, max_length=length)
            found = measure(
                self.model,
                self.tokenizer,
                setting,
                folder,
                self.meter,
                timed=1 if self.tiny else 3,
                limit=min(limit, self.deadline),
            )
            return {**self.estimated(setting), **found}

        found = self.attempt(work)
        self.results["training"].append({"setting": title, **found})
        self.write()

    def estimated(self, setting: Any) -> dict[str, float]:
        """What finetune.plan says of the same run."""
        from transformers import AutoConfig

        from finetune.planning.estimate import estimate
        from finetune.planning.shape import shape_of

        guess = estimate(shape_of(AutoConfig.from_pretrained(str(self.config))), setting)
        return {
            "estimated_gib": guess.tensors / 2**30,
            "estimated_in_use_gib": guess.peak / 2**30,
        }

    def chat(self) -> dict[str, Any]:
        """Greedy generation at batch 1, as `finetune.chat` does it; 4-bit base alone."""
        import torch

        count = 8 if self.tiny else 64
        prompt = self._tokens(count)
        options = {"max_new_tokens": count, "min_new_tokens": count, "do_sample": False}

        def answer() -> None:
            self.model.generate(prompt, use_cache=True, pad_token_id=0, **options)

        with torch.inference_mode():
            ms = self.meter.milliseconds(answer, 1)
        return {"tokens_per_second": count / ms * 1000, "tokens": count, **self.meter.peaks()}

    def experts(self) -> dict[str, Any]:
        from benchmarks.gpu_experts import measure

        tokens, rounds = ([64], 2) if self.tiny else ([2048, 8192], 10)
        return {"ways": measure(self.model, self.meter, tokens, rounds)}

    def load(self, folder: Path) -> dict[str, Any]:
        """A checkpoint of two layers, 6 GB, read in a process of its own: its peak is its own."""
        from finetune.model import make_random_model

        changes = {"num_hidden_layers": 2}
        config = write_config(folder, TINY | changes if self.tiny else changes)
        make_random_model(config, folder / "model", seed=1)
        finished = subprocess.run(
            [sys.executable, "-m", "benchmarks.gpu_load", folder / "model", self.device.type],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
            timeout=max(self.deadline - time.monotonic(), 60),
        )
        if finished.returncode:
            raise RuntimeError(finished.stderr.strip().splitlines()[-1])
        found: dict[str, Any] = json.loads(finished.stdout.splitlines()[-1])
        return found

    def _tokens(self, count: int) -> Any:
        import torch

        return torch.randint(3, self.model.config.vocab_size, (1, count), device=self.device)


def recipe(name: str, **changes: Any) -> Any:
    """A shipped recipe with some settings changed."""
    from finetune.recipe import read_recipe

    path = ROOT / "finetune" / "recipes" / f"{name}.yaml"
    return read_recipe(path).model_copy(update=changes)


def write_config(folder: Path, changes: dict[str, int]) -> Path:
    """Mixtral's config with some sizes changed, in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(MIXTRAL.read_text()) | changes))
    return path


if __name__ == "__main__":
    sys.exit(command())
