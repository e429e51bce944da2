"""How far a latent lies from those of the generator's own images, in W or in whatever it has.

What lies far is drawn badly, and directions do other things there than they were trained for.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.cache import Key, cached_tensors, remembered
from eclipsed.types import Generator, Space, World

COUNT, SEED = 4096, 11_000_000  # of z; any seed will do, but always the same
_FLOOR = 0.02  # of the mean variance: directions in which no seed moves count no further
VERSION = 1  # to be raised when what is measured, or how, changes
_PAIRS = range(11_500_000, 11_500_016)  # seeds whose images are compared
FAR = 0.99  # the quantile of the seeds' own distances that is far


@dataclass(frozen=True, eq=False)
class Statistics:
    """Of one row of a space: mean [d], the axes [d, d] along which seeds vary, their deviations
    [d], and the distance `far` beyond which one in a hundred of the seeds lies. rows: of a latent.
    """

    space: Space
    rows: int
    mean: Tensor
    axes: Tensor
    deviations: Tensor
    far: float

    def whitened(self, latents: Float[Tensor, "n d"]) -> Float[Tensor, "n rows w"]:
        """Rows in units of the seeds' deviations, which are 0 ± 1 for the seeds themselves."""
        rows = latents.unflatten(1, (self.rows, -1)) - self.mean
        whitened: Tensor = (rows @ self.axes) / self.deviations
        return whitened

    def latents(self, whitened: Float[Tensor, "n rows w"]) -> Float[Tensor, "n d"]:
        """What `whitened` was made of."""
        rows: Tensor = (whitened * self.deviations) @ self.axes.t() + self.mean
        return rows.flatten(1)

    def distance(self, latents: Float[Tensor, "n d"]) -> Float[Tensor, " n"]:
        """How far latents lie, in units of `far`: below 1 lie 99 of 100 seeds."""
        squares = self.whitened(latents).square().sum(dim=2).mean(dim=1)
        distances: Tensor = squares.sqrt() / self.far
        return distances


def statistics_of(generator: Generator, space: Space) -> Statistics:
    """Measured on fixed noise, once for a generator; of W+ the rows are those of W."""
    own: Space = "w" if space == "w+" else space
    key = _key("statistics", generator.fingerprint, own)
    tensors = remembered(key, lambda: cached_tensors(key, lambda: _measured(generator, own)))
    mean, axes, deviations = (
        tensors[name].to(generator.device) for name in ("mean", "axes", "deviations")
    )
    rows = len(generator.layers(space)) if space == "w+" else 1
    return Statistics(space, rows, mean, axes, deviations, float(tensors["far"]))


@torch.no_grad()
def _measured(generator: Generator, space: Space) -> dict[str, Tensor]:
    # One stream of noise for all: a stream for each would take most of the time.
    z = np.random.RandomState(SEED).randn(COUNT, generator.z_dim).astype(np.float32)
    latents = generator.from_z(torch.from_numpy(z).to(generator.device), space=space)
    mean = latents.mean(dim=0)
    around = (latents - mean).double()
    values, axes = torch.linalg.eigh(around.t() @ around / len(around))
    deviations = values.clamp_min(_FLOOR * float(values.mean())).sqrt().float()
    axes = axes.float()
    lengths = ((latents - mean) @ axes / deviations).norm(dim=1)
    far = lengths.quantile(FAR)
    return {"mean": mean, "axes": axes, "deviations": deviations, "far": far}


def distance_of_images(world: World) -> float:
    """The median distance between the embeddings of any two of the generator's images."""
    networks = (world.generator.fingerprint, world.encoder.fingerprint)
    key = _key("unlike", *networks, world.truncation)
    tensors = remembered(key, lambda: cached_tensors(key, lambda: _unlike(world)))
    return float(tensors["median"])


@torch.no_grad()
def _unlike(world: World) -> dict[str, Tensor]:
    latents = world.generator.sample(list(_PAIRS), truncation=world.truncation, space="z")
    embeddings = []
    for part in latents.split(4):
        image = world.generator.synthesize(part, "z", truncation=world.truncation).image
        embeddings.append(world.encoder.encode_image(image.clamp(-1.0, 1.0)))
    codes = torch.cat(embeddings)
    pairs = torch.triu_indices(len(codes), len(codes), 1)
    distances = (1.0 - codes @ codes.t())[pairs[0], pairs[1]]
    return {"median": distances.median().clamp_min(1e-6)}


def _key(kind: str, *facts: object) -> Key:
    digest = hashlib.sha256(json.dumps([VERSION, torch.__version__, *facts]).encode())
    return Key(kind, digest.hexdigest())
