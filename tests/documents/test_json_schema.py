"""The exported JSON Schemas are in step with the models and accept what the models accept."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from curation.recipes import shipped
from schemas.json_schema import DOCUMENTS, json_schema

FOLDER = Path(__file__).parents[2] / "docs" / "schemas"


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_exported_schema_is_current(name):
    exported = (FOLDER / name).read_text(encoding="utf-8")
    assert exported == json_schema(DOCUMENTS[name]), "run `make schemas`"


@pytest.mark.parametrize("recipe", shipped().values(), ids=shipped())
def test_shipped_recipes_satisfy_the_exported_schema(recipe):
    schema = json.loads((FOLDER / "recipe.json").read_text(encoding="utf-8"))
    jsonschema.validate(yaml.safe_load(recipe.read_text(encoding="utf-8")), schema)


def test_the_exported_schema_refuses_an_unknown_key():
    schema = json.loads((FOLDER / "recipe.json").read_text(encoding="utf-8"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"name": "a", "sources": [{"name": "a", "path": "b", "x": 1}]}, schema)
