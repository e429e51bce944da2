"""Adam as a pure function, and its state as a file: what makes training resumable.

A state is replaced only when a step is complete, and written only whole, so whatever interrupts a
training leaves the state of some finished step; going on from it is bit-identical to never having
stopped, on the same machine with the same number of threads.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import safetensors.torch
import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.errors import BadFile, EclipsedError
from eclipsed.files import read_bytes, read_tensors, write_atomic
from eclipsed.generators.memory import fitting
from eclipsed.search.plan import Plan

BETAS = (0.9, 0.999)
EPSILON = 1e-8
# Some K·D float32 numbers, three times; far more than any latent space needs.
_LIMIT = 256 * 2**20
_TENSORS = ("directions", "first", "second")  # of a state, on disk


@dataclass(frozen=True, eq=False)
class State:
    """Where a training stands; callbacks get one after every step."""

    # How many steps are finished.
    step: int
    # [K, D], as trained so far.
    directions: Tensor = field(repr=False)
    # Adam's two moments of their gradient, [K, D].
    first: Tensor = field(repr=False)
    second: Tensor = field(repr=False)
    # How many steps there are to be.
    steps: int = 0
    # Of the last step, before its update.
    losses: Mapping[str, float] = field(default_factory=dict)
    # Since this process began to train.
    seconds: float = 0.0


def initial_state(start: Float[Tensor, "k d"]) -> State:
    """The state before the first step."""
    start = start.detach()
    return State(0, start, torch.zeros_like(start), torch.zeros_like(start))


def gradient_of(
    plan: Plan, directions: Float[Tensor, "k d"], step: int
) -> tuple[Float[Tensor, "k d"], dict[str, float]]:
    """The gradient of the step's total loss, zero where nothing may move, and all losses.

    Raises EclipsedError when the loss is not a finite number.
    """
    leaf = directions.detach().requires_grad_()
    losses = plan.loss(leaf, step)
    (gradient,) = torch.autograd.grad(losses["total"], leaf)
    values = {name: float(value.detach()) for name, value in losses.items()}
    if not bool(torch.isfinite(losses["total"]) & torch.isfinite(gradient).all()):
        raise EclipsedError(
            f"The loss stopped being a number in step {step + 1}.", "Lower the learning rate."
        )
    return gradient * plan.trained, values


def advance(state: State, plan: Plan) -> State:
    """One step of Adam (Kingma & Ba, arXiv:1412.6980)."""
    gradient, losses = fitting(lambda: gradient_of(plan, state.directions, state.step))
    step = state.step + 1
    beta1, beta2 = BETAS
    first = beta1 * state.first + (1.0 - beta1) * gradient
    second = beta2 * state.second + (1.0 - beta2) * gradient.square()
    size = plan.rate(state.step) / (1.0 - beta1**step)
    scale = second.sqrt() / (1.0 - beta2**step) ** 0.5 + EPSILON
    directions = plan.constrain(state.directions - size * first / scale)
    return State(step, directions, first, second, plan.steps, losses)


def save_state(path: Path, state: State, identity: str) -> None:
    """Write a state, whole or not at all; `identity` says which training it belongs to."""
    tensors = {name: getattr(state, name).detach().cpu().contiguous() for name in _TENSORS}
    metadata = {"training": json.dumps({"identity": identity, "step": state.step})}
    write_atomic(path, safetensors.torch.save(tensors, metadata=metadata))


def load_state(path: Path, identity: str, like: Float[Tensor, "k d"]) -> State | None:
    """The state of that training, on the device of `like`; None where there is no file.

    Raises BadFile when the file is not such a state or belongs to another training.
    """
    if not path.exists():
        return None
    hint = "Delete it to start over, or name another folder."
    data = read_bytes(path, limit=_LIMIT)
    try:
        tensors, metadata = read_tensors(data)
        facts = json.loads(metadata["training"])
        owner, step = facts["identity"], int(facts["step"])
        directions, first, second = parts = [tensors[name].to(like) for name in _TENSORS]
    except (BadFile, ValueError, KeyError, TypeError) as error:
        raise BadFile(f"'{path}' is not a readable training state.", hint) from error
    if owner != identity or any(part.shape != like.shape for part in parts):
        raise BadFile(f"'{path}' belongs to another training.", hint)
    return State(step, directions, first, second)
