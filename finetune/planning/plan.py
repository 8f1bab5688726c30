"""A recipe's plan as one document: what `finetune.plan` prints and, with --json, writes."""

from dataclasses import asdict, dataclass
from typing import Any

from finetune.planning import memory
from finetune.planning.estimate import Estimate, estimate
from finetune.planning.levers import Lever, find_lever
from finetune.planning.shape import Shape
from finetune.planning.steps import Steps, count_steps
from finetune.planning.tokens import Tokens
from finetune.recipe import TrainingRecipe
from schemas.errors import AuroraError

CHECKPOINT_REST = 64 * 1024  # trainer's state, random states, LoRA's configuration


@dataclass(frozen=True)
class Plan:
    """`tokens` and `steps` are None where the corpus was not read; `memory` where no GPU was named;
    `lever` where the run fits, or nothing makes it fit.
    """

    recipe: TrainingRecipe
    shape: Shape
    tokens: Tokens | None
    steps: Steps | None
    estimate: Estimate
    memory: int | None  # bytes of one GPU
    gpus: int
    lever: Lever | None
    seconds: float | None  # of the whole run, from a speed that somebody measured

    @property
    def fits(self) -> bool:
        """Whether the estimate is within the GPU's memory, where that is known."""
        return self.memory is None or self.estimate.peak <= self.memory


def make_plan(
    recipe: TrainingRecipe,
    shape: Shape,
    tokens: Tokens | None,
    *,
    gpu: int | None,
    gpus: int = 1,
    speed: float | None = None,
) -> Plan:
    """Put it together. `gpu`: bytes of one; `speed`: tokens per second of all of them."""
    _check_targets(shape, recipe)
    longest = tokens.longest if tokens else None
    steps = None
    if tokens:
        written = memory.adapter(shape, recipe) + memory.optimizer(shape, recipe)
        size = written + CHECKPOINT_REST
        steps = count_steps(recipe, tokens.rows, gpus=gpus, checkpoint_size=size)
    peak = estimate(shape, recipe, longest=longest, gpus=gpus)
    lever = None
    if gpu is not None and peak.peak > gpu:
        lever = find_lever(shape, recipe, gpu, longest=longest, gpus=gpus)
    seconds = None
    if speed and tokens and steps and steps.per_epoch:
        seen = tokens.account.kept + tokens.account.repeated
        seconds = seen * (steps.total / steps.per_epoch) / speed
    return Plan(recipe, shape, tokens, steps, peak, gpu, gpus, lever, seconds)


def refusal(plan: Plan) -> str:
    """Why the run cannot be, and what would make it fit, in one sentence."""
    have, need = in_gib(plan.memory or 0), in_gib(plan.estimate.peak)
    start = f"this run needs about {need} GiB, the GPU has {have}"
    if plan.lever is None:
        return (
            f"{start}, and no batch_size, max_length, lora_rank, optimizer or quantization of the "
            "recipe makes it fit: take a larger GPU or a smaller model (more GPUs do not help, "
            "each holds the whole model)"
        )
    changes = " ".join(f"--set {change}" for change in plan.lever.changes)
    return f"{start}; it fits with {changes} (about {in_gib(plan.lever.estimate.peak)} GiB)"


def as_json(plan: Plan) -> dict[str, Any]:
    """The plan for a program. Sizes in bytes."""
    peak = plan.estimate
    return {
        "model": plan.recipe.model,
        "architecture": plan.shape.architecture,
        "parameters": plan.shape.parameters,
        "tokens": plan.tokens and _tokens(plan.tokens),
        "steps": plan.steps and asdict(plan.steps),
        "memory": {
            "peak": peak.peak,
            "tensors": peak.tensors,
            "moment": peak.moment,
            "slack": peak.slack,
            "components": [asdict(part) for part in peak.components],
        },
        "gpu": plan.memory,
        "gpus": plan.gpus,
        "fits": plan.fits if plan.memory is not None else None,
        "lever": plan.lever and {"changes": plan.lever.changes, "peak": plan.lever.estimate.peak},
        "seconds": plan.seconds,
    }


def in_gib(size: int) -> str:
    """Bytes as GiB with one decimal; two below one."""
    value = size / memory.GIB
    return f"{value:.1f}" if value >= 1 else f"{value:.2f}"


def _tokens(tokens: Tokens) -> dict[str, Any]:
    return {
        "account": tokens.account.model_dump(),
        "quantiles": tokens.quantiles,
        "longest": tokens.longest,
        "limits": {length: one.model_dump() for length, one in tokens.limits.items()},
        "exact": tokens.exact,
        "rows": tokens.rows,
        "filled": tokens.filled,
    }


def _check_targets(shape: Shape, recipe: TrainingRecipe) -> None:
    known = {matrix.name for matrix in shape.matrices}
    for target in recipe.lora_targets:
        if target not in known:
            raise AuroraError(
                f"lora_targets: {target} is in no layer of {shape.architecture}; "
                f"it has {', '.join(sorted(known))}"
            )
