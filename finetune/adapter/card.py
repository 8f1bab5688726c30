"""The model card: metadata that the Hub understands, and what was done, from the record.

What a user writes in its section `notes` stays when the card is made again.
"""

import hashlib
from pathlib import Path
from typing import Any

import jinja2
import yaml
from huggingface_hub import ModelCardData
from markupsafe import Markup

from finetune.adapter.plot import plot_losses
from finetune.adapter.record import WEIGHTS, Loss, TrainingRecord
from finetune.evaluation.result import Evaluation, read_evaluation
from schemas.errors import ModelError
from schemas.licenses import combine
from schemas.markdown import code, fenced, plain
from schemas.sections import CARD, section, sections

FIGURE = "assets/loss.png"
NOTES = "notes"  # the user's section
#: Whose single experts PEFT 0.21 turns into parts of transformers' one tensor as we name them.
_PEFT_KNOWS_EXPERTS = ("Qwen3MoeForCausalLM", "OlmoeForCausalLM")
_EXPERT = {"gate_proj", "up_proj", "down_proj"}
_LONGEST_TABLE = 12  # rows of losses; the figure shows all


def write_card(directory: Path, record: TrainingRecord) -> None:
    """Write README.md and its figure into an adapter's directory; `evaluation.json` is shown if
    there. Raises ModelError where that is damaged, or the user's part of an older card cannot be
    told from ours.
    """
    plot_losses(record, directory / FIGURE)
    notes = _notes(directory / CARD)
    evaluation = current_evaluation(directory)
    text = f"---\n{card_data(record).to_yaml()}\n---\n\n{_body(record, evaluation, notes)}"
    (directory / CARD).write_text(text, encoding="utf-8")


def card_data(record: TrainingRecord) -> ModelCardData:
    """The front matter."""
    license_ = combine(record.data.licenses)
    base = hub_base(record)
    return ModelCardData(
        base_model=base,
        base_model_relation="adapter" if base else None,
        datasets=[record.data.name] if record.data.revision else None,
        language="zh",
        library_name="peft",
        license=license_.license,
        license_name=license_.name,
        pipeline_tag="text-generation",
        tags=["aurora-zh", "lora", "sft", "trl", "conversational"],
    )


def hub_base(record: TrainingRecord) -> str | None:
    """The base's Hub id, or None: made at random, or a directory of the machine.

    Loading notes the commit of a base from the Hub, and of no other; a name alone says nothing.
    """
    return record.base.model if record.base.revision else None


def current_evaluation(directory: Path) -> Evaluation | None:
    """The evaluation of these very weights; one of an earlier training is not shown."""
    evaluation = read_evaluation(directory)
    try:
        weights = (directory / WEIGHTS).read_bytes()
    except OSError:
        return None
    same = evaluation and evaluation.protocol.adapter_sha256 == hashlib.sha256(weights).hexdigest()
    return evaluation if same else None


def _notes(path: Path) -> str:
    """The user's text in an older card."""
    try:
        old = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError):
        raise ModelError(f"{path}: cannot be read as text; remove it and repeat") from None
    try:
        return sections(old).get(NOTES, "")
    except ValueError as error:
        raise ModelError(f"{path}: {error}; mend the marks of your text there and repeat") from None


def _body(record: TrainingRecord, evaluation: Evaluation | None, notes: str) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("finetune", "adapter"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,  # a card is shown as HTML, and names are not ours
        trim_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters |= {"plain": plain, "code": code, "fenced": fenced}
    text = environment.get_template("card.md.jinja").render(
        record=record,
        base=hub_base(record),
        license=combine(record.data.licenses),
        recipe=yaml.safe_dump(_public_recipe(record), allow_unicode=True, sort_keys=False),
        accounts={"train": record.train}
        | ({"validation": record.validation} if record.validation else {}),
        losses=_chosen(record.losses, record.best_step),
        evaluation=evaluation,
        other_base=_other_base(record, evaluation),
        loads_in_peft=_loads_in_peft(record),
        figure=FIGURE,
        notes=Markup(section(NOTES, notes)),  # noqa: S704  # the user's own, in their own card
    )
    return str(text)


def _other_base(record: TrainingRecord, evaluation: Evaluation | None) -> bool:
    """Whether the evaluation was of the adapter on a base that it was not trained on."""
    if evaluation is None:
        return False
    protocol = evaluation.protocol
    trained = (record.base.model, record.base.revision)
    return (protocol.base, protocol.base_revision) != trained


def _loads_in_peft(record: TrainingRecord) -> bool:
    """Whether PEFT by itself gives the model that was trained."""
    guard = record.guard
    experts = guard.expert_bytes_per_parameter is not None and _EXPERT & guard.matched.keys()
    return not experts or record.base.architecture in _PEFT_KNOWS_EXPERTS


def _public_recipe(record: TrainingRecord) -> dict[str, Any]:
    """The recipe without what is only true of the machine."""
    recipe = record.recipe.model_dump(exclude={"output", "model_config_file"}, exclude_none=True)
    return recipe | {"model": record.base.model, "data": record.data.name}


def _chosen(losses: list[Loss], best: int | None) -> list[Loss]:
    """Rows for the table: the validations, or else all; the first, the last, the best, and some."""
    rows = [loss for loss in losses if loss.validation is not None]
    rows = rows or [loss for loss in losses if loss.train is not None]
    if len(rows) <= _LONGEST_TABLE:
        return rows
    last = len(rows) - 1
    chosen = {round(i * last / (_LONGEST_TABLE - 2)) for i in range(_LONGEST_TABLE - 1)}
    return [row for i, row in enumerate(rows) if i in chosen or row.step == best]
