"""InterFaceGAN (Shen et al. 2020, arXiv:1907.10786 and arXiv:2005.09635): a boundary's normal.

The samples that answer a prompt best and those that answer it least are told apart by a linear
support vector machine; an edit moves latents along the normal n of its boundary:

    n, b = argmin ½|n|² + C Σ max(0, 1 − y (n·x + b))²

Conditional manipulation keeps other attributes still: the normals n₁, n₂, … of theirs are taken out
of n, which is what remains of it orthogonal to all of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.directions import Direction
from eclipsed.methods.method import calibrated, described, rank
from eclipsed.search.settings import check_settings, setting
from eclipsed.types import Goal, Space, World

# As in the authors' code, by the rest of the chosen samples the boundary is checked.
TRAINED_ON = 0.7
_ROUNDS = 200


@dataclass(frozen=True, kw_only=True)
class InterFaceGanConfig:
    """Raises BadSetting or UnknownName for a value out of range."""

    # Where the boundary lies; None takes w, whose direction moves all layers alike, or z of a
    # generator without it.
    space: Space | None = None
    # Of the ranked samples, the fraction at each end that is told apart.
    fraction: float = setting(0.1, 1e-3, 0.5)
    # The C of the machine, for latents in units of their spread.
    penalty: float = setting(1.0, 1e-9)
    # Prompts whose attributes should stay as they are.
    conditions: tuple[str, ...] = ()
    # Of the samples that only check the boundary.
    seed: int = setting(0, 0, 2**31)

    def __post_init__(self) -> None:
        check_settings(self)


def find(world: World, goal: Goal, config: InterFaceGanConfig) -> list[Direction]:
    """The normal of the prompt's boundary, without those of the conditions.

    Raises UnknownName for a space that the generator lacks.
    """
    space = config.space or ("w" if "w" in world.generator.spaces else "z")
    normal, accuracy = boundary(world, goal, space, config)
    conditions = [Goal(prompt, goal.neutral, goal.regions) for prompt in config.conditions]
    normal = without(normal, [boundary(world, one, space, config)[0] for one in conditions])
    return [
        calibrated(
            world, normal, goal, config, method="interfacegan", space=space, accuracy=accuracy
        )
    ]


def boundary(
    world: World, goal: Goal, space: Space, config: InterFaceGanConfig
) -> tuple[Float[Tensor, " d"], float]:
    """The normal of the prompt's boundary, and the fraction of held-out samples on their side."""
    ranking = rank(world, goal, space)
    count = max(2, round(config.fraction * len(ranking.along)))
    train = max(1, round(TRAINED_ON * count))
    order = torch.randperm(count, generator=torch.Generator().manual_seed(config.seed))
    ends = [end[order.to(end.device)] for end in (ranking.best(count), ranking.worst(count))]
    normal, offset = separate(ends[0][:train], ends[1][:train], config.penalty)
    best, worst = (end[train:] @ normal + offset for end in ends)
    right = torch.cat([best > 0, worst < 0])
    return normal, float(right.float().mean())


def separate(
    positive: Float[Tensor, "p d"], negative: Float[Tensor, "n d"], penalty: float
) -> tuple[Float[Tensor, " d"], float]:
    """The linear support vector machine with squared hinge that tells two sets apart.

    Returns normal and offset, for which normal·x + offset is 1 at the positive margin and −1 at
    the negative one. The penalty counts latents in units of their root mean square distance from
    the middle.
    """
    points = torch.cat([positive, negative]).double()
    labels = torch.cat([torch.ones(len(positive)), -torch.ones(len(negative))]).to(points)
    middle = points.mean(dim=0)
    scale = (points - middle).square().sum(dim=1).mean().sqrt().clamp_min(1e-12)
    points = (points - middle) / scale
    # The offset is the last number, and is not held back.
    plane = torch.zeros(points.shape[1] + 1).to(points).requires_grad_()
    solver = torch.optim.LBFGS([plane], max_iter=_ROUNDS, line_search_fn="strong_wolfe")

    def cost() -> Tensor:
        solver.zero_grad()
        short = (1.0 - labels * (points @ plane[:-1] + plane[-1])).clamp_min(0.0)
        total = plane[:-1].square().sum() / 2.0 + penalty * short.square().sum()
        total.backward()
        return total

    solver.step(cost)
    normal = plane.detach()[:-1] / scale
    offset = plane.detach()[-1] - normal @ middle
    return normal.float(), float(offset)


def without(normal: Float[Tensor, " d"], others: list[Float[Tensor, " d"]]) -> Float[Tensor, " d"]:
    """What remains of a normal orthogonal to all the others."""
    if not others:
        return normal
    basis = torch.linalg.qr(torch.stack(others, dim=1))[0]
    rest: Tensor = normal - basis @ (basis.T @ normal)
    return rest


INTERFACEGAN = described("interfacegan", InterFaceGanConfig, find)
