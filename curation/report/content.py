"""What the report tells, gathered from a corpus directory and typed."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from curation.figures import Figure, categories, flow, overlap, rounds, shares, spread
from curation.outputs.manifest import shipped_name
from curation.outputs.parquet import readable
from curation.outputs.withheld import searched
from curation.report.drop_examples import Left, drop_examples
from curation.report.edit_examples import Edited, edit_examples, fired, rule_counts
from curation.report.meanings import STAGES
from curation.report.rules import Rule, edits, reasons
from curation.report.tables import (
    Column,
    Crossed,
    Measure,
    bin_table,
    tally_table,
    total_rounds,
)
from schemas.manifest import Manifest
from schemas.recipe import Recipe
from schemas.statistics import Rounds, Statistics

#: The totals of the paper's Table 2 (arXiv:2312.14557).
PAPER = Rounds(of="result", source="the paper", single=141_345, multi=35_333)
COLUMNS: tuple[Column, ...] = ("language", "script", "category")
MEASURES: tuple[Measure, ...] = ("characters", "tokens", "quality")


@dataclass(frozen=True, slots=True)
class Told:
    """A rule that fired, and examples of what it touched: None where it leaves no text to show."""

    rule: Rule
    examples: list[Edited] | list[Left] | None


@dataclass(frozen=True, slots=True)
class StageRules:
    """What one stage did, and what it could have done: `silent` rules touched nothing."""

    stage: str
    meaning: str
    ran: bool
    told: list[Told]
    silent: list[Rule]


@dataclass(frozen=True, slots=True)
class Content:
    """All that the templates show. `figures` by name; `commands` make the corpus again."""

    manifest: Manifest
    statistics: Statistics
    seed: int
    figures: dict[str, Figure]
    left: list[StageRules]
    changed: list[StageRules]
    tallies: dict[str, Crossed]  # by column
    bins: dict[str, Crossed]  # by measure
    read: Rounds  # of all sources; and after, and in the paper
    after: Rounds
    recipe_yaml: str
    settings_yaml: str
    commands: list[str]
    paper: Rounds = PAPER

    @property
    def records(self) -> int:
        """That were read, the unreadable included."""
        return sum(source.records for source in self.statistics.sources)

    @property
    def kept(self) -> int:
        """Conversations in the corpus."""
        return sum(source.kept for source in self.statistics.sources)

    @property
    def licenses(self) -> dict[str, str]:
        """Source → its licence."""
        return {source.name: source.license for source in self.manifest.recipe.sources}


def gather(directory: Path, manifest: Manifest, statistics: Statistics, seed: int) -> Content:
    """Read what the report needs of the ledger and the data in `directory`.

    Raises CorpusError where a file of it is damaged.
    """
    recipe = manifest.recipe
    privacy = searched(recipe.stages.privacy)
    ran = {stage.stage for stage in statistics.stages}
    with readable(directory):
        changes = fired(directory)
        left = drop_examples(directory, recipe.stages, privacy, seed)
        changed = edit_examples(directory, changes, privacy, seed)
    counts = rule_counts(changes) | _repairs(statistics)
    return Content(
        manifest,
        statistics,
        seed,
        {figure.name: figure for figure in _figures(statistics, recipe)},
        _by_stage(reasons(recipe, statistics), left, ran),
        _by_stage(edits(recipe, counts), changed, ran),
        {column: tally_table(statistics, column) for column in COLUMNS},
        {measure: bin_table(statistics, measure) for measure in MEASURES},
        total_rounds(statistics, "raw"),
        total_rounds(statistics, "result"),
        _written(recipe.model_dump(mode="json", exclude_defaults=True)),
        _written(recipe.model_dump(mode="json")),
        _commands(recipe),
    )


def _figures(statistics: Statistics, recipe: Recipe) -> list[Figure]:
    """All drawings of a corpus, with the thresholds of its recipe."""
    limits = _limits(recipe)
    return [
        flow(statistics),
        rounds(statistics),
        categories(statistics),
        *(spread(statistics, measure, limits.get(measure)) for measure in MEASURES),
        *(shares(statistics, column) for column in ("language", "script")),
        overlap(statistics),
    ]


def _limits(recipe: Recipe) -> dict[Measure, tuple[str, float]]:
    """Measure → the option of the recipe that limits it."""
    quality = recipe.stages.quality
    if not quality.enabled:
        return {}
    return {
        "quality": ("min_score", quality.min_score),
        "characters": ("max_chars", quality.max_chars),
    }


def _repairs(statistics: Statistics) -> dict[tuple[str, str], int]:
    """Repairs are counted by record; not all of them change a text and are in the ledger."""
    return {
        (stage.stage, rule): n
        for stage in statistics.stages
        if stage.stage == "read"
        for rule, n in stage.edited.items()
    }


def _by_stage(
    rules: list[Rule], examples: Mapping[tuple[str, str], Any], ran: set[str]
) -> list[StageRules]:
    """The rules of each stage that has any, those that touched most first."""
    return [
        StageRules(
            stage,
            meaning,
            stage in ran,
            [Told(rule, examples.get((stage, rule.name))) for rule in own if rule.records],
            [rule for rule in own if not rule.records],
        )
        for stage, meaning in STAGES.items()
        if (own := sorted((r for r in rules if r.stage == stage), key=lambda r: -r.records))
    ]


def _written(document: dict[str, Any]) -> str:
    return yaml.safe_dump(document, allow_unicode=True, sort_keys=False, width=88)


def _commands(recipe: Recipe) -> list[str]:
    """What makes the corpus again: the name of a shipped recipe where it is one unchanged."""
    return [
        f"curate run {shipped_name(recipe) or 'recipe.yaml'} --output corpus",
        "curate verify corpus",
    ]
