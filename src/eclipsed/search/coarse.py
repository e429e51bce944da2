"""Images for the encoder's eyes: synthesis that ends where the encoder sees no finer.

A StyleGAN2 that adds up colours from every resolution has an image at each. What the later ones
add is no small thing, but seen from afar it is nearly a linear function of the features there; so
that function is fitted on a few whole images, and checked on others. Where the check fails, or a
generator has no earlier image, everything is looked at whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from eclipsed.cache import cached_tensors, key_of, remembered
from eclipsed.types import Generator, Synthesis, World

# Whole images that it is fitted on, and others that it is checked on.
FITTED, CHECKED = 12, 4
FIRST_SEED = 27_000_000
# How near coarse images must come to whole ones at the same size, in dB.
NEAR = 28.0
_RIDGE = 1e-4  # of the features' variance
_VERSION = 1


@dataclass(frozen=True, eq=False)
class Coarse:
    """resolution: where synthesis ends. feature: what it ends with. weights: [3, C + 1], what is
    added of it to the image. decibels: how near that came to whole images."""

    resolution: int
    feature: str
    weights: Tensor
    decibels: float

    def synthesis(
        self,
        generator: Generator,
        latents: Float[Tensor, "n d"],
        space: str,
        features: Sequence[str],
        truncation: float,
    ) -> Synthesis:
        """Latents → images of this resolution, and the features asked for."""
        made = generator.synthesize(  # type: ignore[call-arg]
            latents,
            space=space,  # type: ignore[arg-type]
            features=(*features, self.feature),
            truncation=truncation,
            resolution=self.resolution,
        )
        ends = made.features[self.feature].float()
        weights = self.weights.to(ends)
        added = F.conv2d(ends, weights[:, :-1, None, None], weights[:, -1])
        return Synthesis(made.image + added, made.features)


def coarse_of(world: World) -> Coarse | None:
    """How images of a world look from afar; None where they have to be whole."""
    generator, size = world.generator, world.encoder.size
    enough = [stop for stop in getattr(generator, "stops", ()) if stop >= size]
    if not enough or 2 * enough[0] > generator.resolution:
        return None
    resolution = enough[0]
    feature = _last_feature(generator, resolution)
    names = generator.feature_names
    if any(names.index(name) > names.index(feature) for name in world.segmenter.feature_names):
        return None
    facts = [resolution, FITTED, CHECKED, FIRST_SEED]
    key = key_of(world, "coarse", _VERSION, ("generator",), world.truncation, False, facts)

    def compute() -> dict[str, Tensor]:
        weights, decibels = fit(world, resolution, feature)
        return {"weights": weights, "decibels": torch.tensor(decibels)}

    found = remembered(key, lambda: cached_tensors(key, compute))
    coarse = Coarse(resolution, feature, found["weights"], float(found["decibels"]))
    return coarse if coarse.decibels >= NEAR else None


def _last_feature(generator: Generator, resolution: int) -> str:
    """The name of the features that an image of this resolution is made of."""
    # One convolution at 4 pixels, and two at each doubling.
    return generator.feature_names[2 * (resolution.bit_length() - 3) + 1]


@torch.no_grad()
def fit(world: World, resolution: int, feature: str) -> tuple[Float[Tensor, "3 c"], float]:
    """The weights [3, C + 1] by least squares, and how near they come on other images, in dB."""
    generator = world.generator
    seeds = range(FIRST_SEED, FIRST_SEED + FITTED + CHECKED)
    products: Tensor | None = None
    errors = []
    weights = torch.zeros(3, 1)
    for number, seed in enumerate(seeds):
        z = generator.sample([seed], space="z")
        made = generator.synthesize(z, space="z", features=[feature], truncation=world.truncation)
        early = generator.synthesize(  # type: ignore[call-arg]
            z, space="z", truncation=world.truncation, resolution=resolution
        )
        whole = F.interpolate(made.image, (resolution, resolution), mode="bilinear", antialias=True)
        ends = made.features[feature].float()[0].flatten(1)
        ends = torch.cat([ends, torch.ones_like(ends[:1])])
        lacking = (whole - early.image)[0].flatten(1)
        if number < FITTED:
            pair = torch.cat([ends, lacking]).double()
            product = pair @ pair.t() / pair.shape[1]
            products = product if products is None else products + product
            continue
        if number == FITTED:
            assert products is not None
            count = len(ends)
            gram, wanted = products[:count, :count], products[:count, count:]
            penalty = _RIDGE * gram.diagonal().mean() * torch.eye(count).to(gram)
            weights = torch.linalg.solve(gram + penalty, wanted).t().float()
        image = early.image[0].flatten(1) + weights @ ends
        error = (image.clamp(-1.0, 1.0) - whole[0].flatten(1).clamp(-1.0, 1.0)).square().mean()
        errors.append(float(error))
    mean = max(1e-12, sum(errors) / len(errors))
    return weights.cpu(), float(-10.0 * torch.tensor(mean / 4.0).log10())
