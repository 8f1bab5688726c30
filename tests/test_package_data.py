"""An installed package has every file that a checkout has."""

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SETTINGS = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"][
    "setuptools"
]


@pytest.mark.parametrize("package", ["curation", "finetune", "schemas"])
def test_every_file_beside_the_code_is_installed(package):
    folder = ROOT / package
    there = {
        path
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in (".py", ".pyc") and "__pycache__" not in path.parts
    }
    patterns = SETTINGS["package-data"][package]
    for pattern in patterns:
        assert list(folder.glob(pattern)), f"{pattern} matches nothing"
    installed = {path for pattern in patterns for path in folder.glob(pattern)}
    assert not {str(path.relative_to(ROOT)) for path in there - installed}


@pytest.mark.parametrize("package", ["curation", "finetune", "schemas"])
def test_every_folder_of_code_is_a_package(package):
    # Folders without __init__.py are namespace packages, which setuptools' find leaves out.
    folders = {path.parent for path in (ROOT / package).rglob("*.py")}
    assert not [folder for folder in folders if not (folder / "__init__.py").exists()]
