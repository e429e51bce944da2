"""InterFaceGAN (Shen et al. 2020, arXiv:1907.10786 and arXiv:2005.09635): a boundary's normal.

The samples that answer a prompt best and those that answer it least are told apart by a linear
support vector machine; an edit moves latents along the normal n of its boundary:

    n, b = argmin ½|n|² + C Σ max(0, 1 − y (n·x + b))²

Conditional manipulation keeps other attributes still: the normals n₁, n₂, … of theirs are taken out
of n, which is what remains of it orthogonal to all of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.directions import Direction
from eclipsed.methods.method import Method, calibrated, rank
from eclipsed.search.plan import check_number, check_space
from eclipsed.types import Generator, Goal, Space, World

# As in the authors' code, by the rest of the chosen samples the boundary is checked.
TRAINED_ON = 0.7
_ROUNDS = 200


@dataclass(frozen=True, kw_only=True)
class InterFaceGanConfig:
    """space: where the boundary lies; None takes w, whose direction moves all rows alike, or z of
    a generator without it. share: of the ranked samples at each end that are told apart. penalty:
    the C of the machine, for latents in units of their spread. conditions: prompts whose answer
    should stay as it is. seed: of which samples only check the boundary.

    Raises BadSetting or UnknownName for settings that make no sense.
    """

    space: Space | None = None
    share: float = 0.1
    penalty: float = 1.0
    conditions: tuple[str, ...] = ()
    seed: int = 0

    def __post_init__(self) -> None:
        if self.space is not None:
            check_space(self.space)
        check_number("share", self.share, 1e-3, 0.5)
        check_number("penalty", self.penalty, 1e-9)
        check_number("seed", self.seed, 0, 2**31)


def find(world: World, goal: Goal, config: InterFaceGanConfig) -> list[Direction]:
    """The normal of the prompt's boundary, without those of the conditions.

    Raises UnknownName for a space that the generator lacks.
    """
    space = config.space or _usual_space(world.generator)
    normal, accuracy = boundary(world, goal, space, config)
    others = [
        boundary(world, replace(goal, prompt=prompt), space, config)[0]
        for prompt in config.conditions
    ]
    return [
        calibrated(
            world,
            without(normal, others),
            method=INTERFACEGAN.name,
            space=space,
            config=config,
            goal=goal,
            facts={"accuracy": accuracy},
        )
    ]


def _usual_space(generator: Generator) -> Space:
    return "w" if "w" in generator.spaces else "z"


def boundary(
    world: World, goal: Goal, space: Space, config: InterFaceGanConfig
) -> tuple[Float[Tensor, " d"], float]:
    """The normal of the prompt's boundary, and the share of the samples kept back on their side."""
    ranking = rank(world, goal, space)
    count = max(2, round(config.share * len(ranking.along)))
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


INTERFACEGAN = Method(
    name="interfacegan",
    paper="Shen, Yang, Tang, Zhou: InterFaceGAN, TPAMI 2020, arXiv:2005.09635",
    about="The normal of the boundary between samples that answer the prompt best and least.",
    differs="The prompt ranks the samples, not a classifier of attributes; 1,024 are ranked, not "
    "500,000, and a larger share of them is told apart; the hinge is squared.",
    takes="prompt",
    config=InterFaceGanConfig,
    find=find,
)
