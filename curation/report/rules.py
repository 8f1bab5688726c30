"""The rules of a run: what each did, how often, and by which settings of the recipe."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from curation.outputs.reasons import REASONS
from curation.report.meanings import EDITS
from curation.stages.quality import PENALTIES
from schemas.recipe import Recipe, Stages
from schemas.statistics import Statistics


@dataclass(frozen=True, slots=True)
class Setting:
    """An option of the recipe as it stood; `changed` from its default."""

    name: str  # stage.option
    value: str
    changed: bool


@dataclass(frozen=True, slots=True)
class Rule:
    """A reason to leave, or a way to change a message."""

    stage: str
    name: str
    meaning: str
    settings: tuple[Setting, ...]
    records: int  # it touched

    @property
    def anchor(self) -> str:
        """A name for links within the page."""
        return f"{self.stage}-{self.name}"


#: Options that decide about every rule of a stage, and those about single ones in their place.
_STAGE_OPTIONS = {
    "language": ("keep",),
    "script": ("config",),
    "privacy": ("action", "ignore", "originals"),
    "control_tokens": ("action",),
    "quality": ("min_score",),
    "decontaminate": ("threshold", "action", "benchmarks"),
}
_RULE_OPTIONS = {
    "too_long": ("max_chars",),
    "message_too_long": ("max_message_chars",),
    "identity": ("identity", "assistant_name", "assistant_developer"),
    "html_entities": ("html",),
    "html_residue": ("html",),
    "address": ("addresses", "action", "originals"),
    "exact_duplicate": ("key", "priority"),
    "near_duplicate": ("threshold", "ngram", "num_perm", "key", "priority"),
    "same_prompt": ("same_prompt", "priority"),
}


def reasons(recipe: Recipe, statistics: Statistics) -> list[Rule]:
    """Every reason for which a record can leave, by stage."""
    counts = {stage.stage: stage.dropped for stage in statistics.stages}
    return _rules(recipe, REASONS, {(s, r): n for s in counts for r, n in counts[s].items()})


def edits(recipe: Recipe, conversations: Mapping[tuple[str, str], int]) -> list[Rule]:
    """Every rule by which a message can change, by stage.

    conversations: (stage, rule) → conversations of which it changed a message.
    """
    return _rules(recipe, EDITS, conversations)


def _rules(
    recipe: Recipe,
    meanings: Mapping[str, Mapping[str, str]],
    counts: Mapping[tuple[str, str], int],
) -> list[Rule]:
    known = {
        (stage, name): meaning for stage, of in meanings.items() for name, meaning in of.items()
    }
    return [
        Rule(
            stage, name, meaning, tuple(settings(recipe, stage, name)), counts.get((stage, name), 0)
        )
        for (stage, name), meaning in known.items()
    ]


def settings(recipe: Recipe, stage: str, rule: str) -> Iterator[Setting]:
    """The options that decide about a rule, and what a quality rule costs."""
    if stage not in Stages.model_fields:
        return
    config, defaults = getattr(recipe.stages, stage), getattr(Stages(), stage)
    for option in _RULE_OPTIONS.get(rule, _STAGE_OPTIONS.get(stage, ())):
        value, default = getattr(config, option), getattr(defaults, option)
        if value not in (None, []):
            yield Setting(f"{stage}.{option}", written(value), value != default)
    if stage == "quality" and rule in PENALTIES:
        yield Setting("lowers the score by up to", f"{PENALTIES[rule]:.0%}", changed=False)


def written(value: Any) -> str:
    """A value of the recipe as one writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)
