from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

import eclipsed
from benchmarks import accelerator
from eclipsed.editing.stack import Edit, EditStack
from eclipsed.methods.default import DefaultConfig, default_plan
from eclipsed.search import loop
from eclipsed.search.realism import coverage_of, realism_of
from eclipsed.testing import fake_world
from eclipsed.types import Goal

SMALL = 64  # numbers that may be read: strengths, losses, rows of a batch
_LEAVING = {Tensor.cpu, Tensor.numpy, Tensor.tolist, Tensor.item}


class Leaving(TorchFunctionMode):
    """Counts the numbers of every tensor that is taken from its device to the host, or to it."""

    def __init__(self) -> None:
        super().__init__()
        self.taken: list[tuple[str, int]] = []

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Sequence[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        to_host = func is Tensor.to and any(
            each in ("cpu", torch.device("cpu"))
            for each in (*args[1:], *(kwargs or {}).values())
            if isinstance(each, str | torch.device)
        )
        made_here = func in (torch.tensor, torch.from_numpy, torch.as_tensor)
        if func in _LEAVING or to_host or made_here:
            moved = result if made_here else args[0]
            self.taken.append((getattr(func, "__name__", str(func)), moved.numel()))
        return result

    @property
    def large(self) -> list[tuple[str, int]]:
        return [each for each in self.taken if each[1] > SMALL]


def test_what_leaves_a_device_is_seen() -> None:
    with Leaving() as watch:
        numbers = torch.zeros(100)
        numbers.cpu()
        numbers.to("cpu")
        numbers[:2].tolist()
        torch.tensor([0.0] * 70)
    assert watch.large == [("cpu", 100), ("to", 100), ("tensor", 70)]


def test_no_step_calibration_or_drag_moves_images_between_devices() -> None:
    world = fake_world()
    goal = Goal("bright hair", "a person", ("hair",))
    config = DefaultConfig(steps=3, pool=64, originals=16)
    plan = default_plan(world, goal, config)
    state = loop.initial_state(plan.start)
    coverage_of(realism_of(world), goal.regions)  # once a world, and kept on the disk
    with Leaving() as watch:
        state = loop.run(plan, state, lambda _: None)
        (direction,) = loop.finish(world, goal, config, plan, state)
    assert watch.taken
    assert watch.large == []
    latents = world.generator.sample([1])
    with Leaving() as watch:
        for strength in (0.0, 0.5, 1.0):
            eclipsed.render(world.generator, latents, EditStack((Edit(direction, strength),)))
    assert watch.large == []


def test_parity_is_checked_of_every_family(capsys: pytest.CaptureFixture[str]) -> None:
    assert accelerator.main(["--device", "cpu", "--json"]) == 0
    shown = capsys.readouterr()
    found = json.loads(shown.out)
    assert set(found["parity"]) == set(accelerator.GENERATORS)
    assert all(apart["float32"] == 0.0 for apart in found["parity"].values())
    assert any(apart["bfloat16"] > 0.0 for apart in found["parity"].values())
    assert found["seconds"] == {}
    assert "compared with itself" in shown.err


def test_images_that_differ_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    apart = {"a": {"float32": 1e-6, "bfloat16": 0.2}, "b": {"float32": 1e-6, "bfloat16": 0.01}}
    assert accelerator.differing(apart) == ["a"]
    apart["b"]["float32"] = float("nan")
    assert accelerator.differing(apart) == ["a", "b"]
    monkeypatch.setattr(accelerator, "parity", lambda _: apart)
    assert accelerator.main(["--device", "cpu"]) == 1


def test_the_tables_hold_every_size() -> None:
    seconds = {"256": {"edit an image": 0.01}, "512": {"edit an image": 0.02}}
    parity = {"dcgan": {"float32": 1e-7, "bfloat16": 0.01}}
    lines = accelerator.tables({"parity": parity, "seconds": seconds})
    assert lines[2] == "| dcgan | 1.0e-07 | 1.0e-02 |"
    assert lines[-1] == "| edit an image | 0.01 | 0.02 |"
