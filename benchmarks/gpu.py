"""Everything that needs a GPU, in one run: memory, speed, and where the time goes.

NOT YET RUN ON A GPU. Its whole flow runs on a CPU with --tiny (tests/finetune/test_gpu_script.py).

It makes Mixtral-8x7B's full shape with random weights directly in 4 bits, trains some steps with
the trainer of finetune.train in several settings, generates text as finetune.chat does, times ways
to run the experts, and loads a checkpoint of some layers from disk. A part that fails (memory
full, say) is reported and the others go on; results are written after each part.

    python -m benchmarks.gpu --out FOLDER          # one GPU of 48 GB or more, about 8 minutes
    python -m benchmarks.gpu --out FOLDER --tiny   # a CPU, less than a minute

FOLDER gets gpu.json and gpu.md. Needs the `finetune` extra (pyproject.toml) with a CUDA build of
torch. On a machine without a network that has torch, accelerate, safetensors, pyarrow and numpy,
carry these wheels: bitsandbytes transformers tokenizers huggingface_hub trl peft torchao datasets
dill multiprocess xxhash mistral-common pydantic pydantic-core pydantic-extra-types annotated-types
typing-inspection pycountry orjson click rich jsonschema jsonschema-specifications referencing
rpds-py. Of bitsandbytes' wheel only the library of that CUDA version is needed:
`zip -d bitsandbytes-*.whl '*/libbitsandbytes_rocm*' '*/libbitsandbytes_xpu*'
'*/libbitsandbytes_cuda1[12]*'` makes it 7 MB instead of 43 (CUDA 13). It was written for
torch 2.13; 2.11 is expected to do.
"""

import json
import platform
import resource
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
PACKAGES = ("torch", "bitsandbytes", "transformers", "trl", "peft", "torchao", "accelerate")


@click.command("benchmarks.gpu")
@click.option("--out", required=True, type=click.Path(path_type=Path), help="Folder of results.")
@click.option("--tiny", is_flag=True, help="A tiny shape on a CPU: does the script run at all?")
@click.option("--minutes", default=8.0, show_default=True, help="Begin no part after so many.")
@click.option("--steps", default=3, show_default=True, help="Timed steps of each setting.")
@click.option("--load-layers", default=2, show_default=True, help="Of the checkpoint on disk.")
def command(out: Path, tiny: bool, minutes: float, steps: int, load_layers: int) -> None:
    """Measure training, chat, experts and loading on this machine's GPU."""
    import torch

    from finetune.quiet import quiet

    if not tiny and not torch.cuda.is_available():
        raise click.UsageError("no GPU here: add --tiny to try the script on a CPU")
    quiet()
    warnings.simplefilter("ignore")
    Run(out, tiny, time.monotonic() + 60 * minutes, steps, load_layers).everything()


