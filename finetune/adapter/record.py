"""`training.json`: what made an adapter directory. Written last: without it, one is unfinished.

DIR/adapter_config.json  adapter_model.safetensors    what PEFT loads
DIR/tokenizer.json …     chat_template.jinja          what chat, evaluate and servers need
DIR/README.md            assets/loss.png              the model card and its figure
DIR/training.json                                     this document
DIR/evaluation.json                                   where finetune.evaluate has run
DIR/checkpoints/checkpoint-N/                         to resume from; never pushed
"""

from pathlib import Path

from finetune.recipe import TrainingRecipe
from finetune.rendering.account import TokenAccount
from schemas.document import Document, read_document
from schemas.errors import ModelError

RECORD = "training.json"
CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"


class Base(Document):
    """The model under the adapter."""

    model: str  # Hub id, or the name of the recipe's directory: never a path
    revision: str | None  # commit, where it came from the Hub
    architecture: str  # MixtralForCausalLM
    parameters: int
    from_config: bool  # a random model, made for a trial


class Data(Document):
    """The corpus that was trained on."""

    name: str  # of its recipe, or Hub id
    revision: str | None  # commit, where it came from the Hub
    sha256: str  # of manifest.json, of the file, or of the rows
    licenses: list[str]  # of its rows, sorted
    kept_out: list[str] | None = None  # benchmarks whose questions curation removed; null: unknown


class Loss(Document):
    """One logged value. `validation` is the mean over labelled tokens, like `train`."""

    step: int
    epoch: float
    train: float | None = None
    validation: float | None = None
    learning_rate: float | None = None
    grad_norm: float | None = None


class Guard(Document):
    """What was measured on the loaded model before the first step."""

    expert_bytes_per_parameter: float | None  # null: no experts
    bytes_per_parameter: float  # of all quantised weights
    matched: dict[str, int]  # LoRA target → modules
    trainable: int  # parameters, all fp32


class TrainingRecord(Document):
    """The whole document."""

    version: int = 1
    recipe: TrainingRecipe
    base: Base
    data: Data
    train: TokenAccount
    validation: TokenAccount | None
    guard: Guard
    losses: list[Loss]
    steps: int
    best_step: int | None  # whose weights these are, where there was validation
    stopped: str  # "finished", or why it ended early
    seconds: float
    tokens_per_second: float
    peak_memory: int | None  # bytes on the GPU; null on a CPU
    device: str
    versions: dict[str, str]


def read_record(directory: Path) -> TrainingRecord:
    """Read `training.json`. Raises ModelError where there is none or it cannot be understood."""
    return read_document(
        directory / RECORD, TrainingRecord, ModelError, "adapter", "repeat finetune.train"
    )
