"""Images under a direction, and everything that a world's judge says of them: seen once, kept."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.directions import Direction
from eclipsed.evaluation import evaluate
from eclipsed.evaluation.claims import Claims, claims_of
from eclipsed.types import Goal, Judge, Synthesis, Verdict, World


@runtime_checkable
class HasMaps(Protocol):
    """A judge whose classifier shows its feature maps, finest first: [N, C, h, w] each."""

    def maps(self, images: Tensor) -> Sequence[Tensor]: ...


@runtime_checkable
class Draws(Protocol):
    """A judge of a world that can be drawn: the distance of images [N] to clean drawings."""

    def artifact(self, images: Tensor, verdict: Verdict) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class Court:
    """A world with its judge. draws: the judge, where it can draw."""

    world: World
    judge: Judge
    draws: Draws | None


@dataclass(frozen=True, eq=False)
class Asked:
    """A prompt as the judge understands it. claims: one for each change that it asks for; none
    where the judge cannot tell. text: from the neutral text's embedding to the prompt's [E], by the
    judge's encoder; None where the two say the same."""

    goal: Goal
    claims: Claims
    text: Tensor | None


@dataclass(frozen=True, eq=False)
class Seen:
    """N images and what the judge says: embeddings [N, E], verdict, feature maps where the judge
    has them, distances from clean drawings [N] where it draws."""

    made: Synthesis
    codes: Tensor
    verdict: Verdict
    maps: tuple[Tensor, ...] = ()
    unclean: Tensor | None = None

    def take(self, rows: slice) -> Seen:
        """These images only."""
        features = {name: value[rows] for name, value in self.made.features.items()}
        return Seen(
            made=Synthesis(self.made.image[rows], features),
            codes=self.codes[rows],
            verdict=Verdict(
                {name: value[rows] for name, value in self.verdict.probabilities.items()},
                {name: value[rows] for name, value in self.verdict.visible.items()},
            ),
            maps=tuple(value[rows] for value in self.maps),
            unclean=None if self.unclean is None else self.unclean[rows],
        )


@dataclass(frozen=True, eq=False)
class Sample:
    """Seeds, their z [N, Z], and their images as they are."""

    seeds: tuple[int, ...]
    latents: Tensor
    before: Seen

    def take(self, rows: slice) -> Sample:
        """These seeds only."""
        return Sample(self.seeds[rows], self.latents[rows], self.before.take(rows))


def court_of(world: World) -> Court:
    """The judge that a world has, or its own networks where it has none."""
    judge = evaluate.judge_of(world)
    return Court(world, judge, judge if isinstance(judge, Draws) else None)


def ask(court: Court, goal: Goal) -> Asked:
    """What the judge makes of a goal."""
    prompt, neutral = court.judge.encoder.encode_text([goal.prompt, goal.neutral])
    text = prompt - neutral
    claims = claims_of(court.judge, goal)
    return Asked(goal, claims, text if text.norm() > 1e-6 else None)


@torch.no_grad()
def see(court: Court, made: Synthesis, *, maps: bool) -> Seen:
    """Let the judge look at images. maps: whether its feature maps are wanted."""
    judge = court.judge
    image = made.image
    verdict = judge.attributes(image)
    return Seen(
        made=made,
        codes=judge.encoder.encode_image(image.clamp(-1.0, 1.0)),
        verdict=verdict,
        maps=tuple(judge.maps(image)) if maps and isinstance(judge, HasMaps) else (),
        unclean=court.draws.artifact(image, verdict) if court.draws else None,
    )


@torch.no_grad()
def edited(
    court: Court, direction: Direction, latents: Float[Tensor, "n z"], strength: float
) -> Synthesis:
    """Images of z under a direction, with the features that the judge's segmenter reads."""
    return evaluate.edited(court.world, court.judge, direction, latents, strength)


@torch.no_grad()
def sample_of(court: Court, seeds: Sequence[int], batch: int) -> Sample:
    """The seeds' images, unedited, with everything that is known of them."""
    generator, truncation = court.world.generator, court.world.truncation
    latents = generator.sample(seeds, space="z")
    wanted = court.judge.segmenter.feature_names
    parts = [
        see(
            court,
            generator.synthesize(rows, "z", features=wanted, truncation=truncation),
            maps=True,
        )
        for rows in latents.split(batch)
    ]
    return Sample(tuple(seeds), latents, _joined(parts))


def _joined(parts: Sequence[Seen]) -> Seen:
    first = parts[0]
    verdicts = [part.verdict for part in parts]
    drawn = [part.unclean for part in parts if part.unclean is not None]
    return Seen(
        made=Synthesis(
            torch.cat([part.made.image for part in parts]),
            {
                name: torch.cat([part.made.features[name] for part in parts])
                for name in first.made.features
            },
        ),
        codes=torch.cat([part.codes for part in parts]),
        verdict=Verdict(
            {
                name: torch.cat([verdict.probabilities[name] for verdict in verdicts])
                for name in first.verdict.probabilities
            },
            {
                name: torch.cat([verdict.visible[name] for verdict in verdicts])
                for name in first.verdict.visible
            },
        ),
        maps=tuple(torch.cat(maps) for maps in zip(*(part.maps for part in parts), strict=True)),
        unclean=torch.cat(drawn) if drawn else None,
    )
