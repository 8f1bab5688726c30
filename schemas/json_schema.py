"""JSON Schemas of the documents, for editors: `python -m schemas.json_schema FOLDER`.

In an editor that speaks YAML, a recipe's first line turns completion and checks on:
`# yaml-language-server: $schema=…/docs/schemas/recipe.json`
"""

import json
import sys
from pathlib import Path

from schemas.document import Document
from schemas.manifest import Manifest
from schemas.recipe import Recipe
from schemas.statistics import Statistics

DOCUMENTS: dict[str, type[Document]] = {
    "recipe.json": Recipe,
    "statistics.json": Statistics,
    "manifest.json": Manifest,
}


def json_schema(document: type[Document]) -> str:
    """The JSON Schema (draft 2020-12) of a document, as text."""
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **document.model_json_schema(),
    }
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


def export(folder: Path) -> None:
    """Write all schemas into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, document in DOCUMENTS.items():
        (folder / name).write_text(json_schema(document), encoding="utf-8")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit("usage: python -m schemas.json_schema FOLDER")
    export(Path(sys.argv[1]))
