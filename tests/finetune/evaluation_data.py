"""Made-up benchmarks in the layouts of the three."""

import csv
import io
from pathlib import Path

SUBJECTS = {"ceval": ["law", "logic"], "cmmlu": ["arts", "anatomy"], "mmlu": ["anatomy", "law"]}
WORDS = ["river", "stone", "cloud", "lamp", "bread", "clock", "grass", "metal", "paper", "salt"]


def rows(count: int, seed: int = 0) -> list[list[str]]:
    """Questions with four options and a letter, all different."""
    return [
        [f"Q{seed}-{i}, what is a {WORDS[i % 10]}?"]
        + [WORDS[(i * 7 + k + seed) % 10] for k in range(4)]
        + ["ABCD"[(i + seed) % 4]]
        for i in range(count)
    ]


def write_benchmark(folder: Path, layout: str, count: int, golds: dict | None = None) -> Path:
    """Write two subjects of `count` questions and five in dev; golds: subject → letters."""
    for number, subject in enumerate(SUBJECTS[layout]):
        scored = rows(count + number, seed=number + 1)
        for row, gold in zip(scored, (golds or {}).get(subject, []), strict=False):
            row[5] = gold
        split = "val" if layout == "ceval" else "test"
        for name, table in (("dev", rows(5, seed=9)), (split, scored)):
            stem = subject if layout == "cmmlu" else f"{subject}_{name}"
            path = folder / name / f"{stem}.csv"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(render(layout, table, name == "dev"), encoding="utf-8")
    return folder


def render(layout: str, table: list[list[str]], explained: bool = False) -> str:
    text = io.StringIO()
    writer = csv.writer(text)
    if layout == "ceval":
        more = ["explanation"] if explained else []
        writer.writerow(["id", "question", *"ABCD", "answer", *more])
        table = [[str(i), *row, *more] for i, row in enumerate(table)]
    if layout == "cmmlu":
        writer.writerow(["", "Question", *"ABCD", "Answer"])
        table = [[str(i), *row] for i, row in enumerate(table)]
    writer.writerows(table)
    return text.getvalue()
