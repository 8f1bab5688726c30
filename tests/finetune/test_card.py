"""The model card."""

import hashlib

import pytest
import yaml
from adapter_records import BASE, make_record
from huggingface_hub import ModelCard

from finetune.adapter.card import write_card
from finetune.adapter.record import Base, Data
from finetune.evaluation.result import (
    Accuracy,
    BenchmarkResult,
    Evaluation,
    Protocol,
    ValidationResult,
    write_evaluation,
)
from finetune.recipe import TrainingRecipe
from schemas.errors import ModelError
from schemas.sections import section, sections, with_sections

HOSTILE = "<script>alert(1)</script> | ![x](http://h) \n---\nlicense: mit\n# forged \u202e `a`"


@pytest.fixture
def card(tmp_path):
    """Write the card of a record: its parsed front matter and its text."""

    def write(**changes):
        write_card(tmp_path, make_record(**changes))
        return ModelCard.load(tmp_path / "README.md")

    return write


def test_front_matter_is_what_the_hub_understands(card):
    data = Data(name="me/aurora", revision="c" * 40, sha256="ab" * 32, licenses=["mit"])
    metadata = card(data=data).data.to_dict()
    assert metadata["base_model"] == BASE
    assert metadata["base_model_relation"] == "adapter"
    assert metadata["datasets"] == ["me/aurora"]
    assert metadata["language"] == "zh"
    assert metadata["library_name"] == "peft"
    assert metadata["license"] == "mit"
    assert metadata["pipeline_tag"] == "text-generation"


def test_a_base_of_this_machine_is_not_named_as_one_of_the_hub(card):
    for model in ("output/tiny", "output/my-mixtral", "/home/somebody/models/x", "tiny"):
        base = make_record().base.model_copy(
            update={"model": model, "revision": None, "from_config": model == "output/tiny"}
        )
        metadata = card(base=base).data.to_dict()
        assert not {"base_model", "base_model_relation", "datasets"} & metadata.keys()


def test_figures_are_those_of_the_record(card, tmp_path):
    text = card().text
    for row in (
        "| conversations | 1,000 | 100 |",
        "| kept | 396,000 |",
        "| dropped | 4,000 |",
        "| repeated as context | 1,200 |",
        "| share with a loss | 62.9% |",
        "| 250 (best) | 2.50 |",
        "| peak memory | 26.0 GiB |",
        "| bytes per expert weight | 0.516 |",
        "| modules adapted: q\\_proj | 32 |",
    ):
        assert row in text
    assert "ab" * 32 in text
    assert "Not evaluated on benchmarks." in text
    assert (tmp_path / "assets" / "loss.png").is_file()


@pytest.mark.parametrize(
    ("architecture", "targets", "loads"),
    [
        ("MixtralForCausalLM", ["q_proj"], True),
        ("MixtralForCausalLM", ["q_proj", "up_proj"], False),
        ("Qwen2MoeForCausalLM", ["up_proj"], False),
        ("Qwen3MoeForCausalLM", ["up_proj"], True),
        ("OlmoeForCausalLM", ["up_proj"], True),
    ],
)
def test_the_card_says_whether_peft_alone_loads_it(card, architecture, targets, loads):
    record = make_record()
    base = record.base.model_copy(update={"architecture": architecture})
    guard = record.guard.model_copy(update={"matched": dict.fromkeys(targets, 32)})
    text = card(base=base, guard=guard).text
    assert ("AutoPeftModelForCausalLM" in text) == loads
    assert ("Not with PEFT alone" in text) != loads
    dense = guard.model_copy(update={"expert_bytes_per_parameter": None})
    assert "AutoPeftModelForCausalLM" in card(base=base, guard=dense).text


def test_the_recipe_in_the_card_says_nothing_of_the_machine(card):
    recipe = TrainingRecipe(model="/home/me/mixtral", data="/home/me/aurora", output="/home/me/out")
    text = card(recipe=recipe).text
    assert "/home/me" not in text
    shown = yaml.safe_load(text.partition("```yaml\n")[2].partition("```")[0])
    assert TrainingRecipe(**shown, output="x").lora_targets == ["q_proj", "v_proj"]
    assert (shown["model"], shown["data"]) == (BASE, "aurora")


def test_text_of_the_user_stays(card, tmp_path):
    card()
    path = tmp_path / "README.md"
    mine = "Our notes: 中文 <b>kept</b> as they are.\n\n- also this"
    old = path.read_text()
    path.write_text(with_sections(old, {"notes": mine}))
    assert mine in card(steps=299).text
    first = path.read_text()
    card(steps=299)
    assert path.read_text() == first
    path.write_text(old.replace("<!-- your text ends -->", ""))
    with pytest.raises(ModelError, match=r"README\.md"):
        card()


