"""What of an adapter's directory may be published, and whether it is sound."""

import json
import re
from pathlib import Path, PurePath
from typing import Any

import numpy as np
import yaml
from safetensors import SafetensorError, safe_open

from finetune.adapter.card import current_evaluation, hub_base
from finetune.adapter.record import CONFIG, RECORD, WEIGHTS, TrainingRecord, read_record
from finetune.evaluation.result import EVALUATION
from schemas.errors import ModelError
from schemas.strict_yaml import YAML_ERRORS

#: Only these leave the machine: no checkpoints, optimizer states, logs or what else lies there.
_PUBLIC = re.compile(
    rf"{CONFIG}|{WEIGHTS}|{RECORD}|README\.md|evaluation\.json|assets/[\w.-]+\.png"
    r"|tokenizer\.(json|model(\.v\d)?)|(tokenizer_config|special_tokens_map|added_tokens)\.json"
    r"|vocab\.json|merges\.txt|chat_template\.jinja"
)
_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")
_EXAMPLE = "it, such as mistralai/Mixtral-8x7B-Instruct-v0.1,"
_ANEW = "train again with --fresh"
_FRONT_MATTER = re.compile(r"---\n(.*?)\n---\n", re.DOTALL)


def is_public(name: str) -> bool:
    """Whether a file, named relative to the directory, is part of a published adapter."""
    return _PUBLIC.fullmatch(name) is not None


def check_adapter(directory: Path) -> dict[str, Path | bytes]:
    """Name in the repository → file or content, sorted, of an adapter that is fit to publish.

    Raises ModelError, which names the file and the remedy, where it is not.
    """
    record = read_record(directory)
    if record.base.from_config:
        raise ModelError(
            f"{directory}: its base is a random model made for a trial; nobody else has it, so "
            "there is nothing to publish"
        )
    _check_config(directory / CONFIG, record)
    _check_weights(directory / WEIGHTS)
    _check_card(directory / "README.md", record)
    names = [path.relative_to(directory).as_posix() for path in _files(directory)]
    files: dict[str, Path | bytes] = {name: directory / name for name in names if is_public(name)}
    if current_evaluation(directory) is None:
        files.pop(EVALUATION, None)
    return files | {RECORD: public_record(record)}


def _files(directory: Path) -> list[Path]:
    inside = [*directory.glob("*"), *(directory / "assets").glob("*")]
    return sorted(path for path in inside if path.is_file())


def _check_config(path: Path, record: TrainingRecord) -> None:
    try:
        base = json.loads(path.read_bytes())["base_model_name_or_path"]
    except (OSError, ValueError, KeyError, TypeError):
        raise ModelError(f"{path}: cannot be read, or names no base; {_ANEW}") from None
    if not _is_base(base, record):
        raise ModelError(
            f"{path}: base_model_name_or_path is {json.dumps(base)}, which is not the base's Hub "
            f"id; write {hub_base(record) or _EXAMPLE} there"
        )


def _is_base(name: object, record: TrainingRecord) -> bool:
    """Whether a name may stand for the base: its Hub id, or one that was written for a local one.

    What the recipe calls a local base may look like an id: `output/my-mixtral`.
    """
    if known := hub_base(record):
        return name == known
    local = (record.base.model, record.recipe.model)
    return isinstance(name, str) and name not in local and _HUB_ID.fullmatch(name) is not None


def _check_weights(path: Path) -> None:
    """Every tensor is a LoRA A or B in float32, and every number in it finite."""
    try:
        with safe_open(path, framework="numpy") as file:  # torch would take seconds to import
            names = list(file.keys())
            if not names:
                raise ModelError(f"{path}: holds no tensor; {_ANEW}")
            for name in names:
                if fault := _fault(file, name):
                    raise ModelError(f"{path}: {name} {fault}; {_ANEW}")
    except (OSError, SafetensorError):
        raise ModelError(f"{path}: is no intact safetensors file; {_ANEW}") from None


def _fault(file: Any, name: str) -> str | None:
    if not name.endswith((".lora_A.weight", ".lora_B.weight")):
        return "is no LoRA A or B"
    if file.get_slice(name).get_dtype() != "F32":
        return "is not float32, in which LoRA is trained"
    return None if np.isfinite(file.get_tensor(name)).all() else "has values that are not finite"


def _check_card(path: Path, record: TrainingRecord) -> None:
    try:
        match = _FRONT_MATTER.match(path.read_text(encoding="utf-8"))
        metadata = yaml.safe_load(match[1]) if match else None
    except (OSError, *YAML_ERRORS):
        metadata = None
    if not isinstance(metadata, dict):
        raise ModelError(
            f"{path}: has no readable metadata between two lines `---` at its top; mend it, or "
            "remove it and repeat finetune.train, which then only writes it again"
        )
    bases = metadata.get("base_model")
    for base in bases if isinstance(bases, list) else [bases]:
        if base is not None and not _is_base(base, record):
            raise ModelError(
                f"{path}: base_model is {base!r}, which is not the base's Hub id; "
                f"write {hub_base(record) or _EXAMPLE} there"
            )


def public_record(record: TrainingRecord) -> bytes:
    """`training.json` with paths of the machine cut to their last part: all but the Hub's ids.

    What looks like an id is one only where its commit was noted; an output never is.
    """
    recipe = record.recipe.model_dump()
    of_hub = {"model": record.base.revision, "data": record.data.revision}
    for key in ("model", "model_config_file", "data", "output"):
        if recipe[key] and not (of_hub.get(key) and _HUB_ID.fullmatch(recipe[key])):
            recipe[key] = PurePath(recipe[key].replace("\\", "/")).name
    document = record.model_dump(mode="json") | {"recipe": recipe}
    if not record.base.revision:
        document["base"]["model"] = PurePath(record.base.model).name
    return (json.dumps(document, ensure_ascii=False, indent=2) + "\n").encode()
