"""The training recipe: one flat YAML file, every key with its reason.

Three are shipped beside this module: `aurora.yaml` (the paper), `recommended.yaml` and `tiny.yaml`.
docs/training.md explains each key.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import Field, StrictBool, StrictInt, ValidationError, field_validator, model_validator

from schemas.document import Document, explain
from schemas.errors import RecipeError
from schemas.strict_yaml import YAML_ERRORS, parse_yaml, read_mapping


class TrainingRecipe(Document):
    """What to train, on what, and how. Lengths are tokens; a relative path starts at the current
    folder, but that of `model_config_file` at the recipe's.
    """

    # What is trained on what
    model: str = Field(description="Base model: a Hub id or a directory.")
    model_revision: str | None = Field(None, description="Commit or tag of the base on the Hub.")
    model_config_file: str | None = Field(
        None,
        description="A config.json: make a random model of that shape in the directory `model`, "
        "if that does not exist. For trials without a download.",
    )
    data: str = Field(
        description="A directory that `curate run` wrote, a Hub id, or a .parquet or .jsonl file."
    )
    data_revision: str | None = Field(None, description="Commit or tag of a corpus on the Hub.")
    output: str = Field(description="Directory of the adapter; checkpoints in it.")

    # How the base model is held
    quantization: Literal["nf4", "fp4", "none"] = Field(
        "nf4", description="4-bit type of every linear weight, experts included; none: bf16."
    )
    double_quantization: StrictBool = Field(
        True, description="Quantise the scales too: 0.516 instead of 0.563 bytes per weight."
    )
    compute_dtype: Literal["bfloat16", "float32"] = Field(
        "bfloat16", description="Type that 4-bit weights are multiplied in."
    )
    attention: Literal["sdpa", "eager", "flash_attention_2"] = Field(
        "sdpa", description="Attention kernel; flash_attention_2 needs its own package."
    )

    # What is trained
    lora_targets: list[str] = Field(
        ["q_proj", "v_proj"],
        min_length=1,
        description="Last names of the modules that get an adapter: q_proj, k_proj, v_proj, "
        "o_proj (attention), gate_proj, up_proj, down_proj (experts or MLP). Every one must match.",
    )
    lora_rank: StrictInt = Field(8, ge=1)
    lora_alpha: float = Field(16, gt=0, description="Updates are scaled by alpha / rank.")
    lora_dropout: float = Field(0.0, ge=0, lt=1)

    # What the model sees
    template: Literal["auto", "mistral-v1", "tokenizer"] = Field(
        "auto",
        description="mistral-v1: as mistral-common renders it; tokenizer: the chat template of the "
        "model's tokenizer; auto: mistral-v1 for Mixtral-8x7B, else tokenizer.",
    )
    max_length: StrictInt = Field(1024, ge=16, description="Longest part of a conversation.")
    too_long: Literal["split", "drop", "refuse"] = Field(
        "split",
        description="Longer conversations: split between rounds, leave out and count, or stop.",
    )
    carry_rounds: StrictInt = Field(
        0, ge=0, description="Rounds that a part repeats from the one before, as context only."
    )
    packing: StrictBool = Field(
        False, description="Fill rows of max_length with whole parts; none sees another."
    )

    # How it is trained
    epochs: float = Field(3.0, gt=0)
    max_steps: StrictInt | None = Field(
        None, ge=1, description="Stop after so many, whatever `epochs`."
    )
    learning_rate: float = Field(5e-5, gt=0)
    schedule: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: float = Field(0.0, ge=0, lt=1, description="Share of the steps.")
    weight_decay: float = Field(0.0, ge=0)
    max_grad_norm: float = Field(1.0, gt=0)
    optimizer: Literal["adamw", "adamw_8bit", "paged_adamw_8bit", "adamw_4bit"] = "adamw"
    batch_size: StrictInt = Field(2, ge=1, description="Rows per GPU and forward pass.")
    accumulation: StrictInt = Field(4, ge=1, description="Forward passes per step.")
    gradient_checkpointing: StrictBool = Field(
        True, description="Compute activations again in the backward pass instead of keeping them."
    )
    router_aux_loss: float = Field(
        0.0, ge=0, description="Weight of the loss that balances experts; the paper had none."
    )
    seed: StrictInt = Field(42, ge=0, lt=2**32)

    # What is watched and kept
    log_steps: StrictInt = Field(10, ge=1)
    eval_steps: StrictInt | None = Field(
        None, ge=1, description="Validate so often on the corpus' validation split; none: never."
    )
    early_stop: StrictInt | None = Field(
        None, ge=1, description="Stop after so many validations without a better loss."
    )
    save_steps: StrictInt = Field(1000, ge=1)
    keep_checkpoints: StrictInt = Field(2, ge=1, description="The best is kept besides.")
    report_to: list[Literal["tensorboard", "trackio", "wandb"]] = Field(default_factory=list)

    @field_validator("lora_targets")
    @classmethod
    def _once(cls, targets: list[str]) -> list[str]:
        if len(set(targets)) < len(targets):
            raise ValueError("names a module twice")
        return targets

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.early_stop and not self.eval_steps:
            raise ValueError("early_stop needs eval_steps: how often to validate")
        return self


def read_recipe(name_or_path: str | Path, changes: Sequence[str] = ()) -> TrainingRecipe:
    """Read a recipe by its path, or a shipped one by its name; each of `changes` is KEY=VALUE.

    A `model_config_file` that stands in a recipe starts at its folder, every other path at the
    current one. Raises RecipeError, which names the key and, if unknown, the nearest one.
    """
    path = find_recipe(name_or_path)
    document = read_mapping(path)
    beside = document.get("model_config_file")
    if isinstance(beside, str):
        document["model_config_file"] = str(path.parent / beside)
    for change in changes:
        key, value = _change(change)
        document[key] = value
    try:
        return TrainingRecipe.model_validate(document)
    except ValidationError as error:
        raise RecipeError(f"{path}: {explain(TrainingRecipe, error)}") from None


def find_recipe(name_or_path: str | Path) -> Path:
    """The file of a recipe. Raises RecipeError where there is none."""
    path, shipped = Path(name_or_path), _shipped()
    if not path.exists() and str(name_or_path) in shipped:
        return shipped[str(name_or_path)]
    if not path.exists():
        raise RecipeError(f"{path}: no such file; shipped recipes: {', '.join(shipped)}")
    return path


def _shipped() -> dict[str, Path]:
    folder = Path(__file__).parent / "recipes"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def _change(change: str) -> tuple[str, Any]:
    key, equals, value = change.partition("=")
    if not equals or not key:
        raise RecipeError(f"--set {change}: must be KEY=VALUE, e.g. max_length=2048")
    try:
        return key, parse_yaml(value)
    except YAML_ERRORS:
        raise RecipeError(f"--set {change}: the value is not valid YAML") from None