def test_hostile_names_stay_text(card):
    base = Base(model=HOSTILE, revision="a", architecture=HOSTILE, parameters=1, from_config=False)
    data = Data(name=HOSTILE, revision="c", sha256=HOSTILE, licenses=[HOSTILE])
    account = make_record().train.model_copy(update={"left_out": {HOSTILE: 1}})
    made = card(base=base, data=data, train=account, device=HOSTILE, stopped=HOSTILE)
    assert made.data.license == "other"
    assert made.data.datasets == [HOSTILE]
    prose = made.text.replace("```yaml", "```")
    outside = "".join(prose.split("```")[::2])  # code blocks show their text as it is
    assert "\n# forged" not in outside
    assert "\u202e" not in outside
    assert "![x](" not in "".join(outside.split("`")[::2])
    assert "<script>" not in "".join(outside.split("`")[::2])


def test_a_mark_inside_a_name_does_not_end_the_users_text(card, tmp_path):
    begin, end = section("notes", "").split("\n")
    data = Data(name=f"a {end}\n{begin}", revision=None, sha256=begin, licenses=[end])
    first = card(data=data).text
    assert card(data=data).text == first
    assert sections(first) == {"notes": ""}


def test_how_to_load_is_true_of_the_adapter(card):
    guard = make_record().guard
    text = card().text
    assert "AutoPeftModelForCausalLM" in text
    assert "the one before, at most 10, each counted alike" in text
    text = card(guard=guard.model_copy(update={"matched": {"gate_proj": 768}})).text
    assert "Not with PEFT alone" in text
    assert "AutoPeftModelForCausalLM" not in text


def test_evaluation_is_shown_where_there_is_one(card, tmp_path):
    half = {"base": 0.5, "base_interval": (0.4, 0.6), "adapter": 0.5188}
    half |= {"adapter_interval": (0.4, 0.6), "difference": 0.0188}
    accuracy = Accuracy(**half, difference_interval=(-0.01, 0.04))
    benchmark = BenchmarkResult(
        name="ceval",
        title="C-Eval",
        split="val",
        sha256="ab",
        questions=1346,
        answer_tokens=[1, 2, 3, 4],
        micro=accuracy,
        macro=accuracy,
        gained=40,
        lost=15,
        p=0.01,
        p_holm=0.012,
        verdict="better | <b>",
        contamination="none found",
        categories=[],
        subjects=[],
    )
    validation = {"conversations": 100, "tokens": 9000, "base": 1.5, "adapter": 1.2}
    validation |= {"difference": -0.3, "difference_interval": (-0.4, -0.2), "verdict": "better"}
    protocol = {"shots": 5, "limit": None, "chat_template": None, "base": BASE}
    protocol |= {"base_revision": None, "quantization": "nf4", "inputs_sha256": "cd"}
    protocol["adapter_sha256"] = hashlib.sha256(b"weights").hexdigest()
    weights = tmp_path / "adapter_model.safetensors"
    weights.write_bytes(b"weights")
    evaluation = Evaluation(
        protocol=Protocol(**protocol, device="cpu", versions={}),
        seed=1,
        resamples=1000,
        benchmarks={"ceval": benchmark},
        validation=ValidationResult(**validation),
        seconds=1.0,
    )
    write_evaluation(tmp_path, evaluation)
    text = card().text
    row = "| C-Eval (val) | 1,346 | 50.00 | 51.88 | +1.88 [-1.00, +4.00] | 0.012 |"
    assert "5 shots, no chat template, weights held as" in text
    assert f"other than in training:** `{BASE}`, revision `not noted`." in text
    assert row + " better \\| &lt;b&gt; |" in text
    assert "base 1.5000, adapter 1.2000, difference -0.3000 [-0.4000, -0.2000]: better." in text
    weights.write_bytes(b"of another training")
    assert "Not evaluated" in card().text
    (tmp_path / "evaluation.json").write_text("[")
    with pytest.raises(ModelError, match=r"evaluation\.json"):
        card()


def test_the_card_says_why_its_licence(card):
    data = Data(name="a", revision=None, sha256="s", licenses=["cc-by-nc-4.0", "mit"])
    text = card(data=data).text
    assert "attribution, no commercial use" in text
    assert "`cc-by-nc-4.0`, `mit`" in text
