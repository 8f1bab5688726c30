"""The shipped sample: it has every defect its README lists, as often as it says."""

import csv
import gzip
import io
import json
import re
import unicodedata
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq
import pytest
import yaml

import curation
from curation.sources.benchmarks import KNOWN
from schemas.recipe import Recipe

PACKAGE = Path(curation.__file__).parent
SAMPLE = PACKAGE / "sample"
RECIPES = sorted((PACKAGE / "recipes").glob("*.yaml"))
TRADITIONAL = set(
    "請問說這個們電腦開沒麼樣時候為什會過還後見點體買車關應該學習經驗訊網軟裡國條貝認識運遊宮魚湯腦"
)
SIMPLIFIED = set(
    "请问说这个们电脑开没么样时候为什会过还后见点体买车关应该学习经验讯网软里国条贝认识运游宫鱼汤脑"
)


class Record(NamedTuple):
    file: str
    raw: str  # as it stands in the file; empty for CSV and Parquet
    value: dict | None  # None: no JSON
    error: str
    turns: list[tuple[str, str]]  # role (Q question, A answer, S system), text

    @property
    def text(self) -> str:
        return "\x1e".join(text for _, text in self.turns)


def read(name: str) -> list[Record]:
    data = (SAMPLE / name).read_bytes()
    if name.endswith(".parquet"):
        values = pq.read_table(io.BytesIO(data)).to_pylist()
        return [Record(name, "", value, "", turns(value)) for value in values]
    if name.endswith(".csv"):
        rows = csv.DictReader(io.StringIO(data.decode("gb18030"), newline=""))
        return [Record(name, "", row, "", turns(row)) for row in rows]
    text = (gzip.decompress(data) if name.endswith(".gz") else data).decode("utf-8-sig")
    parts = text.split("\n")
    if name == "alpaca_zh.json":  # a pretty-printed array: each element starts with " {"
        parts = re.split(r",?\n(?= \{|\])", text)[1:-1]
    return [parse(name, part) for part in parts if part]


def parse(name: str, raw: str) -> Record:
    error = ""
    value = None
    try:
        value = json.loads(raw)
    except json.JSONDecodeError as problem:
        error = problem.msg
        mended = re.sub(r",\s*\}$", "}", re.sub(r'\\(?!["\\/bfnrtu])', r"\\\\", raw))
        try:
            value = json.loads(mended, strict=False)
        except json.JSONDecodeError:
            return Record(name, raw, None, error, [])
    return Record(name, raw, value, error, turns(value))


def turns(value: dict) -> list[tuple[str, str]]:
    if "output" in value or "instruction" in value:
        return [("Q", value["instruction"]), ("A", value.get("output", ""))]
    if "query" in value:
        rounds = [*json.loads(value["history"]), [value["query"], value["response"]]]
        return [turn for q, a in rounds for turn in (("Q", q), ("A", a))]
    if isinstance(value.get("conversation"), list):
        rounds = [(r["human"], r["assistant"]) for r in value["conversation"]]
        return [turn for q, a in rounds for turn in (("Q", q), ("A", a))]
    said = value.get("conversations") or value.get("messages") or []
    roles = {"human": "Q", "user": "Q", "client": "Q", "system": "S"}
    return [
        (roles.get(m.get("from") or m["role"], "A"), m.get("value", m.get("content"))) for m in said
    ]


def share(text: str, first: str, last: str) -> float:
    letters = [c for c in text if c.isalpha()]
    return sum(first <= c <= last for c in letters) / max(len(letters), 1)


def spoken(record: Record) -> list[str]:
    return [role for role, text in record.turns if role != "S" and text.strip()]


def answers(record: Record) -> list[str]:
    return [text for role, text in record.turns if role == "A"]


def has(pattern: str, flags: int = 0) -> Callable[[Record], bool]:
    return lambda r: re.search(pattern, r.text, flags) is not None


def mended(message: str) -> Callable[[Record], bool]:
    return lambda r: message in r.error and r.value is not None


def chinese(record: Record) -> bool:
    kana = share(record.text, "\u3041", "\u30ff")
    return kana < 0.3 and not re.search("[咗佢㗎]", record.text)


def traditional(text: str) -> int:
    return sum(c in TRADITIONAL - SIMPLIFIED for c in text)


def simplified(text: str) -> int:
    return sum(c in SIMPLIFIED - TRADITIONAL for c in text)


OUTSIDE_CODE = r"(?s)\A(?:(?!```).)*"
ITEMS = "凝华成的白色冰晶|光合作用暗反應階段|每分钟注入１８升|标价240元"
PLACEHOLDERS = {"无", "暂无", "N/A", "……", "<nooutput>"}

