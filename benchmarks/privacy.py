"""Precision and recall of the privacy stage on made-up private data and look-alikes.

    python -m benchmarks.privacy [--cases 5000] [--seed 1] [--show]

`--show` prints what is missed and what is taken for private; all of it is made up.
"""

import argparse
import sys
from collections import Counter
from dataclasses import dataclass, field

from rich.console import Console
from rich.table import Table

from benchmarks.private import POSITIVES, Case, lookalikes, positives
from curation.stages.privacy import find

KINDS = list(POSITIVES)


@dataclass
class Score:
    """Counts by kind, and the cases that went wrong.

    A value is found if one finding of its kind is exactly it; any other finding is a false one.
    """

    found: Counter[str] = field(default_factory=Counter)
    missed: Counter[str] = field(default_factory=Counter)
    false: Counter[str] = field(default_factory=Counter)
    wrong: list[tuple[Case, list[tuple[str, str]]]] = field(default_factory=list)

    def precision(self, kind: str) -> float:
        return self.found[kind] / max(1, self.found[kind] + self.false[kind])

    def recall(self, kind: str) -> float:
        return self.found[kind] / max(1, self.found[kind] + self.missed[kind])

    def overall(self) -> tuple[float, float]:
        """Precision and recall over all kinds."""
        found = self.found.total()
        return found / (found + self.false.total()), found / (found + self.missed.total())


def score(cases: list[Case]) -> Score:
    """What the finders make of `cases`."""
    result = Score()
    for case in cases:
        findings = [(f.kind, case.text[f.start : f.end]) for f in find(case.text, KINDS)]
        expected = (case.kind, case.value) if case.value else None
        hit = expected in findings
        if expected:
            (result.found if hit else result.missed)[case.kind] += 1
        others = [finding for finding in findings if finding != expected]
        result.false.update(kind for kind, _ in others)
        if others or (expected and not hit):
            result.wrong.append((case, findings))
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--cases", type=int, default=5000, help="of each: values and look-alikes")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--show", action="store_true", help="print what goes wrong")
    options = parser.parse_args()
    cases = positives(options.cases, options.seed) + lookalikes(options.cases, options.seed)
    result = score(cases)
    console = Console(width=None if sys.stdout.isatty() else 130)
    table = Table(title=f"2 × {options.cases:,} cases, seed {options.seed}", title_justify="left")
    for name in ("kind", "precision", "recall"):
        table.add_column(name, justify="left" if name == "kind" else "right")
    for kind in KINDS:
        table.add_row(kind, f"{result.precision(kind):.4f}", f"{result.recall(kind):.4f}")
    table.add_row("all", *(f"{share:.4f}" for share in result.overall()))
    console.print(table)
    for case, findings in result.wrong if options.show else ():
        console.print(f"{case.kind}: {case.text!r} → {findings}", markup=False, soft_wrap=True)


if __name__ == "__main__":
    main()
