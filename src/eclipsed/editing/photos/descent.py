"""Gradient descent on a few tensors: watched, stopped, cut short and resumed.

It knows neither photos nor generators. After every step the state is that of a finished step; on
disk it is one file, written whole.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import safetensors.torch
import torch
from torch import Tensor

from eclipsed.errors import BadFile, EclipsedError
from eclipsed.files import read_bytes, read_tensors, refused, shown, write_atomic

Losses = Mapping[str, Tensor]  # the one that is followed is called `total`
SAVE_EVERY = 10  # steps
_LIMIT = 512 * 2**20
_WARMUP, _COOLDOWN = 0.05, 0.4  # of all steps: in which the rate rises, and falls to nothing


@dataclass(frozen=True, eq=False)
class Descent:
    """What is to be done: `steps` of Adam at `rate` from `start`, tensors by name.

    loss: of the tensors; its second value is an image to show.
    """

    start: Mapping[str, Tensor]
    loss: Callable[[Mapping[str, Tensor]], tuple[Losses, Tensor]]
    steps: int
    rate: float


@dataclass(frozen=True, eq=False)
class Progress:
    """After a step: how many are done of how many, the losses before it, and the image that they
    were measured on, [1, 3, H, W]; seconds since this process began."""

    stage: str
    step: int
    steps: int
    losses: Mapping[str, float]
    image: Tensor
    seconds: float


OnStep = Callable[[Progress], None]
Stop = Callable[[], bool]


def descend(
    descent: Descent,
    stage: str,
    on_step: OnStep | None = None,
    stop: Stop | None = None,
    keep: tuple[Path, str] | None = None,
) -> tuple[dict[str, Tensor], list[dict[str, float]]]:
    """The tensors after the last step, and the losses of every step.

    stop: asked before each step; true ends it, and what is reached so far is the result, as after
    Ctrl-C. keep: a file for the state and the identity of the descent that it belongs to; where it
    holds a state, the descent goes on from there.

    Raises EclipsedError where a loss stops being a number.
    """
    tensors = {n: value.detach().clone().requires_grad_() for n, value in descent.start.items()}
    optimizer = torch.optim.Adam(tensors.values(), lr=descent.rate, betas=(0.9, 0.99))
    losses = [] if keep is None else _load(*keep, tensors, optimizer)
    began = time.monotonic()
    try:
        while len(losses) < descent.steps and not (stop is not None and stop()):
            optimizer.param_groups[0]["lr"] = descent.rate * _ramp(len(losses), descent.steps)
            values, image = descent.loss(tensors)
            optimizer.zero_grad(set_to_none=True)
            values["total"].backward()
            numbers = {name: float(value.detach()) for name, value in values.items()}
            if not all(map(math.isfinite, numbers.values())):
                raise EclipsedError(
                    f"The loss stopped being a number in step {len(losses) + 1}.",
                    "Lower the rate.",
                )
            optimizer.step()
            losses.append(numbers)
            done = len(losses)
            if on_step is not None:
                seconds = time.monotonic() - began
                on_step(Progress(stage, done, descent.steps, numbers, image.detach(), seconds))
            if keep is not None and (done % SAVE_EVERY == 0 or done == descent.steps):
                _save(*keep, tensors, optimizer, losses)
    except KeyboardInterrupt:
        if not losses:
            raise
    return {name: value.detach() for name, value in tensors.items()}, losses


def _ramp(step: int, steps: int) -> float:
    """StyleGAN2's projector's: up at first, down as a cosine at last."""
    done = (step + 0.5) / steps
    rising = min(1.0, done / _WARMUP)
    falling = min(1.0, (1.0 - done) / _COOLDOWN)
    return rising * 0.5 * (1.0 - math.cos(math.pi * falling))


_MOMENTS = ("exp_avg", "exp_avg_sq", "step")


def _save(
    path: Path,
    identity: str,
    tensors: Mapping[str, Tensor],
    optimizer: torch.optim.Adam,
    losses: list[dict[str, float]],
) -> None:
    state = {f"value {name}": value for name, value in tensors.items()}
    for name, value in tensors.items():
        state |= {f"{moment} {name}": optimizer.state[value][moment] for moment in _MOMENTS}
    whole = {name: value.detach().cpu().contiguous().clone() for name, value in state.items()}
    facts = {"descent": json.dumps({"identity": identity, "losses": losses})}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomic(path, safetensors.torch.save(whole, facts))


def _load(
    path: Path, identity: str, tensors: Mapping[str, Tensor], optimizer: torch.optim.Adam
) -> list[dict[str, float]]:
    """Fill tensors and optimiser from a state, if there is one; the losses so far."""
    if not path.exists():
        return []
    hint = "Delete it to start over, or name another folder."
    with refused(path, hint):
        state, metadata = read_tensors(read_bytes(path, limit=_LIMIT))
    try:
        facts = json.loads(metadata["descent"])
        losses: list[dict[str, float]] = list(facts["losses"])
        if facts["identity"] != identity:
            raise BadFile(f"{shown(path)} belongs to another inversion.", hint)
        with torch.no_grad():
            for name, value in tensors.items():
                value.copy_(state[f"value {name}"])
                own = {moment: state[f"{moment} {name}"] for moment in _MOMENTS}
                # Adam counts its steps on the CPU wherever the tensor lies.
                optimizer.state[value] = {
                    moment: of if moment == "step" else of.to(value) for moment, of in own.items()
                }
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise BadFile(f"{shown(path)} is not a readable state of an inversion.", hint) from error
    return losses
