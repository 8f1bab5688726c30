"""Training on a tiny Mixtral with real 4-bit experts: losses, packing, masks, checkpoints."""

import json
import random
from io import StringIO
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("trl")
from datasets import Dataset  # noqa: E402
from pydantic import ValidationError  # noqa: E402
from rich.console import Console  # noqa: E402

from finetune.model import add_adapter, load_base, load_tokenizer  # noqa: E402
from finetune.training import checkpoints  # noqa: E402
from finetune.training.failures import saving  # noqa: E402
from finetune.training.progress import Flow, stopped_early  # noqa: E402
from finetune.training.rows import count_tokens, training_rows  # noqa: E402
from finetune.training.run import spare_compilation  # noqa: E402
from finetune.training.settings import sft_config  # noqa: E402
from finetune.training.trainer import AdapterTrainer  # noqa: E402
from schemas.errors import TrainingError  # noqa: E402

ROOT = Path(__file__).parents[2]
EXPERTS_TOO = ["q_proj", "v_proj", "gate_proj", "up_proj", "down_proj"]


def make_parts(lengths, labelled, seed=0):
    """Random parts; of each the last `labelled` tokens have a label."""
    draw = random.Random(seed)
    rows = []
    for number, (length, count) in enumerate(zip(lengths, labelled, strict=True)):
        ids = [1, *(draw.randrange(3, 300) for _ in range(length - 1))]
        labels = [-100] * (length - count) + ids[length - count :]
        rows.append({"id": f"row-{number}", "part": 0, "input_ids": ids, "labels": labels})
    return Dataset.from_list(rows)


def make_trainer(recipe, folder, parts, validation=None):
    args = sft_config(recipe, folder / "checkpoints", cuda=False)
    spare_compilation(args)
    return AdapterTrainer(
        model=add_adapter(load_base(recipe), recipe),
        args=args,
        rows=training_rows(parts, recipe.max_length, recipe.seed, packing=recipe.packing),
        validation=validation,
        parts=parts,
        tokenizer=load_tokenizer(recipe),
        flow=Flow(recipe.early_stop),
        keep_checkpoints=recipe.keep_checkpoints,
    )


def quick(tiny_recipe, **changes):
    """A recipe that costs little: no dropout, no recomputation, nothing saved before the end."""
    defaults = {"gradient_checkpointing": False, "max_length": 64, "log_steps": 1}
    return tiny_recipe(**{**defaults, **changes})


def token_losses(trainer, rows):
    """Loss of each labelled token, by the trainer's own collator; order as in `rows`."""
    trainer.model.eval()
    with torch.no_grad():
        outputs = trainer.model(**trainer.data_collator(rows), use_cache=False, fused_lm_head=True)
    return -outputs.log_probs[outputs.label_mask.bool()]


def by_hand(trainer, parts):
    """Sum of the losses and number of labelled tokens, one part at a time, from the logits."""
    total, count = 0.0, 0
    trainer.model.eval()
    for row in parts:
        with torch.no_grad():
            logits = trainer.model(input_ids=torch.tensor([row["input_ids"]])).logits[0, :-1]
        labels = torch.tensor(row["labels"][1:])
        loss = torch.nn.functional.cross_entropy(logits.float(), labels, reduction="sum")
        total, count = total + loss.item(), count + int((labels != -100).sum())
    return total, count


@pytest.mark.parametrize("attention", ["sdpa", "eager"])
def test_a_packed_token_has_the_loss_of_an_unpacked_one(tiny_recipe, tmp_path, attention):
    parts = make_parts([30, 20, 14, 40, 24, 9, 11], [10, 5, 3, 30, 4, 2, 8])
    recipe = quick(tiny_recipe, packing=True, attention=attention, lora_targets=EXPERTS_TOO)
    trainer = make_trainer(recipe, tmp_path, parts)
    packed = list(trainer.train_dataset)
    assert len(packed) < len(parts)
    assert max(len(row["input_ids"]) for row in packed) <= 64
    alone = {tuple(row["input_ids"]): token_losses(trainer, [row]) for row in parts}
    compared = 0
    for start in range(0, len(packed), 2):
        together = token_losses(trainer, packed[start : start + 2])
        documents = [d for row in packed[start : start + 2] for d in split(row)]
        apart = torch.cat([alone.pop(tuple(document)) for document in documents])
        torch.testing.assert_close(together, apart, atol=1e-4, rtol=0)
        compared += len(documents)
    assert compared == len(parts)
    assert not alone


def split(row):
    start = 0
    for length in row["seq_lengths"]:
        yield row["input_ids"][start : start + length]
        start += length


