"""One subject, one model, through lm_eval: the log-likelihood of each letter.

lm_eval builds the prompts and batches the requests. These things are done here instead:

- Tokens. A prompt with a chat template is rendered as for training, and what is scored are the
  tokens that training would put there. Prompt text never becomes a control token.
- Logits. Only those behind the prompt are computed, and in fp32: a bf16 logit near 20 is a
  multiple of 0.125, so that letters tie, and the first wins.
- Speed. The shots that all prompts of a subject share are read once, and so is a prompt of which
  lm_eval asks for four letters.
- Length. lm_eval cuts long prompts on the left; here they are refused.
- Text. lm_eval renders the strings of a task as Jinja templates, which can run code. What comes
  from files goes there in columns only, whose values it takes as they are.

The first three override methods of HFLM that are not public, so pyproject.toml pins lm_eval to
0.4.13, whose methods these are.
"""

import contextlib
import io
import json
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import datasets
import torch
from lm_eval.api.task import ConfigurableTask
from lm_eval.evaluator import evaluate
from lm_eval.models.huggingface import HFLM

from finetune.evaluation.benchmark import Exam
from finetune.evaluation.forward import Shared, common
from finetune.evaluation.suites import LETTERS, Question, Suite
from finetune.rendering.rendered import Renderer
from schemas.errors import ModelError

logging.getLogger("lm_eval").setLevel(logging.ERROR)


@dataclass(frozen=True, slots=True)
class Ask:
    """How questions are asked: how many shots, and through which chat template, if any."""

    shots: int
    renderer: Renderer | None


class Scorer(HFLM):  # type: ignore[misc]  # its types are not read
    """A loaded model under lm_eval; `limit` is the longest prompt in tokens."""

    def __init__(self, model: Any, tokenizer: Any, ask: Ask, batch_size: int) -> None:
        """Wrap `model`, a causal language model that may carry an adapter."""
        super().__init__(pretrained=model, tokenizer=tokenizer, batch_size=batch_size)
        self.ask = ask
        self._ids = lru_cache(maxsize=8)(self._tokens)  # a question's letters share its prompt

    def apply_chat_template(
        self, chat_history: Sequence[dict[str, str]], add_generation_prompt: bool = True
    ) -> str:
        """The messages as JSON, without blanks around them: `_encode_pair` renders them."""
        stripped = [one | {"content": one["content"].strip()} for one in chat_history]
        return json.dumps(stripped, ensure_ascii=False)

    def loglikelihood(self, requests: Any, disable_tqdm: bool = True) -> list[tuple[float, bool]]:
        """As lm_eval's, without its bars."""
        scored: list[tuple[float, bool]] = super().loglikelihood(requests, disable_tqdm)
        return scored

    def _encode_pair(self, context: str, continuation: str) -> tuple[list[int], list[int]]:
        """Tokens of a prompt and of the answer behind it."""
        if self.ask.renderer:
            ids, answer = self._in_chat(json.loads(context), continuation)
        else:
            ids = self._ids(context)
            whole = self._tokens(context + continuation)
            if whole[: len(ids)] != ids:
                raise ModelError(
                    f"the tokenizer joins the prompt and {continuation!r} into a token"
                )
            answer = whole[len(ids) :]
        if len(ids) + len(answer) > self.max_length:
            raise ModelError(
                f"a prompt has {len(ids)} tokens, the model takes {self.max_length}; use fewer "
                "--shots"
            )
        return ids, answer

    def _in_chat(
        self, messages: list[dict[str, str]], continuation: str
    ) -> tuple[list[int], list[int]]:
        renderer = self.ask.renderer
        assert renderer  # noqa: S101 - the caller asked
        ids = renderer.prompt(messages)
        [whole] = renderer.render([[*messages, {"role": "assistant", "content": continuation}]])
        answer = whole.input_ids[len(ids) :]
        if whole.input_ids[: len(ids)] != ids or answer[-1:] != [renderer.eos_id]:
            raise ModelError(
                "the chat template puts more before an answer than it asks with; use "
                "--no-chat-template"
            )
        return ids, answer[:-1]

    def _tokens(self, text: str) -> list[int]:
        ids: list[int] = self.tokenizer.encode(
            text, add_special_tokens=False, split_special_tokens=True
        )
        bos = self.tokenizer.bos_token_id
        return ids if bos is None else [bos, *ids]

    def _loglikelihood_tokens(
        self, requests: Sequence[Any], disable_tqdm: bool = True, override_bs: int | None = None
    ) -> list[tuple[float, bool]]:
        """Log-likelihood of each answer, a single token, and whether it is the likeliest of all.

        requests: (texts, prompt ids, answer ids). A prompt that several ask with is read once.
        """
        prompts = sorted({tuple(ids) for _, ids, _ in requests}, key=len)
        found: dict[tuple[int, ...], torch.Tensor] = {}
        with torch.no_grad():
            shared = Shared(self.model, common(prompts))
            for batch in _batches(prompts, int(self.batch_size)):
                found.update(zip(batch, shared.next_token(batch), strict=True))
        scores = []
        for _, ids, [token] in requests:
            row = found[tuple(ids)]
            scores.append((float(row[token]), int(row.argmax()) == token))
        return scores


