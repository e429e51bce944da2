"""The training loop that all networks of the starter world share: schedule, average, resume, log.

A job is a module, a function that gives the loss of one step, and a number of steps. All randomness
of step k comes from (seed, k), so a run that is stopped and resumed ends in the same weights.
Checkpoints are safetensors; nothing is unpickled.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor, nn


@dataclass(frozen=True)
class Schedule:
    """Steps with a linear warm-up, a flat part and a cosine down to 1 % of the rate."""

    steps: int
    rate: float
    warmup: int = 60
    flat: float = 0.25

    def __post_init__(self) -> None:
        if self.steps < 1 or self.rate <= 0 or not 0 <= self.flat < 1:
            raise ValueError(f"not a schedule: {self}")

    def at(self, step: int) -> float:
        start = self.flat * self.steps
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        if step < start:
            return self.rate
        done = (step - start) / max(1.0, self.steps - start)
        return self.rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


def rng_of(seed: int, step: int) -> np.random.Generator:
    """The random numbers of one step, whatever came before it."""
    return np.random.default_rng([seed, step])


def fit(
    module: nn.Module,
    loss_at: Callable[[int], Tensor],
    optimizer: torch.optim.Optimizer,
    schedule: Schedule,
    *,
    folder: Path,
    name: str,
    average: nn.Module | None = None,
    decay: float = 0.999,
    save_seconds: float = 120.0,
    report: Callable[[int], dict[str, float]] | None = None,
) -> None:
    """Run (or resume) a job in `folder`, leaving `module` and its moving `average` trained.

    Writes `name.safetensors` (the checkpoint) and `name.jsonl` (one line per 100 steps).
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, log = folder / f"{name}.safetensors", folder / f"{name}.jsonl"
    step = _load(path, module, optimizer, average)
    began = saved = time.monotonic()
    first, total = step, torch.zeros(())
    while step < schedule.steps:
        for group in optimizer.param_groups:
            group["lr"] = schedule.at(step)
        loss = loss_at(step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if average is not None:
            _average(average, module, decay, step)
        total += loss.detach().cpu()
        step += 1
        if step % 100 == 0 or step == schedule.steps:
            rate = (step - first) / (time.monotonic() - began)
            line = {"step": step, "loss": float(total) / 100, "steps_per_second": round(rate, 3)}
            total.zero_()
            if report is not None and (step % 1000 == 0 or step == schedule.steps):
                line |= report(step)
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        if time.monotonic() - saved > save_seconds or step == schedule.steps:
            _save(path, module, optimizer, average, step)
            saved = time.monotonic()


@torch.no_grad()
def _average(average: nn.Module, module: nn.Module, decay: float, step: int) -> None:
    decay = min(decay, (1 + step) / (10 + step))
    pairs = zip(average.state_dict().values(), module.state_dict().values(), strict=True)
    for kept, new in pairs:
        if kept.is_floating_point():
            kept.lerp_(new, 1 - decay)
        else:
            kept.copy_(new)


def _moments(optimizer: torch.optim.Optimizer) -> Iterator[tuple[str, Tensor]]:
    for g, group in enumerate(optimizer.param_groups):
        for p, parameter in enumerate(group["params"]):
            for key, value in optimizer.state[parameter].items():
                yield f"optimizer.{g}.{p}.{key}", torch.as_tensor(value)


def _save(
    path: Path,
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    average: nn.Module | None,
    step: int,
) -> None:
    tensors = {f"module.{k}": v for k, v in module.state_dict().items()}
    tensors |= dict(_moments(optimizer))
    if average is not None:
        tensors |= {f"average.{k}": v for k, v in average.state_dict().items()}
    partial = path.with_suffix(".partial")
    save_file({k: v.contiguous().clone() for k, v in tensors.items()}, partial, {"step": str(step)})
    partial.replace(path)


def _load(
    path: Path, module: nn.Module, optimizer: torch.optim.Optimizer, average: nn.Module | None
) -> int:
    if not path.exists():
        return 0
    with safe_open(path, "pt") as file:
        step = int(file.metadata()["step"])
        tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
    module.load_state_dict(_under(tensors, "module."))
    if average is not None:
        average.load_state_dict(_under(tensors, "average."))
    for g, group in enumerate(optimizer.param_groups):
        for p, parameter in enumerate(group["params"]):
            state = _under(tensors, f"optimizer.{g}.{p}.")
            if state:
                optimizer.state[parameter] = state
    return step


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)
    }