def test_no_conversation_sees_another_in_its_row(tiny_recipe, tmp_path):
    first, second = make_parts([30, 30], [5, 25])
    trainer = make_trainer(quick(tiny_recipe, packing=True), tmp_path, make_parts([9], [3]))
    row = {key: first[key] + second[key] for key in ("input_ids", "labels")} | {
        "seq_lengths": [30, 30]
    }
    before = token_losses(trainer, [row])[-25:]
    row["input_ids"] = [1, *range(500, 529), *second["input_ids"]]
    torch.testing.assert_close(token_losses(trainer, [row])[-25:], before, atol=1e-5, rtol=0)


def test_packing_loses_no_token_and_cuts_no_part():
    draw = random.Random(3)
    lengths = [draw.randrange(2, 65) for _ in range(2500)]  # more than one batch of the packer
    parts = make_parts(lengths, [1] * 2500)
    rows = training_rows(parts, 64, seed=1, packing=True)
    assert count_tokens(rows)[0] == sum(lengths)
    wanted = sorted(tuple(ids) for ids in parts["input_ids"])
    assert sorted(tuple(ids) for row in rows for ids in split(row)) == wanted
    with pytest.raises(TrainingError, match="65 tokens, more than max_length: 64"):
        training_rows(make_parts([65], [3]), 64, seed=1, packing=True)


def test_padding_is_unk_without_label_or_attention(tiny_recipe, tmp_path):
    trainer = make_trainer(quick(tiny_recipe), tmp_path, make_parts([9], [3]))
    batch = trainer.data_collator(list(make_parts([9, 5], [3, 2])))
    assert batch["input_ids"][1, 5:].tolist() == [0] * 4
    assert batch["labels"][1, 5:].tolist() == [-100] * 4
    assert batch["attention_mask"][1].tolist() == [1] * 5 + [0] * 4


def test_accumulated_batches_weigh_tokens_and_not_rows(tiny_recipe, tmp_path):
    """4 x 1 and 1 x 4 take the same step, though one row has 50 times another's labels."""
    parts = make_parts([60, 50, 20, 9], [50, 2, 1, 5])
    results = []
    for batch, accumulation in ((4, 1), (1, 4)):
        recipe = quick(
            tiny_recipe, batch_size=batch, accumulation=accumulation, max_steps=1, learning_rate=1
        )
        folder = tmp_path / str(batch)
        trainer = make_trainer(recipe, folder, parts)
        expected = by_hand(trainer, parts)
        trainer.train()
        logged = trainer.state.log_history[0]
        assert logged["loss"] == pytest.approx(expected[0] / expected[1], abs=1e-5)
        results.append((logged["loss"], logged["grad_norm"]))
        assert all(w.dtype == torch.float32 for w in trainer.model.parameters() if w.requires_grad)
    assert results[0] == pytest.approx(results[1], abs=1e-6)


def test_validation_is_the_mean_over_all_labelled_tokens(tiny_recipe, tmp_path):
    validation = make_parts([60, 50, 20, 9, 30], [50, 2, 1, 5, 3], seed=7)
    recipe = quick(tiny_recipe, eval_steps=1, save_steps=1)
    trainer = make_trainer(recipe, tmp_path, make_parts([9], [3]), validation)
    total, count = by_hand(trainer, validation)
    metrics = trainer.evaluate()
    assert metrics["eval_tokens"] == count
    assert metrics["eval_loss"] == pytest.approx(total / count, abs=1e-5)


def test_the_loss_falls_by_half_in_60_steps(tiny_recipe, tmp_path):
    recipe = quick(
        tiny_recipe,
        lora_targets=EXPERTS_TOO,
        lora_rank=16,
        lora_alpha=32,
        max_steps=60,
        learning_rate=2e-2,
        accumulation=1,
        log_steps=10,
    )
    trainer = make_trainer(recipe, tmp_path, make_parts([24] * 4, [20] * 4))
    trainer.train()
    losses = [entry["loss"] for entry in trainer.state.log_history if "loss" in entry]
    assert losses[-1] < losses[0] / 2


