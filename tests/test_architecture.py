"""What the folders promise: who may import whom, and that the core stays light."""

import ast
import re
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest

from curation.stages.quality import PENALTIES

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "schemas": {"curation", "finetune"},
    "curation": {"finetune"},
    "finetune": {"curation"},
}
#: The rooms of `curation`: each knows those of the ranks before its own.
RANKS = (
    ("text",),
    ("sources", "stages", "figures", "pages"),
    ("engine", "recipes", "training"),
    ("outputs",),
    ("report", "compare", "publishing", "browser"),
)


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("package", FORBIDDEN)
def test_the_walls_between_the_packages(package):
    modules = sorted((ROOT / package).rglob("*.py"))
    assert modules
    for path in modules:
        assert not FORBIDDEN[package] & set(imported(path)), path


@pytest.mark.parametrize("rank", range(len(RANKS)))
def test_each_room_knows_only_the_ones_before_it(rank):
    known = {"__version__", *chain(*RANKS[:rank])}
    for room in RANKS[rank]:
        for path in (ROOT / "curation" / room).rglob("*.py"):
            text = path.read_text(encoding="utf-8")
            found = {*re.findall(r"(?m)^ *(?:from|import) curation(?:\.| import )(\w+)", text)}
            assert not found - known - {room}, path


def test_every_room_has_its_rank():
    rooms = {path.parent.name for path in (ROOT / "curation").glob("*/__init__.py")}
    assert rooms == {*chain(*RANKS), "cli"}


@pytest.mark.parametrize(
    ("room", "unknown"),
    [
        ("rendering", ["model", "training", "adapter", "evaluation", "chatting", "merging"]),
        ("model", ["training", "evaluation", "chatting", "merging", "planning"]),
        ("adapter", ["training", "chatting", "merging", "planning"]),
        ("training", ["evaluation", "chatting", "merging", "planning"]),
        ("evaluation", ["training", "chatting", "merging", "planning"]),
        ("chatting", ["training", "evaluation", "merging", "planning"]),
    ],
)
def test_each_room_of_the_trainer_knows_only_the_ones_before_it(room, unknown):
    for path in (ROOT / "finetune" / room).rglob("*.py"):
        text = path.read_text(encoding="utf-8")
        assert not [other for other in unknown if f"finetune.{other}" in text], path


def test_every_command_explains_itself_without_torch():
    code = """
import sys, runpy
for name in {names}:
    sys.argv = [name, "--help"]
    try:
        runpy.run_module("finetune." + name, run_name="__main__")
    except SystemExit as end:
        assert not end.code, name
assert not {{"torch", "transformers"}} & {{*sys.modules}}
"""
    names = sorted(path.stem for path in (ROOT / "finetune").glob("*.py") if is_command(path))
    assert "train" in names
    subprocess.run(
        [sys.executable, "-c", code.format(names=names)], cwd=ROOT, check=True, capture_output=True
    )


def is_command(path):
    return 'if __name__ == "__main__":' in path.read_text(encoding="utf-8")


def test_curating_loads_no_torch():
    code = "import sys, curation.cli.entry; sys.exit(bool({'torch', 'datasets'} & {*sys.modules}))"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0


def test_every_recipe_option_is_documented():
    from schemas.recipe import Recipe, Source, Stages

    text = (ROOT / "docs" / "recipes.md").read_text(encoding="utf-8")
    for model in (Recipe, Source):
        for name in model.model_fields:
            assert f"| `{name}` |" in text, name
    for stage, field in Stages.model_fields.items():
        section = text.split(f"### `{stage}`")[1].split("\n### ")[0]
        for name in type(field.default).model_fields:
            assert name == "enabled" or f"| `{name}` |" in section, f"{stage}.{name}"


def test_the_readme_begins_with_the_two_commands():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = [line for line in text.splitlines() if line.startswith("make ")]
    assert [line.split("#")[0].strip() for line in commands[:2]] == ["make run", "make test"]


def test_every_reason_is_documented():
    text = (ROOT / "docs" / "ledger.md").read_text(encoding="utf-8")
    pattern = (
        r'"((?:invalid|truncated|record_too|too_|not_an|unknown|wrong|unsupported|empty|is_dir)'
    )
    pattern += r'[a-z_]*|damaged_stream|unreadable_file|permission_denied)"'
    not_reasons = {"empty_turn", "invalid_escape", "invalid"}  # repairs
    for path in (ROOT / "curation" / "sources").glob("*.py"):
        for reason in set(re.findall(pattern, path.read_text(encoding="utf-8"))) - not_reasons:
            assert f"`{reason}`" in text, reason
    for rule in PENALTIES:
        assert f"`{rule}`" in text, rule


def test_every_rule_of_the_edits_ledger_is_documented():
    from curation.stages.clean import CONVERSATION_RULES, TEXT_RULES
    from curation.stages.control_tokens import FAMILIES
    from curation.stages.privacy import PLACEHOLDERS
    from curation.stages.quality.translation import TRANSLATION

    docs = {path.name: path.read_text(encoding="utf-8") for path in (ROOT / "docs").glob("*.md")}
    documented = {
        "cleaning.md": {*TEXT_RULES, *CONVERSATION_RULES},
        "privacy.md": set(PLACEHOLDERS),
        "ledger.md": {*FAMILIES, TRANSLATION},
    }
    for page, rules in documented.items():
        assert not {rule for rule in rules if f"`{rule}`" not in docs[page]}, page
