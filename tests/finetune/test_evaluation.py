"""`finetune.evaluate` from end to end, on a tiny model in four bits."""

import json
import shutil
import socket
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from evaluation_data import rows, write_benchmark

from finetune.adapter.record import RECORD, read_record
from finetune.console import main
from finetune.evaluate import evaluate
from finetune.evaluation.result import Evaluation, read_evaluation
from finetune.evaluation.statistics import holm

ANSWERS = "evaluation/ceval.parquet"


@pytest.fixture(scope="session")
def ceval(tmp_path_factory) -> Path:
    return write_benchmark(tmp_path_factory.mktemp("ceval"), "ceval", count=20)


@pytest.fixture(scope="session")
def scored(tiny_adapter, ceval, tmp_path_factory) -> Path:
    """An adapter's directory after one evaluation, to be copied."""
    directory = copied(tiny_adapter, tmp_path_factory.mktemp("scored") / "adapter")
    with pytest.raises(SystemExit) as ended:
        main(evaluate, [str(directory), "--benchmarks", str(ceval), "--shots", "2"])
    assert not ended.value.code
    return directory


@pytest.fixture
def adapter(scored, tmp_path) -> Path:
    return copied(scored, tmp_path / "adapter")


def copied(source: Path, target: Path) -> Path:
    shutil.copytree(source, target)
    return target


def change(directory: Path, **data: object) -> None:
    """Change what an adapter's record says of its data."""
    record = read_record(directory)
    changed = record.model_copy(update={"data": record.data.model_copy(update=data)})
    (directory / RECORD).write_text(changed.model_dump_json())


def evaluation_of(directory: Path) -> Evaluation:
    evaluation = read_evaluation(directory)
    assert evaluation
    return evaluation


def test_what_it_writes(adapter, command):
    result = evaluation_of(adapter).benchmarks["ceval"]
    answers = pq.read_table(adapter / ANSWERS).to_pylist()
    assert result.questions == len(answers) == 41
    right = {who: [row[who] == row["gold"] for row in answers] for who in ("base", "adapter")}
    assert result.micro.base == sum(right["base"]) / 41
    assert result.micro.adapter == sum(right["adapter"]) / 41
    law, logic = result.subjects
    assert (law.name, law.questions, logic.questions) == ("law", 20, 21)
    assert result.macro.base == pytest.approx((law.base + logic.base) / 2)
    assert [group.name for group in result.categories] == ["Humanities"]
    assert result.answer_tokens == [28741, 28760, 28743, 28757]  # A, not ▁A
    assert not any("what is a" in str(value) for row in answers for value in row.values())
    assert "no gain shown" in (adapter / "README.md").read_text()


def test_likelihoods_are_those_of_the_model(adapter, ceval):
    """Against a plain forward pass over a prompt that is written out here."""
    import torch

    from finetune.model import load_adapter

    def block(row: list[str]) -> str:
        return row[0] + "".join(f"\n{x}. {row[i + 1]}" for i, x in enumerate("ABCD")) + "\n答案："

    opening = "以下是中国关于法学考试的单项选择题，请选出其中的正确答案。\n\n"
    shots = "".join(f"{block(row)}{row[5]}\n\n" for row in rows(2, seed=9))
    loaded = load_adapter(adapter)
    text = opening + shots + block(rows(20, seed=1)[3])
    ids = torch.tensor([loaded.tokenizer.encode(text)])
    answers = pq.read_table(adapter / ANSWERS).to_pylist()
    with torch.no_grad():
        told = loaded.model(ids).logits[0, -1].float().log_softmax(-1)
        with loaded.model.disable_adapter():
            base = loaded.model(ids).logits[0, -1].float().log_softmax(-1)
    letters = [28741, 28760, 28743, 28757]
    assert answers[3]["adapter_loglikelihoods"] == pytest.approx(told[letters].tolist(), abs=1e-3)
    assert answers[3]["base_loglikelihoods"] == pytest.approx(base[letters].tolist(), abs=1e-3)
    assert ids[0, :2].tolist() != [1, 1]


