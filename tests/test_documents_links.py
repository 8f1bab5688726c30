"""What README and docs point to is there, and what they say of defaults is so."""

import json
import re
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml

from schemas.recipe import Stages

ROOT = Path(__file__).parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
LINK = re.compile(r"!?\[[^\]]*\]\(([^()\s]+(?:\([^()\s]*\))?)\)")
CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
#: What a default is called where its value says little.
WORDS = {"none": (None, [], {}), "empty": ("",), "recipe order": ([],)}


def prose(path):
    """The Markdown of a page or notebook, without code, in which brackets are no links."""
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".ipynb":
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "markdown"]
        text = "\n\n".join("".join(cell["source"]) for cell in cells)
    return CODE.sub("", text)


def anchors(path):
    """The anchors that the Hub and GitHub make of a page's headings."""
    headings = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", one.lower()).strip().replace(" ", "-") for one in headings}


@pytest.mark.parametrize("page", [*PAGES, *NOTEBOOKS], ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_to_a_file(page):
    for link in LINK.findall(prose(page)):
        path, _, anchor = unquote(link).partition("#")
        if re.match(r"[a-z]+:", path):
            continue
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert ROOT in (target, *target.parents), f"{link} leads out of the repository"
        assert not anchor or anchor in anchors(target), link


def test_every_page_is_in_the_index():
    index = (ROOT / "docs" / "README.md").read_text(encoding="utf-8")
    for page in (*sorted((ROOT / "docs").glob("*.md")), *NOTEBOOKS):
        assert page.name == "README.md" or f"{page.name})" in index, page.name


def test_readme_shows_pictures_that_are_small_and_described():
    pictures = re.findall(r"<img ([^>]+)>", (ROOT / "README.md").read_text("utf-8"))
    assert pictures
    for picture in pictures:
        attributes = dict(re.findall(r'(\w+)="([^"]+)"', picture))
        assert (ROOT / attributes["src"]).stat().st_size < 300_000
        assert attributes["alt"]


@pytest.mark.parametrize("stage", Stages.model_fields)
def test_documented_defaults_are_the_defaults(stage):
    text = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    section = text.split(f"### `{stage}`")[1].split("\n### ")[0]
    documented = dict(re.findall(r"^\| `(\w+)` \| ([^|]+) \| ", section, re.MULTILINE))
    defaults = Stages.model_fields[stage].default.model_dump(exclude={"enabled"})
    assert documented.keys() == defaults.keys()
    for name, value in defaults.items():
        said = documented[name]
        assert value in WORDS.get(said, ()) or yaml.safe_load(said.strip("`")) == value, name


def test_no_notebook_holds_output():
    for path in NOTEBOOKS:
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        assert not [cell["id"] for cell in cells if cell.get("outputs")], path.name
