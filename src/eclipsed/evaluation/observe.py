"""Images under a direction, and all that a world's judge says of them, each judged once."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.directions import Direction
from eclipsed.editing.stack import BATCH, Edit, EditStack, render
from eclipsed.evaluation.claims import Claims, claims_of
from eclipsed.generators.memory import in_parts
from eclipsed.prompts.goals import encoded
from eclipsed.types import (
    Claim,
    Encoder,
    Goal,
    Judge,
    Segmenter,
    Space,
    Synthesis,
    Verdict,
    World,
)


@dataclass(frozen=True)
class NetworkJudge:
    """An encoder and a segmenter as a judge (eclipsed.types.Judge) that knows no attributes.

    It is as independent as its networks are. What needs a classifier (success, reversal,
    preservation) it cannot tell.
    """

    encoder: Encoder
    segmenter: Segmenter
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    def attributes(self, images: Float[Tensor, "n 3 h w"]) -> Verdict:  # noqa: ARG002 - the Protocol's
        """Nothing is known of any attribute."""
        return Verdict({}, {})

    def features(
        self, images: Float[Tensor, "n 3 h w"], hidden: Float[Tensor, "n h w"]
    ) -> Float[Tensor, "n e"]:
        """The encoder's embeddings of the images [N, 3, H, W], grey where `hidden` is 1."""
        return self.encoder.encode_image(images.clamp(-1.0, 1.0) * (1.0 - hidden[:, None]))

    def claim(self, prompt: str) -> Claim | None:  # noqa: ARG002 - the Protocol's
        """None: no prompt asks for an attribute that it knows."""
        return None


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
        return _merged([self], lambda tensors: tensors[0][rows])


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
    prompt, neutral = encoded(evaluator.judge.encoder, goal)
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
    options: dict[str, Any] = {"space": space, "truncation": world.truncation}
    moved = stack.apply(world.generator, latents, **options)
    synthesis = _synthesis(evaluator, moved, stack.space(space))
    if not direction.keep:
        return synthesis
    image = render(world.generator, latents, stack, segmenter=world.segmenter, **options)
    return Synthesis(image, synthesis.features)


def _synthesis(evaluator: Evaluator, latents: Tensor, space: Space) -> Synthesis:
    return evaluator.world.generator.synthesize(
        latents,
        space,
        features=evaluator.judge.segmenter.feature_names,
        truncation=evaluator.world.truncation,
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

    def observed(rows: Tensor) -> Observation:
        return observe(evaluator, _synthesis(evaluator, rows, space), maps=maps)

    parts = in_parts(observed, latents, BATCH)
    return Sample(latents, space, _merged(parts, torch.cat), tuple(seeds))


def sample_seeds(evaluator: Evaluator, seeds: Sequence[int], *, maps: bool = True) -> Sample:
    """As `sample_of`, of seeds."""
    latents = evaluator.world.generator.sample(seeds, space="z")
    return sample_of(evaluator, latents, "z", seeds=seeds, maps=maps)


def _merged(parts: Sequence[Observation], merge: Callable[[list[Tensor]], Tensor]) -> Observation:
    """One observation, each of whose tensors is what `merge` makes of the parts'."""

    def merged(dicts: Sequence[Mapping[str, Tensor]]) -> dict[str, Tensor]:
        return {name: merge([each[name] for each in dicts]) for name in dicts[0]}

    image = merge([part.synthesis.image for part in parts])
    artifacts = [part.artifact for part in parts if part.artifact is not None]
    return Observation(
        synthesis=Synthesis(image, merged([part.synthesis.features for part in parts])),
        codes=merge([part.codes for part in parts]),
        verdict=Verdict(
            merged([part.verdict.probabilities for part in parts]),
            merged([part.verdict.visible for part in parts]),
            merged([part.verdict.levels for part in parts]),
        ),
        maps=tuple(merge(list(maps)) for maps in zip(*(p.maps for p in parts), strict=True)),
        artifact=merge(artifacts) if artifacts else None,
    )
