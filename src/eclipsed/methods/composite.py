"""Method `default` for a prompt that asks for several changes: each part is trained alone, in its
own layers and region, and the direction is their sum.

Directions that are local add up (the paper stacks edits in its own figures), while a single vector
in a single run of layers, trained for the whole prompt, brings the change that the encoder likes
best and leaves out the others.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from eclipsed.methods.default import DefaultConfig, default_plan, view_for
from eclipsed.methods.method import trained
from eclipsed.search.calibration import calibrate_reached
from eclipsed.search.plan import Plan
from eclipsed.types import Goal, World

# A colour is not the thing's own if more than this fraction of its change lies elsewhere.
ELSEWHERE = 0.5


def plan_parts(world: World, goal: Goal, config: DefaultConfig) -> Plan:
    """Method default's plan for a goal, of one part or of several.

    Raises UnknownName for layers or regions that do not exist.
    """
    parts: list[Goal] = []
    plans: list[Plan] = []
    for part in goal.parts or (goal,):
        goals = part.shape_and_colour
        planned = [default_plan(world, one, config) for one in goals]
        if not (planned and apart(*planned)):
            goals, planned = (part,), [default_plan(world, part, config)]
        parts += goals
        plans += planned
    return composite_plan(world, goal, config, parts, plans) if plans[1:] else plans[0]


@torch.no_grad()
def apart(shape: Plan, colour: Plan) -> bool:
    """Whether a colour can be changed by itself: in other layers than the shape, and there.

    All turbans of a generator may be yellow; then what makes one yellow is somewhere else.
    """
    if bool((shape.trained & colour.trained).any()):
        return False
    return float(colour.loss(colour.start, 0)["pixels"]) < ELSEWHERE


def composite_plan(
    world: World,
    goal: Goal,
    config: DefaultConfig,
    parts: Sequence[Goal],
    plans: Sequence[Plan],
) -> Plan:
    """One plan that carries out those of the parts of a goal side by side.

    Adam moves every number by its own gradient, so this is what each would become alone.
    """

    def rows(directions: Tensor) -> list[tuple[Plan, Tensor]]:
        return list(zip(plans, directions.split(1), strict=True))

    def loss(directions: Tensor, step: int) -> dict[str, Tensor]:
        losses = [plan.loss(row, step) for plan, row in rows(directions)]
        names = dict.fromkeys(name for each in losses for name in each)
        return {
            name: torch.stack([each[name] for each in losses if name in each]).mean()
            for name in names
        }

    def combine(directions: Tensor) -> Tensor:
        # Each at its own strength 1, so that all parts are reached together.
        reached = [plan.unit(row[0]) * row for plan, row in rows(directions)]
        return torch.stack(reached).sum(dim=0)

    layers = sorted({layer for plan in plans for layer in plan.facts["trained_layers"]})
    trained = [
        {"prompt": part.prompt, "trained_layers": plan.facts["trained_layers"]}
        for part, plan in zip(parts, plans, strict=True)
    ]
    return Plan(
        start=torch.cat([plan.start for plan in plans]),
        trained=torch.stack([plan.trained for plan in plans]),
        steps=config.steps,
        rate=lambda step: torch.stack([torch.as_tensor(plan.rate(step)) for plan in plans]),
        loss=loss,
        constrain=lambda directions: torch.cat(
            [plan.constrain(row) for plan, row in rows(directions)]
        ),
        combine=combine,
        finish=lambda vector: calibrate_reached(view_for(world, config), vector, goal),
        facts={**plans[0].facts, "trained_layers": layers, "changes": trained},
    )


DEFAULT = trained("default", DefaultConfig, plan_parts)
