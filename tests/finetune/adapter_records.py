"""Records of trainings that nobody ran."""

import math

from finetune.adapter.record import Base, Data, Guard, Loss, TrainingRecord
from finetune.recipe import TrainingRecipe
from finetune.rendering.account import TokenAccount

BASE = "mistralai/Mixtral-8x7B-Instruct-v0.1"


def make_record(**changes) -> TrainingRecord:
    """A finished training of 300 steps, validated every 50, best at 250."""
    losses = [
        Loss(
            step=step,
            epoch=step / 100,
            train=1.0 + math.exp(-step / 60) + 0.05 * math.sin(step),
            validation=1.2 + abs(step - 250) / 1000 if step % 50 == 0 else None,
            learning_rate=2.5e-5 * (1 + math.cos(math.pi * step / 300)),
            grad_norm=0.5,
        )
        for step in range(5, 301, 5)
    ]
    account = TokenAccount(
        conversations=1000,
        parts=1100,
        split=60,
        whole=400_000,
        kept=396_000,
        repeated=1200,
        dropped=4000,
        trained=250_000,
        left_out={"answer longer than max_length": 7},
    )
    fields = {
        "recipe": TrainingRecipe(model=BASE, data="output/aurora", output="output/adapter"),
        "base": Base(
            model=BASE,
            revision="41bd4c9e7e4fb318ca40e721131d4933966c2cc1",
            architecture="MixtralForCausalLM",
            parameters=46_702_792_704,
            from_config=False,
        ),
        "data": Data(name="aurora", revision=None, sha256="ab" * 32, licenses=["apache-2.0"]),
        "train": account,
        "validation": account.model_copy(update={"conversations": 100, "parts": 100, "split": 0}),
        "guard": Guard(
            expert_bytes_per_parameter=0.5159,
            bytes_per_parameter=0.5159,
            matched={"q_proj": 32, "v_proj": 32},
            trainable=3_407_872,
        ),
        "losses": losses,
        "steps": 300,
        "best_step": 250,
        "stopped": "finished",
        "seconds": 7265.0,
        "tokens_per_second": 1234.5,
        "peak_memory": 26 * 2**30,
        "device": "NVIDIA H100",
        "versions": {"torch": "2.13.0", "transformers": "5.23.0"},
    }
    return TrainingRecord(**(fields | changes))