def test_a_loss_that_is_not_finite_stops_before_anything_changes(
    tiny_recipe, tmp_path, monkeypatch
):
    terminal = Console(file=StringIO(), force_terminal=True)
    monkeypatch.setattr("finetune.training.progress.err", terminal)
    parts = make_parts([20, 20, 20, 20], [5] * 4)
    recipe = quick(tiny_recipe, batch_size=1, accumulation=2, max_steps=9, save_steps=1)
    trainer = make_trainer(recipe, tmp_path, parts)
    weights = {n: w for n, w in trainer.model.named_parameters() if w.requires_grad}
    step = trainer.training_step

    def poisoned(model, inputs, *rest):
        if trainer.state.global_step == 2:
            before.update({name: weight.detach().clone() for name, weight in weights.items()})
            poison(weights)
        return step(model, inputs, *rest)

    def poison(weights):
        next(iter(weights.values())).data.view(-1)[0] = float("nan")

    before = {}
    trainer.training_step = poisoned
    with pytest.raises(TrainingError) as stopped:
        trainer.train()
    message = str(stopped.value)
    assert "step 3: the loss is nan" in message
    assert "learning rate" in message
    assert sum(f"row-{n}" in message for n in range(4)) == 1  # the one row of that pass
    assert checkpoints.saved_steps(tmp_path / "checkpoints") == [1, 2]
    changed = sum(int((weights[n].detach() != before[n]).sum()) for n in before)
    assert changed == 0 or changed == 1  # nothing but the poison
    shown = terminal.file.getvalue()
    assert shown.rfind("\x1b[?25h") > shown.find("\x1b[?25l") >= 0  # the cursor is back


def test_a_gradient_that_is_not_finite_is_explained_in_the_first_step(tiny_recipe, tmp_path):
    recipe = quick(tiny_recipe, batch_size=2, accumulation=2, max_steps=3, save_steps=1)
    trainer = make_trainer(recipe, tmp_path, make_parts([20] * 4, [5] * 4))
    weights = [weight for weight in trainer.model.parameters() if weight.requires_grad]
    before = [weight.detach().clone() for weight in weights]
    weights[-1].register_hook(lambda gradient: gradient * float("inf"))
    with pytest.raises(TrainingError, match="step 1: the gradient is") as stopped:
        trainer.train()
    assert all(f"row-{n}" in str(stopped.value) for n in range(4))
    assert all(torch.equal(*pair) for pair in zip(weights, before, strict=True))
    assert checkpoints.saved_steps(tmp_path / "checkpoints") == []


def test_a_full_disk_is_said_whatever_a_library_calls_it(tmp_path):
    with pytest.raises(TrainingError, match="no space left on its disk"), saving(tmp_path):
        Path("/dev/full").write_text("a")
    with pytest.raises(TrainingError, match="no space left on its disk"), saving(tmp_path):
        raise Exception("No space left on device (os error 28)")
    with pytest.raises(RuntimeError, match="CUDA"), saving(tmp_path):
        raise RuntimeError("CUDA error: an illegal memory access was encountered")


def test_a_fall_back_leaves_nothing_newer_and_needs_its_best(tmp_path):
    for step in (1, 2, 3):
        state = json.dumps({"best_global_step": 1 if step < 3 else 3})
        (checkpoints.begin(tmp_path, step) / checkpoints.STATE).write_text(state)
        checkpoints.commit(tmp_path, step)
    assert checkpoints.drop_damaged(tmp_path) == []
    (tmp_path / "checkpoint-3" / checkpoints.STATE).write_text("{")
    assert len(checkpoints.drop_damaged(tmp_path)) == 1
    assert checkpoints.saved_steps(tmp_path) == [1, 2]
    (tmp_path / "checkpoint-1" / checkpoints.STATE).write_text("{")
    with pytest.raises(TrainingError, match="best weights are in checkpoint-1"):
        checkpoints.drop_damaged(tmp_path)
    assert checkpoints.saved_steps(tmp_path) == [1, 2]


@pytest.mark.parametrize(
    "change",
    [{"lora_rank": True}, {"packing": 1}, {"seed": 2**32}, {"lora_targets": ["q_proj"] * 2}],
)
def test_a_recipe_takes_no_value_for_another(tiny_recipe, change):
    with pytest.raises(ValidationError):
        tiny_recipe(**change)


def test_early_stop_counts_validations_without_a_better_loss():
    log = [{"eval_loss": loss} for loss in (3.0, 2.0, 2.1, 2.0)]
    assert not stopped_early(log[:3], 2)
    assert stopped_early(log, 2)
    assert not stopped_early([*log[:3], {"eval_loss": 1.9}], 2)
    assert not stopped_early(log, None)


def test_old_checkpoints_go_but_the_best_and_unfinished_ones_are_never_used(tmp_path):
    for step in (1, 2, 3, 4):
        (checkpoints.begin(tmp_path, step) / "weights").write_text("w")
        checkpoints.commit(tmp_path, step)
        checkpoints.prune(tmp_path, keep=2, best=1)
    assert checkpoints.saved_steps(tmp_path) == [1, 3, 4]
    checkpoints.begin(tmp_path, 5)
    assert checkpoints.newest(tmp_path) == tmp_path / "checkpoint-4"
    checkpoints.begin(tmp_path, 6)
    assert not checkpoints.writing(tmp_path, 5).exists()