DEFECTS: dict[str, Callable[[Record], bool]] = {
    "unterminated string": lambda r: r.value is None and r.raw.rstrip().endswith("}"),
    "truncated last line": lambda r: r.value is None and not r.raw.rstrip().endswith("}"),
    "unknown format": lambda r: r.value is not None and not r.turns,
    "trailing comma": lambda r: re.search(r",\s*\}$", r.raw) is not None,
    "raw control character": mended("Invalid control character"),
    "invalid escape": mended("Invalid \\escape"),
    "NaN": lambda r: re.search(r":\s*NaN\b", r.raw) is not None,
    "lone surrogate": has("[\ud800-\udfff]"),
    "no answer": lambda r: bool(r.turns) and not any(t.strip() for t in answers(r)),
    "placeholder input": lambda r: (
        str((r.value or {}).get("input", "")).lower() in {"<noinput>", "无", "无输入"}
    ),
    "role alias": lambda r: '"chatgpt"' in r.raw,
    "leading assistant turn": lambda r: spoken(r)[:1] == ["A"],
    "consecutive turns of one role": lambda r: any(a == b for a, b in pairwise(spoken(r))),
    "empty turn": lambda r: len(r.turns) > 2 and any(not text for _, text in r.turns),
    "trailing user turn": lambda r: spoken(r)[-1:] == ["Q"] and len(spoken(r)) > 1,
    "zero-width characters": has("[\u200b\ufeff]"),
    "no-break space": lambda r: "\u00a0" in r.text and "ç" not in r.text,  # no mojibake
    "CRLF": has("\r\n"),
    "control characters in text": has("[\x08\x7f]"),
    "decomposed accents": lambda r: any(map(unicodedata.combining, r.text)),
    "HTML residue": has(OUTSIDE_CODE + r"(?:<div|<p>|<span|<br>|&nbsp;)"),
    "HTML in code": has(r"```(?:html|jsx)"),
    "runs of blank lines": has(r"\n{4}"),
    "trailing spaces": has(r"[ \t\u3000](?:\n|\x1e|\Z)"),
    "English": lambda r: share(r.text, "A", "z") == 1,
    "Japanese": lambda r: share(r.text, "\u3041", "\u30ff") > 0.3,
    "Korean": lambda r: share(r.text, "\uac00", "\ud7a3") > 0.5,
    "Russian": lambda r: share(r.text, "\u0400", "\u04ff") > 0.5,
    "French": has("Comment faire"),
    "Cantonese": has("[咗㗎佢]"),
    "Traditional": lambda r: chinese(r) and traditional(r.text) > 3 * simplified(r.text),
    "mixed script": lambda r: traditional(r.text) > 2 and simplified(r.text) > 2,
    "placeholder answer": lambda r: len(r.turns) == 2 and r.turns[1][1] in PLACEHOLDERS,
    "question for an answer": lambda r: len(r.turns) == 2 and r.turns[0][1] == r.turns[1][1],
    "looped answer": lambda r: any(re.search(r"(.{15,}?)\1{9}", t) for t in answers(r)),
    "replacement characters": lambda r: r.text.count("\ufffd") > 10,
    "message over 16,000 characters": lambda r: any(len(t) > 16_000 for _, t in r.turns),
    "personal data or a secret": has(r"139\d{8}|\d{17}X|@qingniao|京Ａ|sk-proj"),
    "control token": has(r"\[INST\]|<\|im_start\|>"),
    "mojibake": has("[å鍒]\\S"),
    "stray label": lambda r: any(t.startswith("输出：") for t in answers(r)),
    "question repeated in its answer": lambda r: (
        len(r.turns) == 2 and r.turns[1][1].startswith(r.turns[0][1] + "\n")
    ),
    "another model's identity": has("我是ChatGPT"),
    "answer in another language": has("为什么海水是咸的"),
    "nothing to continue": lambda r: bool(r.turns) and r.turns[0][1] == "继续",
    "answer that goes on as a dialogue": has("\nHuman:"),
    "picture that is not there": has(r"\[图片："),
    "task that did not survive translation": has("狗s"),
    "benchmark item": lambda r: re.search(ITEMS, r.text) is not None,
    "one-character answer": lambda r: any(len(t) == 1 and t != "无" for t in answers(r)),
    "several rounds": lambda r: spoken(r).count("Q") > 1,
}


@pytest.fixture(scope="module")
def records() -> list[Record]:
    files = (p.name for p in sorted(SAMPLE.iterdir()) if p.is_file() and p.suffix != ".md")
    return [record for file in files for record in read(file)]


def table(heading: str) -> dict[str, int]:
    """First and last column of the README's table under `heading`."""
    section = (
        (SAMPLE / "README.md").read_text("utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    )
    rows = re.findall(r"^\| `?([^`|]+?)`? \|.*\| ([\d,]+) \|$", section, re.MULTILINE)
    return {name: int(count) for name, count in rows}


def test_every_file_has_the_records_the_readme_says(records):
    found: dict[str, int] = {}
    for record in records:
        found[record.file] = found.get(record.file, 0) + 1
    assert found == table("Files")


def test_every_defect_occurs_as_often_as_the_readme_says(records):
    assert {name: sum(map(find, records)) for name, find in DEFECTS.items()} == table("Defects")


def test_duplicates_occur_as_often_as_the_readme_says(records):
    seen: list[set[str]] = []
    found = {"exact duplicate": 0, "near duplicate": 0}
    for record in records:
        composed = unicodedata.normalize("NFC", record.text)
        text = re.sub(r"<[^>\n]+>|&nbsp;|\W", "", composed)
        grams = {text[i : i + 5] for i in range(len(text) - 4)}
        if not grams or len(grams) > 4000 or traditional(record.text) > 5:
            continue
        best = max((len(grams & other) / len(grams | other) for other in seen), default=0)
        assert not 0.7 < best < 0.85, f"in doubt: {text[:20]}"
        found["exact duplicate"] += best == 1
        found["near duplicate"] += 0.85 <= best < 1
        seen.append(grams)
    assert found == table("Duplicates")


def test_the_sample_stays_small():
    assert sum(path.stat().st_size for path in SAMPLE.iterdir()) < 600_000


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.stem)
def test_shipped_recipes_are_valid(path):
    recipe = Recipe.model_validate(yaml.safe_load(path.read_text("utf-8")))
    for name in (name for source in recipe.sources for name in source.paths):
        assert name.startswith("hf://") or (path.parent / name).is_file()
    for name in recipe.stages.decontaminate.benchmarks:
        assert name in KNOWN or (path.parent / name).is_file()
