"""Images that a training looks at again and again: sampled, encoded and masked once.

A pool ranks its seeds by how well their images answer a prompt; the originals of a training are
a few of them with everything kept that a step would otherwise compute anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from eclipsed.types import Generator, Goal, Space, Synthesis, World

BATCH = 16


@dataclass(frozen=True, eq=False)
class Pool:
    """latents [P, D] of one space, embeddings [P, E] of their images."""

    latents: Tensor
    embeddings: Tensor


@dataclass(frozen=True, eq=False)
class Originals:
    """M unedited images: latents [M, D], embeddings [M, E], images, masks [M, H, W] of the goal's
    regions (ones where it has none), features by name."""

    latents: Tensor
    embeddings: Tensor
    images: Tensor
    masks: Tensor
    features: Mapping[str, Tensor]

    def take(self, rows: Int[Tensor, " b"]) -> Originals:
        """These rows only."""
        features = {name: value[rows] for name, value in self.features.items()}
        return Originals(
            self.latents[rows], self.embeddings[rows], self.images[rows], self.masks[rows], features
        )


def encode(world: World, synthesis: Synthesis) -> Float[Tensor, "n e"]:
    """Embeddings of images as they are shown, that is clamped: colours that no picture can hold
    must not count."""
    return world.encoder.encode_image(synthesis.image.clamp(-1.0, 1.0))


@torch.no_grad()
def build_pool(world: World, seeds: Sequence[int], *, space: Space, truncation: float) -> Pool:
    """Sample and encode the seeds, a batch at a time."""
    generator = world.generator
    latents = generator.sample(seeds, truncation=truncation, space=space)
    embeddings = [
        encode(world, generator.synthesize(rows, space=space, truncation=truncation))
        for rows in latents.split(BATCH)
    ]
    return Pool(latents, torch.cat(embeddings))


@torch.no_grad()
def look_at(
    world: World,
    goal: Goal,
    latents: Float[Tensor, "m d"],
    *,
    space: Space,
    truncation: float,
    features: Sequence[str] = (),
) -> Originals:
    """Everything about the images of these latents that training needs."""
    parts: list[Originals] = []
    for rows in latents.split(BATCH):
        made = world.generator.synthesize(
            rows, space=space, features=features, truncation=truncation
        )
        masks = (
            world.segmenter.masks(made, goal.regions)
            if goal.regions
            else torch.ones_like(made.image[:, 0])
        )
        parts.append(Originals(rows, encode(world, made), made.image, masks, made.features))
    return Originals(
        latents=latents,
        embeddings=torch.cat([part.embeddings for part in parts]),
        images=torch.cat([part.images for part in parts]),
        masks=torch.cat([part.masks for part in parts]),
        features={name: torch.cat([part.features[name] for part in parts]) for name in features},
    )


@torch.no_grad()
def features_between(generator: Generator, smallest: int, largest: int) -> tuple[str, ...]:
    """Names of the features whose height lies between the two sizes, ends included."""
    names = generator.feature_names
    made = generator.synthesize(generator.sample([0], space="w+"), features=names)
    return tuple(n for n in names[1:] if smallest <= made.features[n].shape[2] <= largest)
