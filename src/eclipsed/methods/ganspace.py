"""GANSpace (Härkönen et al. 2020, arXiv:2004.02546): principal components, without any prompt.

Of a StyleGAN they are those of w: with V the eigenvectors of the covariance of w, by descending
eigenvalue, an edit is w + x·v_k, on all rows or only on some (the paper's E(v_k, i-j)).

Of a generator that has only z, they are those of its first features y: each sample j has the
coordinates x_j = Vᵀ (y_j − mean y), and the direction of z that goes with component k is

    u_k = argmin Σ_j |z_j − x_jk u_k|² = Σ_j x_jk z_j / Σ_j x_jk²
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.cache import cached_directions
from eclipsed.directions import Direction
from eclipsed.generators.spaces import best_space
from eclipsed.methods import components
from eclipsed.methods.method import described, key_of_method
from eclipsed.search.settings import check_settings, setting
from eclipsed.types import Generator, Goal, World

_CHUNK = 8_192


@dataclass(frozen=True, kw_only=True)
class GanSpaceConfig:
    """Raises BadSetting for a value out of range."""

    # How many components, as far as latents have so many numbers.
    count: int = setting(20, 1)
    # The layers of W+ that they move; None gives each on all, the coarse, the middle and the fine.
    layers: tuple[int, ...] | None = None
    # Of w.
    samples: int = setting(100_000, 2)
    # Of z, where features have to be computed.
    feature_samples: int = setting(1_024, 2)
    # Of the samples.
    seed: int = setting(0, 0, 2**32 - 1)

    def __post_init__(self) -> None:
        check_settings(self)


@dataclass(frozen=True, eq=False)
class Components:
    """rows [K, W]: a component each, the widest first. variances [K]: as fractions of the sum."""

    rows: Tensor
    variances: Tensor


def find(
    world: World,
    goal: Goal,  # noqa: ARG001 - nothing of it is read
    config: GanSpaceConfig,
) -> list[Direction]:
    """Every component on every set of rows, the first component first.

    Raises UnknownName for a row that the generator lacks.
    """
    generator = world.generator
    sets = components.choices(generator, config.layers)

    def compute() -> list[Direction]:
        of_w = best_space(generator) == "w+"
        result = (components_of_w if of_w else components_of_z)(generator, config)
        pairs = zip(result.rows, result.variances.tolist(), strict=True)
        return [
            components.component_direction(
                world, row, number, rows, config, method="ganspace", variance=variance
            )
            for number, (row, variance) in enumerate(pairs, start=1)
            for rows in sets
        ]

    return cached_directions(key_of_method(world, "ganspace", config), compute)


def _noise(generator: Generator, seed: int, count: int) -> Float[Tensor, "n z"]:
    z = np.random.RandomState(seed).randn(count, generator.z_dim)
    return torch.from_numpy(z).float().to(generator.device)


@torch.no_grad()
def components_of_w(generator: Generator, config: GanSpaceConfig) -> Components:
    """The principal components of w."""
    chunks = _noise(generator, config.seed, config.samples).split(_CHUNK)
    w = torch.cat([generator.from_z(z, truncation=1.0, space="w") for z in chunks])
    around = (w - w.mean(dim=0)).double()
    values, vectors = torch.linalg.eigh(around.T @ around)
    order = values.argsort(descending=True)[: config.count]
    return Components(components.oriented(vectors.T[order].float()), values[order] / values.sum())


@torch.no_grad()
def components_of_z(generator: Generator, config: GanSpaceConfig) -> Components:
    """The directions of z that go with the principal components of the first features."""
    z = _noise(generator, config.seed, config.feature_samples)
    features = components.features_at(generator, z, components.first_feature(generator))
    around = features - features.mean(dim=0)
    # There are more features than samples, so the small matrix of the two that have the same
    # eigenvalues is taken. Its eigenvectors are the coordinates x of the samples, of length 1.
    values, coordinates = torch.linalg.eigh((around @ around.T).double())
    order = values.argsort(descending=True)[: config.count]
    rows = coordinates.T[order].float() @ z
    return Components(components.oriented(rows), values[order] / values.sum())


GANSPACE = described("ganspace", GanSpaceConfig, find)
