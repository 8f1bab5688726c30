"""Recipes: what is accepted, and that errors name the key and the remedy."""

import pytest
import yaml
from pydantic import ValidationError

from schemas.document import explain
from schemas.recipe import Recipe

SOURCE = {"name": "a", "path": "a.json"}


def error_of(document):
    with pytest.raises(ValidationError) as caught:
        Recipe.model_validate(document)
    return explain(Recipe, caught.value)


def test_the_smallest_recipe_has_sound_defaults():
    recipe = Recipe.model_validate({"name": "c", "sources": [SOURCE]})
    assert recipe.stages.language.keep == ["zh"]
    assert recipe.stages.script.config == "t2s"
    assert recipe.sources[0].format == "auto"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"stages": {"dedup": {"treshold": 0.7}}}, ["stages.dedup.treshold", "'threshold'"]),
        ({"stages": {"qualty": {}}}, ["stages.qualty", "'quality'"]),
        ({"nmae": "x"}, ["nmae", "'name'"]),
        ({"sources": [{**SOURCE, "licence": "x"}]}, ["sources.0.licence", "'license'"]),
        ({"sources": []}, ["sources"]),
        ({"sources": [SOURCE, SOURCE]}, ["'a'", "unique"]),
        ({"sources": [{"name": "a"}]}, ["sources.0.path", "missing"]),
        ({"sources": [{**SOURCE, "name": "../a"}]}, ["sources.0.name"]),
        ({"sources": [{**SOURCE, "sha256": "zz"}]}, ["sources.0.sha256", "64"]),
        ({"stages": {"dedup": {"threshold": 0}}}, ["stages.dedup.threshold"]),
        ({"stages": {"dedup": {"priority": ["b"]}}}, ["priority", "'b'"]),
        ({"stages": {"privacy": {"action": "redcat"}}}, ["stages.privacy.action", "'redact'"]),
        ({"stages": {"privacy": {"ignore": ["phone"]}}}, ["stages.privacy.ignore", "'mobile'"]),
        ({"stages": {"language": {"keep": ["zh-CN"]}}}, ["stages.language.keep", "'zh'"]),
        ({"stages": {"language": {"keep": []}}}, ["stages.language.keep", "all"]),
        ({"stages": {"privacy": False}}, ["stages.privacy", "mapping", "enabled: false"]),
        ({"stages": {"quality": {"assistant_name": "小光"}}}, ["assistant_name", "replace"]),
        ({"stages": {"quality": {"identity": "replace"}}}, ["assistant_name", "developer"]),
    ],
)
def test_errors_name_the_key_and_the_remedy(change, words):
    message = error_of({"name": "c", "sources": [SOURCE], **change})
    assert all(word in message for word in words), message


def test_off_is_a_policy_though_yaml_reads_it_as_false():
    stages = yaml.safe_load("privacy: {action: off}")
    recipe = Recipe.model_validate({"name": "c", "sources": [SOURCE], "stages": stages})
    assert recipe.stages.privacy.action == "off"


def test_one_answer_to_a_prompt_where_the_prompt_is_the_key():
    dedup = {"key": "prompt"}
    made = Recipe.model_validate({"name": "c", "sources": [SOURCE], "stages": {"dedup": dedup}})
    assert made.stages.dedup.same_prompt == "keep_by_source"
    assert made.stages.dedup.compared_by() == ["prompt"]
    assert Recipe.model_validate(made.model_dump()) == made
    dedup["same_prompt"] = "keep_all"
    assert "key: conversation" in error_of(
        {"name": "c", "sources": [SOURCE], "stages": {"dedup": dedup}}
    )


@pytest.mark.parametrize(
    ("validation", "kept", "rows"),
    [(0, 100, 0), (0.1, 100, 10), (0.005, 1000, 5), (1, 100, 1), (40, 100, 40)],
)
def test_validation_is_a_share_or_a_count(validation, kept, rows):
    stages = {"split": {"validation": validation}}
    made = Recipe.model_validate({"name": "c", "sources": [SOURCE], "stages": stages})
    assert made.stages.split.rows(kept) == rows
    assert bool(rows) == (made.stages.compared_keys() == ["conversation", "prompt"])


@pytest.mark.parametrize(
    ("validation", "word"), [(2.5, "whole number"), (True, "number"), (1e30, "1000000000000")]
)
def test_validation_is_not_just_any_number(validation, word):
    stages = {"split": {"validation": validation}}
    assert word in error_of({"name": "c", "sources": [SOURCE], "stages": stages})
