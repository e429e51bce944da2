"""The first features of a generator that depend on its latent, for generators that have only z."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.errors import EclipsedError
from eclipsed.types import Generator

BATCH = 16
# Far out, the bias of the first layer no longer matters.
_FAR = 1e3


def first_feature(generator: Generator) -> str:
    """The name of the first feature that is not the same for every z.

    Raises EclipsedError where there is none.
    """
    z = generator.sample([0, 1], space="z")
    for name in generator.feature_names:
        one, other = _flat(generator, z, name)
        if not torch.equal(one, other):
            return name
    raise EclipsedError(f"No feature of the generator '{generator.name}' depends on its latent.")


@torch.no_grad()
def features_at(generator: Generator, z: Float[Tensor, "n z"], name: str) -> Float[Tensor, "n f"]:
    """One feature of many z, flat."""
    return torch.cat([_flat(generator, part, name) for part in z.split(BATCH)])


@torch.no_grad()
def first_weights(generator: Generator) -> Float[Tensor, "f z"]:
    """The matrix that makes the first features of z, each row up to a factor.

    Read off features far out on every axis, on both sides: that way a ReLU behind it does no harm,
    each row is halved by one.
    """
    name = first_feature(generator)
    out = _FAR * torch.eye(generator.z_dim, device=generator.device)
    columns = features_at(generator, out, name) - features_at(generator, -out, name)
    return columns.T / (2.0 * _FAR)


@torch.no_grad()
def _flat(generator: Generator, z: Tensor, name: str) -> Tensor:
    made = generator.synthesize(z, space="z", features=[name], truncation=1.0)
    return made.features[name].flatten(1).float()