@pytest.mark.parametrize("chat", [False, True])
def test_text_is_never_a_template(adapter, tmp_path, chat):
    """lm_eval renders a task's strings with Jinja; what is in files must not be among them."""
    from finetune.evaluation.benchmark import Exam
    from finetune.evaluation.harness import Ask, Scorer, first_prompt, score
    from finetune.evaluation.suites import SUITES, Question
    from finetune.model import load_adapter
    from finetune.rendering import choose_renderer

    hostile = "{{ 7 * 7 }} {% for %} {# gone #}"
    question = Question(hostile, (hostile, "{{", "prompt", "1"), "A")
    ask = Ask(1, choose_renderer("mistral-v1") if chat else None)
    loaded = load_adapter(adapter)
    scorer = Scorer(loaded.model, loaded.tokenizer, ask, 4)
    exam = Exam([question], [question])
    prompt = first_prompt(SUITES["ceval"], hostile, exam, ask, scorer)
    text = "".join(message["content"] for message in json.loads(prompt)) if chat else prompt
    assert text.count(hostile) == 5  # subject, and twice question and option
    assert len(score(scorer, SUITES["ceval"], hostile, exam, ask)[0]) == 4


def test_a_real_gain_is_found(adapter, tmp_path, command):
    """A benchmark on which the adapter is always right, by construction."""
    golds: dict[str, list[str]] = {"law": [], "logic": []}
    differ = 0
    for row in pq.read_table(adapter / ANSWERS).to_pylist():
        golds[row["subject"]].append(row["adapter"])
        differ += row["adapter"] != row["base"]
    assert differ > 6
    rigged = write_benchmark(tmp_path / "rigged", "ceval", 20, golds)
    finished = command(evaluate, adapter, "--benchmarks", rigged, "--shots", 2, "--fresh")
    result = evaluation_of(adapter).benchmarks["ceval"]
    assert (result.micro.adapter, result.gained, result.lost) == (1.0, differ, 0)
    assert result.p == pytest.approx(2 * 0.5**differ)
    assert f"gain of {100 * differ / 41:.1f} points" in finished.out
    assert "gain of" in (adapter / "README.md").read_text()


def test_an_interrupted_run_goes_on(adapter, ceval, command):
    """What is kept is not asked again; what is missing is, with the same answers."""
    whole = pq.read_table(adapter / ANSWERS)
    law = whole.slice(0, 20).to_pylist()
    law[0]["adapter"] = law[0]["gold"] = "D"
    pq.write_table(whole.slice(0, 0).from_pylist(law, whole.schema), adapter / ANSWERS)
    finished = command(evaluate, adapter, "--benchmarks", ceval, "--shots", 2)
    assert finished.code == 0
    after = pq.read_table(adapter / ANSWERS).to_pylist()
    assert after[:20] == law
    assert after[20:] == whole.to_pylist()[20:]


def test_another_protocol_and_fresh_begin_anew(adapter, ceval, command):
    whole = pq.read_table(adapter / ANSWERS)
    rows_ = whole.to_pylist()
    rows_[0]["gold"] = "D" if rows_[0]["gold"] != "D" else "A"
    pq.write_table(whole.from_pylist(rows_, whole.schema), adapter / ANSWERS)
    command(evaluate, adapter, "--benchmarks", ceval, "--shots", 2, "--fresh")
    assert pq.read_table(adapter / ANSWERS).to_pylist() == whole.to_pylist()
    asked = ("--benchmarks", ceval, "--shots", 0, "--limit", 2)
    refused = command(evaluate, adapter, *asked)
    assert "another protocol (shots: 2 → 0; limit: None → 2)" in refused.err
    assert pq.read_table(adapter / ANSWERS).to_pylist() == whole.to_pylist()
    command(evaluate, adapter, *asked, "--fresh")
    assert len(pq.read_table(adapter / ANSWERS)) == 4