def _batches(prompts: list[tuple[int, ...]], size: int) -> Iterator[list[tuple[int, ...]]]:
    for start in range(0, len(prompts), size):
        yield prompts[start : start + size]


def score(scorer: Scorer, suite: Suite, subject: str, exam: Exam, ask: Ask) -> list[list[float]]:
    """Per scored question the log-likelihoods of A, B, C and D."""
    task = _task(suite, subject, exam, ask.shots)
    with contextlib.redirect_stderr(io.StringIO()):  # its bars
        results = evaluate(
            lm=scorer,
            task_dict={"tasks": {suite.name: task}, "groups": {}},
            bootstrap_iters=0,
            apply_chat_template=ask.renderer is not None,
            fewshot_as_multiturn=True,
        )
    samples = sorted(results["samples"][suite.name], key=lambda sample: int(sample["doc_id"]))
    return [[float(answer[0]) for answer in sample["filtered_resps"]] for sample in samples]


def first_prompt(suite: Suite, subject: str, exam: Exam, ask: Ask, scorer: Scorer) -> str:
    """What lm_eval makes of the first question: text, or messages as JSON."""
    task = _task(suite, subject, exam, ask.shots)
    chat = ask.renderer is not None
    prompt: str = task.fewshot_context(
        task.eval_docs[0],
        ask.shots,
        apply_chat_template=chat,
        fewshot_as_multiturn=True,
        chat_template=scorer.apply_chat_template if chat else None,
    )
    return prompt


def answer_tokens(scorer: Scorer, prompt: str, suite: Suite) -> list[int]:
    """The tokens that are scored for A, B, C and D behind `prompt`: one each, all different."""
    delimiter = "" if scorer.ask.renderer else suite.delimiter
    tokens = [scorer._encode_pair(prompt, delimiter + letter)[1] for letter in LETTERS]
    if [len(one) for one in tokens] != [1] * len(LETTERS) or len(
        {tuple(one) for one in tokens}
    ) < len(LETTERS):
        raise ModelError(
            f"the tokenizer makes {tokens} of the letters A to D, not one token each; they cannot "
            "be scored"
        )
    return [token for [token] in tokens]


def _task(suite: Suite, subject: str, exam: Exam, shots: int) -> Any:
    """A subject as lm_eval wants it; its data stay in memory, nothing is fetched."""
    splits = {"dev": exam.shots, suite.scored: exam.scored}
    opening = suite.opening.format(subject=suite.subject(subject).title) + "\n\n"
    data = {
        split: datasets.Dataset.from_list([_row(suite, opening, one) for one in questions])
        for split, questions in splits.items()
        if questions
    }
    config: dict[str, Any] = {
        "task": suite.name,
        "custom_dataset": lambda: data,
        "test_split": suite.scored,
        "fewshot_split": "dev" if shots else None,
        "fewshot_config": {"sampler": "first_n"},
        "num_fewshot": shots,
        "output_type": "multiple_choice",
        "description": "opening",  # these three name columns
        "doc_to_text": "prompt",
        "doc_to_target": "gold",
        "doc_to_choice": list(LETTERS),
        "target_delimiter": suite.delimiter,
        "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
    }
    return ConfigurableTask(config=config)


def _row(suite: Suite, opening: str, question: Question) -> dict[str, Any]:
    gold = LETTERS.index(question.answer)
    return {"opening": opening, "prompt": suite.prompt(question), "gold": gold}