class Run:
    """One run over one model; `results` is what gpu.json holds."""

    def __init__(
        self, out: Path, tiny: bool, deadline: float, steps: int, load_layers: int
    ) -> None:
        import torch

        from benchmarks.gpu_model import Meter

        self.out, self.tiny, self.deadline = out, tiny, deadline
        self.steps, self.load_layers = steps, load_layers
        self.device = torch.device("cpu") if tiny else torch.device("cuda", 0)
        self.config = write_config(out, TINY if tiny else {})
        self.meter = Meter(self.device)
        if tiny:
            torch.compiler.set_stance("force_eager")  # compiling torchao's optimiser takes 40 s
        name = platform.processor() or "CPU"
        self.results: dict[str, Any] = {
            "shape": "a tiny Mixtral" if tiny else "Mixtral-8x7B",
            "machine": {
                "device": name if tiny else torch.cuda.get_device_name(),
                "python": platform.python_version(),
                "versions": {package: version(package) for package in PACKAGES},
            },
        }

    def everything(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            self.part("build", self.build)
            if hasattr(self, "model"):
                self.results["training"] = []
                for setting in SETTINGS:
                    self.train(*setting, Path(folder))
                self.part("chat", self.chat)
                self.part("experts", self.experts)
                del self.model
            self.part("load", lambda: self.load(Path(folder)))

    def part(self, name: str, work: Callable[[], Any]) -> None:
        """Do one part, or say why not; keep what there is so far."""
        self.results[name] = [] if name == "experts" else {}
        found = self.attempt(work)
        if name == "experts" and isinstance(found, dict):
            found = [{"way": "all", "tokens": 0, "ms": None, **found}]
        self.results[name] = found
        self.write()

    def attempt(self, work: Callable[[], Any]) -> Any:
        if time.monotonic() > self.deadline:
            return {"skipped": "no time left"}
        try:
            return work()
        except Exception as error:  # noqa: BLE001  # one part must not sink the others
            lines = str(error).splitlines() or [""]
            return {"error": f"{type(error).__name__}: {lines[0][:300]}"}
        finally:
            self.clean()

    def write(self) -> None:
        from benchmarks.gpu_report import write

        write(self.results, self.out)

    def clean(self) -> None:
        """After an error too: what its traceback held is gone by now."""
        self.meter.reset()

    # --- parts ---

    def recipe(self, name: str, **changes: Any) -> Any:
        from finetune.recipe import read_recipe

        recipe = read_recipe(ROOT / "finetune" / "recipes" / f"{name}.yaml")
        if self.tiny:
            changes |= {"compute_dtype": "float32"}
        return recipe.model_copy(update=changes)

    def build(self) -> dict[str, Any]:
        from benchmarks.gpu_model import build
        from finetune.model.mistral_tokenizer import mistral_v1_tokenizer

        self.tokenizer = mistral_v1_tokenizer()  # the trainer pads with it
        self.meter.reset()
        began = time.perf_counter()
        self.model = build(self.config, self.recipe(AURORA), self.device)
        held = sum(weight.nbytes for weight in self.model.parameters()) / 2**30
        return {"seconds": time.perf_counter() - began, "weights_gib": held, **self.meter.peaks()}

    def train(self, name: str, rows: int, accumulation: int, length: int, folder: Path) -> None:
        from benchmarks.gpu_training import measure

        title = f"{name}: {rows} x {accumulation} x {length}"
        length = length // 128 if self.tiny else length
        recipe = self.recipe(name, batch_size=rows, accumulation=accumulation, max_length=length)
        found = self.attempt(
            lambda: measure(
                self.model,
                self.tokenizer,
                recipe,
                folder,
                self.meter,
                warm=1,
                timed=1 if self.tiny else self.steps,
            )
        )
        self.results["training"].append({"setting": title, **self.estimated(recipe), **found})
        self.write()

    def estimated(self, recipe: Any) -> dict[str, float]:
        """What finetune.plan says of the same run."""
        from transformers import AutoConfig

        from finetune.planning.estimate import estimate
        from finetune.planning.shape import shape_of

        guess = estimate(shape_of(AutoConfig.from_pretrained(str(self.config))), recipe)
        return {
            "estimated_gib": guess.tensors / 2**30,
            "estimated_in_use_gib": guess.peak / 2**30,
        }

    def chat(self) -> dict[str, Any]:
        """Greedy generation at batch 1, as `finetune.chat` does it; 4-bit base alone."""
        import torch

        count = 16 if self.tiny else 128
        model = self.model.eval()
        prompt = torch.randint(3, model.config.vocab_size, (1, count), device=self.device)
        options = {"max_new_tokens": count, "min_new_tokens": count, "do_sample": False}

        def answer() -> None:
            model.generate(prompt, use_cache=True, pad_token_id=0, **options)

        self.meter.reset()
        with torch.inference_mode():
            ms = self.meter.milliseconds(answer, 1)
        return {"tokens_per_second": count / ms * 1000, "tokens": count, **self.meter.peaks()}

    def experts(self) -> list[dict[str, Any]]:
        from benchmarks.gpu_experts import measure

        tokens, rounds = ([64], 2) if self.tiny else ([2048, 8192], 10)
        return measure(self.model, self.meter, tokens, rounds)

    def load(self, folder: Path) -> dict[str, Any]:
        """A checkpoint of some layers through `load_base`, as training reads one."""
        from finetune.model import load_base, make_random_model

        layers = 1 if self.tiny else self.load_layers
        changes = {"num_hidden_layers": layers}
        config = write_config(folder, TINY | changes if self.tiny else changes)
        make_random_model(config, folder / "model", seed=1)
        size = sum(file.stat().st_size for file in (folder / "model").glob("*.safetensors"))
        self.meter.reset()
        before, began = host_peak(), time.perf_counter()
        load_base(self.recipe(AURORA, model=str(folder / "model")))
        return {
            "layers": layers,
            "checkpoint_gib": size / 2**30,
            "seconds": time.perf_counter() - began,
            "host_peak_gib_before": before,
            "host_peak_gib": host_peak(),
            **self.meter.peaks(),
        }


def write_config(folder: Path, changes: dict[str, int]) -> Path:
    """Mixtral's config with some sizes changed, in `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(MIXTRAL.read_text()) | changes))
    return path


def host_peak() -> float:
    """GiB: the most that this process has held in main memory so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    sys.exit(command())