def test_a_later_run_adds_its_benchmark(adapter, ceval, tmp_path, command):
    """The earlier result stays, and both are corrected for two."""
    before = evaluation_of(adapter).benchmarks["ceval"]
    law = ["ABCD"[i % 4] for i in range(30)]
    mmlu = write_benchmark(tmp_path / "mmlu", "mmlu", 30, {"law": law})
    finished = command(evaluate, adapter, "--benchmarks", mmlu, "--shots", 2)
    both = evaluation_of(adapter).benchmarks
    assert list(both) == ["ceval", "mmlu"]
    adjusted = holm([both["ceval"].p, both["mmlu"].p])
    assert [one.p_holm for one in both.values()] == adjusted
    unchanged = {"p_holm", "verdict"}
    assert both["ceval"].model_dump(exclude=unchanged) == before.model_dump(exclude=unchanged)
    assert "C-Eval" in finished.out
    assert "C-Eval" in (adapter / "README.md").read_text()
    told = json.loads((adapter / "evaluation.json").read_text())
    told["benchmarks"]["ceval"]["subjects"][0]["gained"] = -1
    (adapter / "evaluation.json").write_text(json.dumps(told))
    damaged = command(evaluate, adapter, "--benchmarks", mmlu, "--shots", 2)
    assert "do not add up; replace it with --fresh" in damaged.err
    others = write_benchmark(tmp_path / "others", "ceval", 3)
    refused = command(evaluate, adapter, "--benchmarks", others, "--shots", 2)
    assert (refused.code, "other files of C-Eval" in refused.err) == (1, True)


def test_answers_of_other_files_are_not_used(adapter, ceval, tiny_base, tmp_path, command):
    from safetensors.torch import load_file, save_file

    base = copied(tiny_base, tmp_path / tiny_base.name)
    asked = ("--benchmarks", ceval, "--shots", 2, "--base", base)
    command(evaluate, adapter, *asked, "--fresh")
    before = pq.read_table(adapter / ANSWERS)["base_loglikelihoods"].to_pylist()
    [path] = base.glob("*.safetensors")
    weights = load_file(path)
    weights["lm_head.weight"] *= 2
    save_file(weights, path, {"format": "pt"})
    refused = command(evaluate, adapter, *asked)
    assert "other files of the base or the tokenizer" in refused.err
    (adapter / "evaluation.json").unlink()
    assert command(evaluate, adapter, *asked).code == 0
    assert pq.read_table(adapter / ANSWERS)["base_loglikelihoods"].to_pylist() != before
    path = adapter / "tokenizer_config.json"
    path.write_text(path.read_text() + "\n")
    assert "or the tokenizer" in command(evaluate, adapter, *asked).err


def test_batches_do_not_matter_and_nothing_is_fetched(adapter, ceval, command, monkeypatch):
    def refuse(*_: object) -> None:
        raise AssertionError("the network was asked")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    before = pq.read_table(adapter / ANSWERS).to_pylist()
    command(evaluate, adapter, "--benchmarks", ceval, "--shots", 2, "--fresh", "--batch-size", 1)
    after = pq.read_table(adapter / ANSWERS).to_pylist()
    for one, other in zip(before, after, strict=True):
        assert one["base_loglikelihoods"] == pytest.approx(other["base_loglikelihoods"], abs=1e-3)


def test_two_benchmarks_as_conversations_and_as_json(adapter, tmp_path, command):
    folders = [write_benchmark(tmp_path / name, name, 2) for name in ("cmmlu", "mmlu")]
    finished = command(
        evaluate,
        adapter,
        *(word for folder in folders for word in ("--benchmarks", folder)),
        *("--chat-template", "--shots", 1, "--json", "--fresh"),
    )
    told = json.loads(finished.out)
    assert told == json.loads((adapter / "evaluation.json").read_text())
    assert list(told["benchmarks"]) == ["cmmlu", "mmlu"]
    assert told["protocol"]["chat_template"] == "mistral-v1"
    for one in told["benchmarks"].values():
        assert one["answer_tokens"] == [330, 365, 334, 384]  # ▁A: as training puts it
        assert one["p_holm"] == min(1, 2 * min(b["p"] for b in told["benchmarks"].values()))


