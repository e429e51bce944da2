"""What a prompt claims, change by change, and whether a judge sees all of it in images."""

from __future__ import annotations

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from eclipsed.evaluation import metrics
from eclipsed.types import Claim, Goal, Judge, Verdict

Claims = tuple[Claim, ...]
# Of an attribute's range: what the judge sees move so far has changed, and what it does not, stays.
ENOUGH = 0.25


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
    """Which images show all that is claimed, and what must hold besides."""
    return torch.stack([_holds(judge, claim, verdict) for claim in _all(claims)]).all(dim=0)


def fulfilled(judge: Judge, claims: Claims, before: Verdict, after: Verdict) -> Bool[Tensor, " n"]:
    """Which images show all that is claimed after an edit.

    Of what the judge measures, a move by `ENOUGH` of the range counts as well, wherever it ends:
    somebody of twenty whom "older" makes forty is older, though not old. So does a move away.
    """
    each = []
    for claim in _all(claims):
        holds = _holds(judge, claim, after)
        if _measured(claim, before):
            moved = _move(claim, before, after)
            holds = (holds & (moved > -ENOUGH)) | (moved >= ENOUGH)
        each.append(holds)
    return torch.stack(each).all(dim=0)


def probability(judge: Judge, claims: Claims, verdict: Verdict) -> Float[Tensor, " n"]:
    """How probable the least probable of the claims is in each image; of what the judge measures,
    how near its level is to where the claim leads, 1 being there."""
    each = []
    for claim in claims:
        if _measured(claim, verdict):
            each.append(1.0 - _distance(claim, verdict))
            continue
        rows = verdict.probabilities[claim.group]
        each.append(rows[:, _columns(judge, claim).to(rows.device)].sum(dim=1))
    return torch.stack(each).amin(dim=0)


def move(claims: Claims, before: Verdict, after: Verdict) -> Float[Tensor, " n"] | None:
    """How far the attribute that a prompt names moves towards what is claimed of it, as a part of
    its range from −1 to 1; of several, the least. None where the judge does not measure it."""
    if not is_measured(claims, before):
        return None
    return torch.stack([_move(claim, before, after) for claim in claims]).amin(dim=0)


def is_measured(claims: Claims, verdict: Verdict) -> bool:
    """Whether there is a claim, and the judge measures all that is claimed."""
    return bool(claims) and all(_measured(claim, verdict) for claim in claims)


def in_sight(claims: Claims, verdict: Verdict) -> Bool[Tensor, " n"]:
    """In which images all that is claimed could be seen, if it were there."""
    return torch.stack([verdict.visible[claim.group] for claim in claims]).all(dim=0)


def others(claims: Claims, before: Verdict, after: Verdict) -> dict[str, Bool[Tensor, " n"]]:
    """Every group that nothing is claimed of → the images in which it counts.

    What an edit hides, or brings to light, says nothing about what it changed.
    """
    claimed = {claim.group for claim in _all(claims)}
    return {
        group: before.visible[group] & after.visible[group]
        for group in before.probabilities
        if group not in claimed
    }


def same(before: Verdict, after: Verdict) -> dict[str, Bool[Tensor, " n"]]:
    """Every group → the images in which it stays: its most probable value is the same, or, where
    the judge measures it, it has moved by less than `ENOUGH`."""
    stays = {}
    for group, chances in before.probabilities.items():
        if group in before.levels:
            stays[group] = (after.levels[group] - before.levels[group]).abs() < ENOUGH
        else:
            stays[group] = chances.argmax(dim=1) == after.probabilities[group].argmax(dim=1)
    return stays


def changed(claims: Claims, before: Verdict, after: Verdict) -> dict[str, list[bool]]:
    """Every group that nothing is claimed of → whether it does not stay, for each image; never
    where it does not count."""
    stays = same(before, after)
    return {
        group: (counted & ~stays[group]).tolist()
        for group, counted in others(claims, before, after).items()
    }


def _all(claims: Claims) -> Claims:
    """The claims, and what must hold besides each of them."""
    return tuple(each for claim in claims for each in (claim, *claim.besides))


def _measured(claim: Claim, verdict: Verdict) -> bool:
    return claim.span is not None and claim.group in verdict.levels


def _span(claim: Claim) -> tuple[float, float]:
    return claim.span or (0.0, 1.0)


def _holds(judge: Judge, claim: Claim, verdict: Verdict) -> Bool[Tensor, " n"]:
    if _measured(claim, verdict):
        level, (low, high) = verdict.levels[claim.group], _span(claim)
        return (level >= low) & (level <= high)
    return metrics.shows(verdict.probabilities[claim.group], _columns(judge, claim))


def _distance(claim: Claim, verdict: Verdict) -> Float[Tensor, " n"]:
    """How far a level is from where its claim leads: the end of the range that its span reaches,
    or the middle of a span that reaches neither."""
    low, high = _span(claim)
    goal = 1.0 if high >= 1.0 else 0.0 if low <= 0.0 else (low + high) / 2.0
    return (verdict.levels[claim.group] - goal).abs()


def _move(claim: Claim, before: Verdict, after: Verdict) -> Float[Tensor, " n"]:
    return _distance(claim, before) - _distance(claim, after)


def _columns(judge: Judge, claim: Claim) -> Bool[Tensor, " k"]:
    return torch.tensor([value in claim.values for value in judge.groups[claim.group]])
