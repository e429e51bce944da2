"""The training loop that the networks of all kits share: schedule, average, resume, log.

A job is a module, a function that gives the loss of one step, and a number of steps. All randomness
of step k comes from (seed, k), so a run that is stopped and resumed ends in the same weights.
Checkpoints are safetensors; nothing is unpickled.
"""

from __future__ import annotations

import copy
import json
import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor, nn

from eclipsed.errors import BadFile
from eclipsed.files import shown, write_atomic

LOG_EVERY = 100  # steps

Module = TypeVar("Module", bound=nn.Module)


def channels_last(module: Module) -> Module:
    """The module itself, its weights laid out as convolutions on a CPU like them."""
    module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    return module


@dataclass(frozen=True)
class Schedule:
    """Steps with a linear warm-up, a flat part and a cosine down to 1 % of the rate."""

    steps: int
    rate: float
    warmup: int = 60
    flat: float = 0.25

    def __post_init__(self) -> None:
        if self.steps < 1 or self.rate <= 0 or self.warmup < 0 or not 0 <= self.flat < 1:
            raise ValueError(f"not a schedule: {self}")

    def at(self, step: int) -> float:
        """The learning rate of a step, counted from 0."""
        start = self.flat * self.steps
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        if step < start:
            return self.rate
        done = (step - start) / max(1.0, self.steps - start)
        return self.rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * min(1.0, done))))