def test_a_prompt_that_does_not_fit_is_refused(adapter, tmp_path, command):
    folder = write_benchmark(tmp_path / "long", "ceval", 1)
    path = folder / "val" / "law_val.csv"
    path.write_text(path.read_text().replace("what is", "很长" * 1500))
    finished = command(evaluate, adapter, "--benchmarks", folder, "--fresh")
    assert finished.code == 1
    assert "the model takes 2048; use fewer --shots" in finished.err


def test_errors_are_sentences(adapter, ceval, tmp_path, command):
    assert "no finished adapter" in command(evaluate, tmp_path, "--benchmarks", ceval).err
    finished = command(evaluate, adapter, "--benchmarks", "cevall")
    assert (finished.code, "did you mean 'ceval'" in finished.err) == (2, True)
    finished = command(evaluate, adapter, "--benchmarks", ceval, "--benchmarks", ceval)
    assert (finished.code, "name each benchmark once" in finished.err) == (2, True)
    assert command(evaluate, adapter, ceval).code == 2
    assert command(evaluate, adapter, "--seed", "9" * 400).code == 2


@pytest.mark.parametrize(
    ("kept_out", "told"),
    [
        (None, "does not say whether"),
        (["mmlu"], "were not kept out"),
        (["mmlu", "C-Eval"], "Curation kept its questions out"),
    ],
)
def test_contamination(adapter, ceval, command, kept_out, told):
    change(adapter, kept_out=kept_out)
    finished = command(evaluate, adapter, "--benchmarks", ceval, "--shots", 2)
    assert told in finished.out


def test_losses_on_the_validation_split(adapter, corpus_directory, command):
    from finetune.corpus import load_corpus

    asked = ("--validation", "--data", corpus_directory, "--shots", 2)
    finished = command(evaluate, adapter, *asked)
    assert "is not the corpus that was trained on" in finished.err
    corpus = load_corpus(str(corpus_directory))
    change(adapter, sha256=corpus.data.sha256)
    finished = command(evaluate, adapter, *asked)
    assert list(evaluation_of(adapter).benchmarks) == ["ceval"]
    result = evaluation_of(adapter).validation
    assert result is not None
    assert result.conversations == len(corpus.validation)
    kept = pq.read_table(adapter / "evaluation" / "validation.parquet")
    base = sum(kept["base_loss"].to_pylist()) / sum(kept["tokens"].to_pylist())
    assert result.base == pytest.approx(base)
    assert base == pytest.approx(expected_loss(adapter, corpus.validation), abs=1e-3)
    assert f"loss {result.base:.4f} → {result.adapter:.4f}" in finished.out


def expected_loss(adapter: Path, rows_: object) -> float:
    """The base's loss as transformers computes it, over parts weighted by their labels."""
    import torch

    from finetune.model import load_adapter
    from finetune.rendering.cache import default_cache, render_corpus
    from finetune.rendering.mistral import mistral_v1
    from finetune.rendering.split import Limits

    loaded = load_adapter(adapter)
    parts = render_corpus(rows_, mistral_v1(), Limits(256), default_cache()).parts
    total = count = 0.0
    with torch.no_grad(), loaded.model.disable_adapter():
        for part in parts:
            ids, labels = torch.tensor([part["input_ids"]]), torch.tensor([part["labels"]])
            tokens = int((labels[:, 1:] != -100).sum())
            total += tokens * float(loaded.model(ids, labels=labels).loss)
            count += tokens
    return total / count


def test_real_questions(adapter, shared_data, command):
    archive = shared_data / "benchmarks" / "ceval.zip"
    finished = command(evaluate, adapter, "--benchmarks", archive, "--limit", 1, "--fresh")
    assert "C-Eval: no gain shown" in finished.out
    assert "a trial, not a score" in finished.out
    assert evaluation_of(adapter).benchmarks["ceval"].questions == 52
