"""finetune.preview: exact JSON, safe and complete on a terminal."""

import io
import json
import os
import re
import subprocess
import sys

import pytest
from rich.console import Console

from finetune.preview import CONTEXT, CONTROL, REPEATED, TRAINED, _setting, coloured, visible
from finetune.preview import command as preview
from finetune.rendering.mistral import mistral_v1
from finetune.rendering.split import Limits, Part, cut

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


def test_json_says_on_standard_error_what_it_leaves_out(command, tmp_path):
    path = tmp_path / "rows.jsonl"
    rows = [["user"], ["user", "assistant"]]
    lines = [{"messages": [{"role": role, "content": "a"} for role in row]} for row in rows]
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    finished = command(preview, path, "--json")
    assert len(finished.out.splitlines()) == 1
    assert "left out 1 × the last message is not the assistant's" in finished.err


def test_a_pipe_gets_no_progress_bar(rows, tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "finetune.preview", rows[0], "--json"],
        env={**os.environ, "HF_DATASETS_CACHE": str(tmp_path)},
        check=True,
        capture_output=True,
    )
    assert done.stderr == b""


def test_what_a_token_is_shows_in_its_colour(rows):
    renderer = mistral_v1()
    (one,) = cut(["a"], [rows[1]], renderer, Limits())
    tokens = coloured(Part(one.parts[0].ids, one.parts[0].learned, 3), renderer)
    shown = io.StringIO()
    Console(file=shown, force_terminal=True, color_system="standard", width=500).print(tokens)
    codes = {
        "39": CONTEXT,
        "32": TRAINED,
        "1;35": CONTROL,
        "1;35;42": f"{CONTROL} on green",
        "2;36": REPEATED,
    }
    printed = set(re.findall(r"\x1b\[([0-9;]+)m", shown.getvalue())) - {"0"}
    plain = {re.sub(r"(^|;)4(?=;|$)", "", code).strip(";") for code in printed} - {""}
    assert plain == set(codes)
    styles = {span.style.removesuffix(" underline") for span in tokens.spans}
    assert styles == set(codes.values())


def test_a_recipe_s_revision_is_of_its_own_data_alone(rows, tmp_path):
    recipe = tmp_path / "recipe.yaml"
    named = {"model": "m", "data": "a/b", "output": "o", "template": "mistral-v1"}
    named |= {"model": "mistralai/Mixtral-8x7B-Instruct-v0.1", "data_revision": "abc"}
    recipe.write_text(json.dumps(named))
    assert _setting("a/b", str(recipe), (), None).revision == "abc"
    assert _setting("c/d", str(recipe), (), None).revision is None


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
