"""An item of a benchmark: what may not be in training data, and what a model is scored on."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class BenchmarkItem:
    """One question. `benchmark`, `subject`, `split` and `number` together name it.

    subject: as the benchmark's own files name it; empty where it has none.
    split:   dev, val, test …; empty where it has none.
    number:  0-based row in the file of that subject and split.
    options: the answers to choose from, in their order; empty for an open question.
    """

    benchmark: str
    subject: str
    split: str
    number: int
    question: str
    options: tuple[str, ...]

    @property
    def name(self) -> str:
        """The item within its benchmark: `accountant/test/12`."""
        return "/".join(part for part in (self.subject, self.split, str(self.number)) if part)
