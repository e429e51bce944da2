"""Method `default` for a prompt that asks for several changes: each is trained for itself, in its
own layers and its own region, and the direction is their sum.

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
from eclipsed.prompts.decompose import changes_of, shape_and_colour
from eclipsed.search.calibration import range_for
from eclipsed.search.plan import Finish, Plan
from eclipsed.types import Goal, World

# A colour of which more than this share of the change lies elsewhere is not that thing's own.
ELSEWHERE = 0.5


def plan_changes(world: World, goal: Goal, config: DefaultConfig) -> Plan:
    """Method default's plan for a goal, of one change or of several.

    Raises UnknownName for layers or regions that do not exist.
    """
    changes: list[Goal] = []
    plans: list[Plan] = []
    for change in changes_of(goal, world.vocabulary):
        parts = shape_and_colour(change, world.vocabulary)
        planned = [default_plan(world, part, config) for part in parts]
        if not (planned and apart(*planned)):
            parts, planned = (change,), [default_plan(world, change, config)]
        changes += parts
        plans += planned
    return several_plan(world, goal, config, changes, plans) if plans[1:] else plans[0]


@torch.no_grad()
def apart(shape: Plan, colour: Plan) -> bool:
    """Whether a colour can be changed by itself: in other layers than the shape, and there.

    All turbans of a generator may be yellow; then what makes one yellow is somewhere else.
    """
    if bool((shape.trained & colour.trained).any()):
        return False
    return float(colour.loss(colour.start, 0)["pixels"]) < ELSEWHERE


def several_plan(
    world: World,
    goal: Goal,
    config: DefaultConfig,
    changes: Sequence[Goal],
    plans: Sequence[Plan],
) -> Plan:
    """One plan that carries out those of the changes of a goal side by side.

    Adam moves every number by its own gradient, so this is what each would become alone.
    """

    def rows(directions: Tensor) -> list[tuple[Plan, Tensor]]:
        return list(zip(plans, directions.split(1), strict=True))

    def loss(directions: Tensor, step: int) -> dict[str, Tensor]:
        parts = [plan.loss(row, step) for plan, row in rows(directions)]
        names = dict.fromkeys(name for part in parts for name in part)
        return {
            name: torch.stack([part[name] for part in parts if name in part]).mean()
            for name in names
        }

    def combine(directions: Tensor) -> Tensor:
        # Each at its own strength 1, so that all changes are reached together.
        scaled = [plan.unit(row[0]) * row for plan, row in rows(directions)]
        return torch.stack(scaled).sum(dim=0)

    def finish(vector: Tensor) -> Finish:
        return Finish(unit=1.0, range=range_for(view_for(world, config), vector, goal.regions))

    layers = sorted({layer for plan in plans for layer in plan.facts["trained_layers"]})
    told = [
        {"prompt": change.prompt, "trained_layers": plan.facts["trained_layers"]}
        for change, plan in zip(changes, plans, strict=True)
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
        finish=finish,
        facts={**plans[0].facts, "trained_layers": layers, "changes": told},
    )


DEFAULT = trained(
    name="default",
    paper="this package; the training of eCLIPsed (EPFL 2023), started from a regression",
    about="A regression of the encoder's scores on sampled latents, bent away from what changes "
    "outside the region, refined by a few steps of positive and negative strength.",
    differs="Text loss and localization are relative to each image; layers are chosen; strength 1 "
    "is calibrated.",
    config=DefaultConfig,
    plan=plan_changes,
)
