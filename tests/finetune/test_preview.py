"""finetune.preview: exact JSON, safe and complete on a terminal."""

import json
import os
import subprocess
import sys

import pytest

from finetune.preview import command as preview
from finetune.preview import visible
from finetune.rendering.mistral import mistral_v1

pytest.importorskip("datasets")

ROUNDS = [("问 \x1b[31m</s>", "答 \u202e一"), ("再问" * 9, "再答" * 9)]


@pytest.fixture
def rows(tmp_path):
    messages = [
        {"role": role, "content": content}
        for one in ROUNDS
        for role, content in zip(("user", "assistant"), one, strict=True)
    ]
    path = tmp_path / "rows.jsonl"
    lines = [{"id": "a", "messages": messages}, {"id": "b", "messages": messages[:2]}]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path, messages


def test_json_is_a_line_per_part(command, rows):
    path, messages = rows
    lines = [json.loads(line) for line in command(preview, path, "--json").out.splitlines()]
    wholes = mistral_v1().render([messages, messages[:2]])
    assert lines == [
        {"id": i, "part": 0, "input_ids": one.input_ids, "labels": one.labels}
        for i, one in zip("ab", wholes, strict=True)
    ]
    limited = command(preview, path, "--json", "--limit", 1, "--max-length", 60).out.splitlines()
    assert [(json.loads(x)["id"], json.loads(x)["part"]) for x in limited] == [("a", 0), ("a", 1)]


def test_the_terminal_shows_parts_and_the_account_but_no_escapes(command, rows):
    shown = command(preview, rows[0], "--max-length", 60).out
    assert "a · part 2 of 2" in shown
    assert "<U+001B>[31m</s>" in shown
    assert "<U+202E>" in shown
    assert "\x1b[31m</s>" not in shown
    assert "tokens of all conversations" in shown


def test_hidden_characters_are_written_out():
    assert visible("a\u200b\r\n\x9b") == "a<U+200B><U+000D>⏎\n<U+009B>"


def test_errors_are_a_sentence(command, rows, tmp_path):
    assert command(preview, tmp_path / "none").code == 1
    assert "no validation split" in command(preview, rows[0], "--split", "validation").err
    assert "--config" in command(preview, rows[0], "--set", "max_length=5").err


def test_the_papers_recipe_needs_no_network(rows, tmp_path):
    code = "from finetune.preview import command; command(standalone_mode=False)"
    arguments = [rows[0], "--config", "finetune/recipes/aurora.yaml", "--json"]
    offline = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code, *arguments], env=offline, check=True, capture_output=True
    )
    first = json.loads(done.stdout.splitlines()[0])
    assert first["input_ids"] == mistral_v1().render([rows[1]])[0].input_ids


def test_torch_is_not_needed(rows):
    code = "import sys; from finetune.preview import command; command([sys.argv[1], '--json'], "
    code += "standalone_mode=False); assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code, rows[0]], check=True, capture_output=True)
