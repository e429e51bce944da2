"""What a prompt claims, change by change, and whether a judge sees all of it in images."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from eclipsed.evaluation import metrics
from eclipsed.types import Claim, Goal, Judge, Verdict

Claims = tuple[Claim, ...]


def claims_of(judge: Judge, goal: Goal) -> Claims:
    """A claim for each change that a goal's prompt asks for, of shape and of colour where the judge
    tells them apart; none where it cannot tell one of the changes, for then it cannot tell whether
    the prompt is fulfilled."""
    claims: list[Claim | None] = []
    for part in goal.parts or (goal,):
        both = [judge.claim(one.text) for one in part.shape_and_colour]
        distinct = len({claim.group for claim in both if claim is not None}) == 2
        claims += both if distinct else [judge.claim(part.text)]
    known = tuple(claim for claim in claims if claim is not None)
    return known if len(known) == len(claims) else ()


def shown(judge: Judge, claims: Claims, verdict: Verdict) -> Bool[Tensor, " n"]:
    """Which images show all that is claimed."""
    seen = [
        metrics.shows(verdict.probabilities[claim.group], _columns(judge, claim))
        for claim in claims
    ]
    return torch.stack(seen).all(dim=0)


def probability(judge: Judge, claims: Claims, verdict: Verdict) -> Float[Tensor, " n"]:
    """How probable the least probable of the claims is in each image."""
    each = []
    for claim in claims:
        rows = verdict.probabilities[claim.group]
        each.append(rows[:, _columns(judge, claim).to(rows.device)].sum(dim=1))
    return torch.stack(each).amin(dim=0)


def in_sight(claims: Claims, verdict: Verdict) -> Bool[Tensor, " n"]:
    """In which images all that is claimed could be seen, if it were there."""
    return torch.stack([verdict.visible[claim.group] for claim in claims]).all(dim=0)


def others(claims: Claims, before: Verdict, after: Verdict) -> dict[str, Bool[Tensor, " n"]]:
    """Every group that nothing is claimed of → the images in which it counts.

    What an edit hides, or brings to light, says nothing about what it changed.
    """
    claimed = {claim.group for claim in claims}
    return {
        group: before.visible[group] & after.visible[group]
        for group in before.probabilities
        if group not in claimed
    }


def changed(claims: Claims, before: Verdict, after: Verdict) -> dict[str, list[bool]]:
    """Every group that nothing is claimed of → whether its most probable value is another, for
    each image; never where it does not count."""
    result = {}
    for group, counted in others(claims, before, after).items():
        first, then = (seen.probabilities[group].argmax(dim=1) for seen in (before, after))
        result[group] = (counted & (first != then)).tolist()
    return result


def _columns(judge: Judge, claim: Claim) -> Bool[Tensor, " k"]:
    return torch.tensor([value in claim.values for value in judge.groups[claim.group]])
