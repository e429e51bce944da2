"""Images under a direction, and all that a world's judge says of them, each looked at once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.directions import Direction
from eclipsed.editing.stack import BATCH, Edit, EditStack
from eclipsed.evaluation.claims import Claims, claims_of
from eclipsed.evaluation.judges import NetworkJudge
from eclipsed.types import Goal, Judge, Space, Synthesis, Verdict, World


@runtime_checkable
class HasMaps(Protocol):
    """A judge whose classifier shows its feature maps, finest first: [N, C, h, w] each."""

    def maps(self, images: Tensor) -> Sequence[Tensor]: ...


@runtime_checkable
class Draws(Protocol):
    """A judge of a world that can be drawn: the distance of images [N] to clean drawings."""

    def artifact(self, images: Tensor, verdict: Verdict) -> Tensor: ...


@dataclass(frozen=True, eq=False)
class Evaluator:
    """A world with its judge. draws: the judge, where it can draw."""

    world: World
    judge: Judge
    draws: Draws | None


@dataclass(frozen=True, eq=False)
class Target:
    """A prompt as the judge understands it. claims: one for each change that it asks for; none
    where the judge cannot tell. text: from the neutral text's embedding to the prompt's [E], by the
    judge's encoder; None where the two say the same."""

    goal: Goal
    claims: Claims
    text: Tensor | None


@dataclass(frozen=True, eq=False)
class Observation:
    """N images and what the judge says: embeddings [N, E], verdict, feature maps where the judge
    has them, distances from clean drawings [N] where it draws."""

    synthesis: Synthesis
    codes: Tensor
    verdict: Verdict
    maps: tuple[Tensor, ...] = ()
    artifact: Tensor | None = None

    def take(self, rows: slice) -> Observation:
        """These images only."""
        features = {name: value[rows] for name, value in self.synthesis.features.items()}
        return Observation(
            synthesis=Synthesis(self.synthesis.image[rows], features),
            codes=self.codes[rows],
            verdict=Verdict(
                {name: value[rows] for name, value in self.verdict.probabilities.items()},
                {name: value[rows] for name, value in self.verdict.visible.items()},
            ),
            maps=tuple(value[rows] for value in self.maps),
            artifact=None if self.artifact is None else self.artifact[rows],
        )


@dataclass(frozen=True, eq=False)
class Sample:
    """Latents [N, D] of a space with their images as they are, and the seeds they come from, where
    they come from any."""

    latents: Tensor
    space: Space
    before: Observation
    seeds: tuple[int, ...] = ()

    def take(self, rows: slice) -> Sample:
        """These latents only."""
        return Sample(self.latents[rows], self.space, self.before.take(rows), self.seeds[rows])


def judge_of(world: World) -> Judge:
    """Who judges a world's directions: its judge, or its own networks where it has none."""
    return world.judge() if world.judge else NetworkJudge(world.encoder, world.segmenter)


def evaluator_of(world: World) -> Evaluator:
    """The judge that a world has, or its own networks where it has none."""
    judge = judge_of(world)
    return Evaluator(world, judge, judge if isinstance(judge, Draws) else None)


def target_of(evaluator: Evaluator, goal: Goal) -> Target:
    """What the judge makes of a goal; nothing of one without a prompt."""
    if not goal.prompt:
        return Target(goal, (), None)
    prompt, neutral = evaluator.judge.encoder.encode_text([goal.prompt, goal.neutral])
    text = prompt - neutral
    claims = claims_of(evaluator.judge, goal)
    return Target(goal, claims, text if text.norm() > 1e-6 else None)


@torch.no_grad()
def observe(evaluator: Evaluator, synthesis: Synthesis, *, maps: bool) -> Observation:
    """Let the judge look at images. maps: whether its feature maps are wanted."""
    judge, image = evaluator.judge, synthesis.image
    verdict = judge.attributes(image)
    return Observation(
        synthesis=synthesis,
        codes=judge.encoder.encode_image(image.clamp(-1.0, 1.0)),
        verdict=verdict,
        maps=tuple(judge.maps(image)) if maps and isinstance(judge, HasMaps) else (),
        artifact=evaluator.draws.artifact(image, verdict) if evaluator.draws else None,
    )


@torch.no_grad()
def edited(
    evaluator: Evaluator,
    direction: Direction,
    latents: Float[Tensor, "n d"],
    strength: float,
    space: Space = "z",
) -> Synthesis:
    """Images of latents [N, D] of `space` with a direction at a strength, at the world's
    truncation, and the features that the judge's segmenter reads."""
    world, stack = evaluator.world, EditStack((Edit(direction, strength),))
    return world.generator.synthesize(
        stack.apply(world.generator, latents, space, truncation=world.truncation),
        stack.space(space),
        features=evaluator.judge.segmenter.feature_names,
        truncation=world.truncation,
    )


@torch.no_grad()
def sample_of(
    evaluator: Evaluator,
    latents: Float[Tensor, "n d"],
    space: Space,
    *,
    seeds: Sequence[int] = (),
    maps: bool = True,
) -> Sample:
    """The latents' images, unedited, with everything that is known of them."""
    world = evaluator.world
    parts = [
        observe(
            evaluator,
            world.generator.synthesize(
                rows,
                space,
                features=evaluator.judge.segmenter.feature_names,
                truncation=world.truncation,
            ),
            maps=maps,
        )
        for rows in latents.split(BATCH)
    ]
    return Sample(latents, space, _joined(parts), tuple(seeds))


def sample_seeds(evaluator: Evaluator, seeds: Sequence[int], *, maps: bool = True) -> Sample:
    """As `sample_of`, of seeds."""
    latents = evaluator.world.generator.sample(seeds, space="z")
    return sample_of(evaluator, latents, "z", seeds=seeds, maps=maps)


def _joined(parts: Sequence[Observation]) -> Observation:
    first = parts[0]
    verdicts = [part.verdict for part in parts]
    drawn = [part.artifact for part in parts if part.artifact is not None]
    return Observation(
        synthesis=Synthesis(
            torch.cat([part.synthesis.image for part in parts]),
            {
                name: torch.cat([part.synthesis.features[name] for part in parts])
                for name in first.synthesis.features
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
        artifact=torch.cat(drawn) if drawn else None,
    )