@dataclass(frozen=True)
class Job:
    """How long one network is trained, and on what batches."""

    images: int
    rate: float
    seed: int
    batch: int = 64

    def __post_init__(self) -> None:
        if not 1 <= self.batch <= self.images:
            raise ValueError(f"not even one batch: {self}")

    @property
    def schedule(self) -> Schedule:
        return Schedule(self.images // self.batch, self.rate, flat=0.1)


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
    average: nn.Module,
    decay: float = 0.999,
    save_seconds: float = 120.0,
) -> None:
    """Run (or resume) a job in `folder`, leaving `module` and its moving `average` trained.

    Writes `name.safetensors` (the checkpoint) and `name.jsonl` (a line per LOG_EVERY steps).
    Raises BadFile when the checkpoint is damaged or another network's.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path, log = folder / f"{name}.safetensors", folder / f"{name}.jsonl"
    step = _load(path, module, optimizer, average) if path.exists() else 0
    began = saved = time.monotonic()
    first, losses = step, []
    while step < schedule.steps:
        for group in optimizer.param_groups:
            group["lr"] = schedule.at(step)
        loss = loss_at(step)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        _average(average, module, decay, step)
        losses.append(loss.detach().cpu())
        step += 1
        last = step == schedule.steps
        if step % LOG_EVERY == 0 or last:
            speed = (step - first) / (time.monotonic() - began)
            mean = float(torch.stack(losses).mean())
            line = {"step": step, "loss": mean, "steps_per_second": round(speed, 3)}
            with log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
            losses = []
        if last or time.monotonic() - saved > save_seconds:
            _save(path, module, optimizer, average, step)
            saved = time.monotonic()


def run(
    module: Module, loss_at: Callable[[int], Tensor], job: Job, folder: Path, name: str
) -> Module:
    """Train with AdamW and keep a moving average; returns the average."""
    average = copy.deepcopy(module).requires_grad_(False)
    optimizer = torch.optim.AdamW(module.parameters(), lr=job.rate, weight_decay=0.02)
    fit(module, loss_at, optimizer, job.schedule, folder=folder, name=name, average=average)
    return average.eval()


def averaged(module: Module, path: Path) -> tuple[Module, int]:
    """The moving average that a checkpoint holds, in a module of its shape, and the steps done.

    Raises BadFile where there is no checkpoint, or it is damaged or another network's.
    """
    if not path.exists():
        raise BadFile(f"The network {path.stem} has not been trained in {shown(path.parent)}.")
    step, tensors = _read(path)
    with _foreign(path):
        module.load_state_dict(_under(tensors, "average."))
    return module.eval(), step


@torch.no_grad()
def _average(average: nn.Module, module: nn.Module, decay: float, step: int) -> None:
    # The first steps count for less, or the average would remember the random start.
    decay = min(decay, (1 + step) / (10 + step))
    pairs = zip(average.state_dict().values(), module.state_dict().values(), strict=True)
    for mean, new in pairs:
        if mean.is_floating_point():
            mean.lerp_(new, 1 - decay)
        else:
            mean.copy_(new)


def _parameters(optimizer: torch.optim.Optimizer) -> Iterator[tuple[str, nn.Parameter]]:
    """Every parameter with the name under which a checkpoint keeps what is remembered of it."""
    for g, group in enumerate(optimizer.param_groups):
        for p, parameter in enumerate(group["params"]):
            yield f"optimizer.{g}.{p}.", parameter


def _save(
    path: Path, module: nn.Module, optimizer: torch.optim.Optimizer, average: nn.Module, step: int
) -> None:
    tensors = {f"module.{key}": value for key, value in module.state_dict().items()}
    tensors |= {f"average.{key}": value for key, value in average.state_dict().items()}
    for prefix, parameter in _parameters(optimizer):
        for key, value in optimizer.state[parameter].items():
            tensors[prefix + key] = torch.as_tensor(value)
    whole = {key: value.detach().cpu().contiguous().clone() for key, value in tensors.items()}
    write_atomic(path, save(whole, {"step": str(step)}))


def _load(
    path: Path, module: nn.Module, optimizer: torch.optim.Optimizer, average: nn.Module
) -> int:
    """Fill everything from a checkpoint; the number of steps done."""
    step, tensors = _read(path)
    with _foreign(path):
        module.load_state_dict(_under(tensors, "module."))
        average.load_state_dict(_under(tensors, "average."))
    for prefix, parameter in _parameters(optimizer):
        for key, value in _under(tensors, prefix).items():
            # Adam counts its steps on the CPU wherever the parameter lies.
            device = "cpu" if key == "step" else parameter.device
            optimizer.state[parameter][key] = value.to(device)
    return step


def _read(path: Path) -> tuple[int, dict[str, Tensor]]:
    """The steps done and all tensors of a checkpoint."""
    with _foreign(path), safe_open(path, "pt") as file:
        step = int(file.metadata()["step"])
        return step, {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118


@contextmanager
def _foreign(path: Path) -> Iterator[None]:
    """Say of a checkpoint that cannot be used what to do about it."""
    try:
        yield
    except (SafetensorError, KeyError, TypeError, ValueError, RuntimeError) as error:
        raise BadFile(
            f"The checkpoint {shown(path)} is damaged or another network's.",
            "Remove it to train this network anew.",
        ) from error


def _under(tensors: dict[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {
        key.removeprefix(prefix): value for key, value in tensors.items() if key.startswith(prefix)
    }


def to_images(pixels: NDArray[np.uint8]) -> Tensor:
    """uint8 [N, H, W, 3] → float32 [N, 3, H, W] in [-1, 1]."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 127.5 - 1


def disturb(images: Tensor, rng: np.random.Generator, *, shift: int) -> Tensor:
    """What a generator might do to images: small shifts, blur, noise, a slight change of colour.

    All images [N, 3, H, W] are shifted alike, by up to `shift` pixels each way.
    """
    n = len(images)
    if shift:
        dy, dx = (int(v) for v in rng.integers(-shift, shift + 1, 2))
        padded = F.pad(images, (shift,) * 4, mode="replicate")
        h, w = images.shape[2:]
        images = padded[:, :, shift + dy : shift + dy + h, shift + dx : shift + dx + w]
    weight = torch.from_numpy(
        rng.uniform(0, 0.9, (n, 1, 1, 1)) * (rng.uniform(size=(n, 1, 1, 1)) < 0.5)
    ).float()
    blurred = F.avg_pool2d(F.pad(images, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    images = images.lerp(blurred, weight)
    gain = torch.from_numpy(1 + rng.normal(0, 0.03, (n, 1, 1, 1))).float()
    tint = torch.from_numpy(rng.normal(0, 0.015, (n, 3, 1, 1))).float()
    noise = torch.from_numpy(rng.normal(0, 1, images.shape).astype(np.float32))
    level = torch.from_numpy(rng.uniform(0, 0.06, (n, 1, 1, 1)).astype(np.float32))
    return images * gain + tint + noise * level
