"""Can this generator do it? A look at sampled images before any training.

Three questions are asked of the world's own encoder and segmenter: do some images answer the
prompt clearly better than others, does the prompt move the encoder along a line on which images
really differ, and is the region to be changed in sight? This module trains nothing and knows no
judge; its verdict is an expectation, not a score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from eclipsed.pool import View, look_at
from eclipsed.types import Goal, World

# Not among the seeds that training draws (from 54321 on) or that scores use.
SEEDS: tuple[int, ...] = tuple(range(7_000_000, 7_000_096))

Verdict = Literal["likely", "unsure", "unlikely"]

# How many times more the images spread along the prompt's line than along an average one.
CLEAR_SPREAD = 1.5
WEAK_SPREAD = 0.7
# A region is in sight where it covers this share of an image.
IN_SIGHT = 0.003
RARELY_IN_SIGHT = 0.1


@dataclass(frozen=True)
class Preflight:
    """What sampled seeds say about a goal.

    scores: per seed, the cosine between its image's place among all images and the prompt's place
    seen from the neutral text, both in the encoder's space; -1…1. spread: standard deviation of
    the images along the prompt's line, over the average of all lines; 1 is what a line that means
    nothing would get. coverage: mean share of an image that the region covers where it is in
    sight; present: share of images where it is. Both are 1 for the whole image.
    """

    goal: Goal
    seeds: tuple[int, ...]
    scores: tuple[float, ...]
    spread: float
    coverage: float
    present: float
    verdict: Verdict
    reason: str

    def best(self, count: int = 5) -> tuple[int, ...]:
        """The seeds whose images answer the prompt best, best first."""
        return self._ranked()[:count]

    def worst(self, count: int = 5) -> tuple[int, ...]:
        """The seeds whose images answer it least, worst first."""
        return self._ranked()[::-1][:count]

    def _ranked(self) -> tuple[int, ...]:
        order = sorted(range(len(self.seeds)), key=lambda i: (-self.scores[i], i))
        return tuple(self.seeds[i] for i in order)

    def to_json(self) -> dict[str, Any]:
        """The same as plain JSON, ten seeds of each end."""
        return {
            "prompt": self.goal.prompt,
            "neutral": self.goal.neutral,
            "regions": list(self.goal.regions),
            "verdict": self.verdict,
            "reason": self.reason,
            "spread": round(self.spread, 4),
            "coverage": round(self.coverage, 4),
            "present": round(self.present, 4),
            "best": list(self.best(10)),
            "worst": list(self.worst(10)),
            "score": {
                "best": round(max(self.scores), 4),
                "median": round(sorted(self.scores)[len(self.scores) // 2], 4),
                "worst": round(min(self.scores), 4),
            },
            "seeds": len(self.seeds),
        }


@torch.no_grad()
def check(world: World, goal: Goal, seeds: Sequence[int] = SEEDS) -> Preflight:
    """Look at what the world's generator makes of `seeds` with the goal in mind.

    At least two seeds are needed, some dozens for a verdict worth having; raises ValueError for
    fewer than two and UnknownName for a region that the world lacks.
    """
    if len(seeds) < 2:
        raise ValueError("a pre-flight needs at least two seeds")
    texts = world.encoder.encode_text([goal.prompt, goal.neutral]).cpu()
    latents = world.generator.sample(seeds, truncation=1.0, space="w+")
    seen = look_at(View(world), goal, latents)
    spread, scores = compare(seen.embeddings.cpu(), texts[0] - texts[1])
    share = seen.masks.mean(dim=(1, 2)).cpu()
    visible = share > IN_SIGHT
    present = float(visible.float().mean())
    verdict, reason = _judge(spread, present, goal)
    return Preflight(
        goal=goal,
        seeds=tuple(seeds),
        scores=tuple(scores.tolist()),
        spread=spread,
        coverage=float(share[visible].mean()) if present else 0.0,
        present=present,
        verdict=verdict,
        reason=reason,
    )


def compare(
    images: Float[Tensor, "n e"], line: Float[Tensor, " e"]
) -> tuple[float, Float[Tensor, " n"]]:
    """How the images [N, E] lie along the prompt's line [E]: spread, and a score per image."""
    around = images - images.mean(dim=0)
    unit = F.normalize(line, dim=0)
    along = around @ unit
    typical = around.square().sum(dim=1).mean().div(images.shape[1]).sqrt()
    spread = float(along.square().mean().sqrt() / typical.clamp_min(1e-12))
    return spread, F.normalize(around, dim=1) @ unit


def _judge(spread: float, present: float, goal: Goal) -> tuple[Verdict, str]:
    region = " and ".join(goal.regions) or "image"
    if present == 0.0:
        return "unlikely", f"No sampled image shows any {region} to change."
    if spread < WEAK_SPREAD:
        return "unlikely", "The sampled images hardly differ in what the prompt asks for."
    if present < RARELY_IN_SIGHT:
        return "unsure", f"Only {present:.0%} of the sampled images show any {region}."
    if spread < CLEAR_SPREAD:
        return "unsure", "The sampled images differ only a little in what the prompt asks for."
    return "likely", "Some sampled images answer the prompt clearly better than others."
