"""A bench small enough for tests: the fake world, with a judge that can draw and show its maps."""

from __future__ import annotations

from dataclasses import asdict, dataclass, make_dataclass, replace

import pytest
import torch.nn.functional as F
from torch import Tensor

from eclipsed.bench import bench
from eclipsed.directions import Direction
from eclipsed.errors import UnknownName
from eclipsed.methods import registry
from eclipsed.methods.method import Method
from eclipsed.testing import FakeJudge, fake_world, patch_vector
from eclipsed.types import Goal, Verdict, World


@dataclass(frozen=True)
class DrawingJudge(FakeJudge):
    """The fake judge; a clean drawing is an image that nowhere is brighter than 1."""

    def maps(self, images: Tensor) -> tuple[Tensor, ...]:
        return images + 2.0, F.avg_pool2d(images, 4) + 2.0

    def artifact(self, images: Tensor, verdict: Verdict) -> Tensor:
        return (images.abs() - 1.0).clamp(min=0.0).mean(dim=(1, 2, 3))


@dataclass(frozen=True)
class Numbers:
    """size: how long the vector is. leak: how much of it goes to the ground. image: a seed."""

    size: float = 1.0
    leak: float = 0.0
    image: int = 0


def vector(goal: Goal, numbers: Numbers) -> Tensor:
    sign = -1.0 if goal.prompt.startswith(("dark", "never")) else 1.0
    patch = next((name for name in ("hair", "eyes", "mouth") if name in goal.prompt), "mouth")
    own = sign * patch_vector(patch)
    return numbers.size * (own + numbers.leak * patch_vector("ground"))


def direction_of(
    world: World, goal: Goal, numbers: Numbers, flat: Tensor | None = None
) -> Direction:
    generator = world.generator
    return Direction(
        vector=vector(goal, numbers) if flat is None else flat,
        name=goal.prompt or "untold",
        prompt=goal.prompt,
        neutral=goal.neutral,
        regions=goal.regions,
        space="w+",
        layers=generator.layers("w+"),
        generator_name=generator.name,
        generator_fingerprint=generator.fingerprint,
        method="by hand",
    )


def _told(world: World, goal: Goal, numbers: Numbers) -> list[Direction]:
    if "forbidden" in goal.prompt:
        raise UnknownName("There is no such thing.", "Ask for another.")
    return [direction_of(world, goal, numbers)]


def _untold(world: World, goal: Goal, numbers: Numbers) -> list[Direction]:
    nothing = Goal("", "", ())
    patches = (patch_vector(name) for name in ("hair", "eyes"))
    return [direction_of(world, nothing, numbers, flat) for flat in patches]


def by_hand(name: str, numbers: Numbers, **changes: object) -> Method:
    method = Method(
        name=name,
        paper="none",
        about="By hand.",
        differs="",
        takes="prompt",
        config=make_dataclass(
            name, [(key, type(value), value) for key, value in asdict(numbers).items()], frozen=True
        ),
        find=_told,
    )
    return replace(method, **changes)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """The fake world with methods of which all is known."""
    entered = (
        by_hand("clean", Numbers()),
        by_hand("weak", Numbers(size=0.3)),
        by_hand("leaky", Numbers(leak=1.0)),
        by_hand("single", Numbers(), per_image=True),
        by_hand("untold", Numbers(), takes="nothing", find=_untold),
    )
    for method in entered:
        monkeypatch.setitem(registry._REGISTERED, method.name, method)
    small = tuple(range(7_000_000, 7_000_032))
    monkeypatch.setattr(bench.preflight.check, "__defaults__", (small,))
    return replace(fake_world(), judge=DrawingJudge)


@pytest.fixture
def silent_world(world: World) -> World:
    """The same without a judge."""
    return replace(world, judge=None)
