"""Can this generator do it? A look at sampled images before any training.

Two questions are asked of the world's own encoder and segmenter: do some images answer the prompt
clearly better than others, and is the region to be changed in sight? How clear an answer is depends
on the encoder, so it is held against this encoder's answers to texts that have nothing to do with
the world. This module trains nothing and knows no judge; its verdict is an expectation, not a
score.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from eclipsed.pool import BATCH, View, fast_bfloat16, masks_of, picture
from eclipsed.types import Goal, World

# Not among the seeds that training draws (from 54321 on) or that scores use.
SEEDS: tuple[int, ...] = tuple(range(7_000_000, 7_000_256))

Verdict = Literal["likely", "unsure", "unlikely"]

# Share of UNRELATED from which a prompt is likely to work, and below which it is not. All of 30
# prompts that name what the starter world draws reach the first, and all of 30 of the houses; of 47
# and 40 others, 6 and 9 do, and 23 and 25 are below the second (tests/test_preflight.py).
CLEAR = 0.9
WEAK = 0.7
# Texts about everything and nothing. A world may well draw some of them, but not most.
UNRELATED: tuple[str, ...] = tuple(
    " ".join(text.split())
    for text in """
    a lobster; a spoon; a staircase; a sand castle; a jellyfish; a bridge over a river; a
    keyboard; a bookshelf; a sandwich; a bicycle wheel; a basketball; a tent in the wild; an ice
    cream cone; a storm at sea; a crowd in a stadium; a subway station; a mountain range; the
    surface of the moon; an x-ray; a chess board; a pie chart; a mathematical formula; a musical
    score; marble; a knitted pattern; water drops; blurry; broken; transparent; made of paper;
    upside down; frozen in ice; covered in moss; rusty; melting; shattered; loud; expensive; an
    algorithm; the letter q; seven; a software licence; lorem ipsum; xkcd zzyzx; blorp; qwxz
    vfg; please wait; page not found; a pineapple; a snail; a lamp post; a tram; an excavator; a
    parachute; a hot air balloon; a sewing machine; a bag of rice; a pair of trousers; a lawn
    mower; a railway track; a coconut; a swan; a hedgehog; a bull; a beaver; a caterpillar; a
    seahorse; a moth; a flamingo; a turkey; a boiled egg; spaghetti; a pork chop; a bottle of
    milk; a fried egg; a jar of honey; a jug of water; a bunch of grapes; a wheelbarrow; a tape
    measure; a light switch; a fire extinguisher; an escalator; a vending machine; a ferris
    wheel; a roller coaster; a lighthouse keeper; a dentist's chair; a courtroom; a laundry
    basket; a stapler; an hourglass; a compass; a globe; a padlock; a lighter; a thermometer; a
    shooting star; an iceberg; a sand dune
    """.split(";")
)
# The best of so many answer; rare things are shown by few. Of normally distributed numbers they lie
# so many deviations up, on average.
_OF, _BEST = 32, 2.253
# A region is in sight where it covers this share of an image.
IN_SIGHT = 0.003
RARELY_IN_SIGHT = 0.1


@dataclass(frozen=True)
class Preflight:
    """What sampled seeds say about a goal.

    scores: per seed, the cosine between the way from the average image to this one and the way
    from the neutral text to the prompt, in the encoder's space; -1…1. contrast: how well the best
    of 32 answer, where 1 is what they would score for a text that means nothing (in a space whose
    lines are all alike). rank: share of UNRELATED that these images answer less clearly; it means
    the same on every world. coverage: mean share of an image that the region covers where it is in
    sight; present: share of images where it is. Both are 1 for the whole image.
    """

    goal: Goal
    seeds: tuple[int, ...]
    scores: tuple[float, ...]
    contrast: float
    rank: float
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
            "contrast": round(self.contrast, 4),
            "rank": round(self.rank, 4),
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

    At least two seeds are needed, some hundreds for a verdict worth having; raises ValueError for
    fewer than two and UnknownName for a region that the world lacks.
    """
    if len(seeds) < 2:
        raise ValueError("a pre-flight needs at least two seeds")
    texts = world.encoder.encode_text([goal.neutral, goal.prompt, *UNRELATED]).cpu()
    latents = world.generator.sample(seeds, space="z")
    view = View(world, "z", half=fast_bfloat16(world.generator.device))
    embeddings, shares = [], []
    for rows in latents.split(BATCH):  # the pictures of so many seeds need not fit together
        made, seen = picture(view, rows)
        embeddings.append(seen.cpu())
        shares.append(masks_of(view, goal, made).mean(dim=(1, 2)).cpu())
    images = torch.cat(embeddings)
    contrast, scores = compare(images, texts[1] - texts[0])
    others = [compare(images, text - texts[0])[0] for text in texts[2:]]
    rank = sum(other < contrast for other in others) / len(others)
    share = torch.cat(shares)
    visible = share > IN_SIGHT
    present = float(visible.float().mean())
    verdict, reason = _judge(rank, present, goal)
    return Preflight(
        goal=goal,
        seeds=tuple(seeds),
        scores=tuple(scores.tolist()),
        contrast=contrast,
        rank=rank,
        coverage=float(share[visible].mean()) if present else 0.0,
        present=present,
        verdict=verdict,
        reason=reason,
    )


def compare(
    images: Float[Tensor, "n e"], line: Float[Tensor, " e"]
) -> tuple[float, Float[Tensor, " n"]]:
    """How the images [N, E] answer a text that moves along the line [E]: contrast, and scores."""
    around = F.normalize(images - images.mean(dim=0), dim=1)
    scores = around @ F.normalize(line, dim=0)
    best = scores.topk(max(1, len(scores) // _OF)).values.mean()
    return float(best) * images.shape[1] ** 0.5 / _BEST, scores


def _judge(rank: float, present: float, goal: Goal) -> tuple[Verdict, str]:
    region = " and ".join(goal.regions) or "image"
    if present == 0.0:
        return "unlikely", f"No sampled image shows any {region} to change."
    if rank < WEAK:
        return "unlikely", "The sampled images answer many unrelated texts as well as the prompt."
    if present < RARELY_IN_SIGHT:
        return "unsure", f"Only {present:.0%} of the sampled images show any {region}."
    if rank < CLEAR:
        return "unsure", "Some sampled images answer the prompt, but not clearly."
    return "likely", "Some sampled images answer the prompt clearly better than others."
