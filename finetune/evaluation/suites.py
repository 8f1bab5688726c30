"""The three benchmarks and how each is asked.

Prompts are those of the authors' own programs, letter for letter: C-Eval's
`code/evaluator_series/evaluators/llama.py`, CMMLU's `src/mp_utils.py`, MMLU's `evaluate_hf.py`
(without its second space before the subject). C-Eval and CMMLU put the letter directly behind the
colon, MMLU behind a space: for a SentencePiece tokenizer these are different tokens.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from finetune.evaluation.subjects import CEVAL, CMMLU, MMLU, Subject, unknown

LETTERS = ("A", "B", "C", "D")


class Question(NamedTuple):
    """One question; `answer` is a letter."""

    question: str
    options: tuple[str, ...]
    answer: str


@dataclass(frozen=True, slots=True)
class Suite:
    """A benchmark as its authors ask it.

    scored:    the split that is scored; shots are the first rows of `dev`, in their order.
    opening:   before the shots; {subject} is the subject's title.
    before:    before a question.
    ask:       after the options.
    delimiter: between `ask` and the letter.
    files:     where the Hub has it: repository, revision and files.
    """

    name: str
    title: str
    scored: str
    opening: str
    before: str
    ask: str
    delimiter: str
    known: Mapping[str, Subject]
    files: tuple[str, str, tuple[str, ...]]

    def subject(self, name: str) -> Subject:
        """Title and categories of a subject; one that the authors do not list is `Other`."""
        return self.known.get(name) or unknown(name)

    def prompt(self, question: Question) -> str:
        """A question with its options, up to where the letter belongs."""
        options = zip(LETTERS, question.options, strict=True)
        listed = "".join(f"\n{letter}. {option}" for letter, option in options)
        return f"{self.before}{question.question}{listed}\n{self.ask}"


# The revisions are those that `curate` keeps out: curation/sources/benchmarks.py.
SUITES = {
    suite.name: suite
    for suite in (
        Suite(
            "ceval",
            "C-Eval",
            "val",  # its test split has no answers
            "以下是中国关于{subject}考试的单项选择题，请选出其中的正确答案。",
            "",
            "答案：",
            "",
            CEVAL,
            (
                "ceval/ceval-exam",
                "3923b519fd180e689d0961bf3a032ece929742f3",
                ("ceval-exam.zip",),
            ),
        ),
        Suite(
            "cmmlu",
            "CMMLU",
            "test",
            "以下是关于{subject}的单项选择题，请直接给出正确答案的选项。",
            "题目：",
            "答案是：",
            "",
            CMMLU,
            (
                "haonan-li/cmmlu",
                "efcc940752ea4a1ea94d2727f11f83858d64fc8e",
                ("cmmlu_v1_0_1.zip",),
            ),
        ),
        Suite(
            "mmlu",
            "MMLU",
            "test",
            "The following are multiple choice questions (with answers) about {subject}.",
            "",
            "Answer:",
            " ",
            MMLU,
            (
                "cais/mmlu",
                "c30699e8356da336a370243923dbaf21066bb9fe",
                ("all/dev-00000-of-00001.parquet", "all/test-00000-of-00001.parquet"),
            ),
        ),
    )
}
