"""From a photo's crop to a latent of the generator: inversion.

    encoder     the world's inverter, at a glance
    optimise    from there, or from the mean, by gradient descent near the generator's own latents
    tune        the generator is then bent a little, so that the latent shows this very photo

This module knows images and latents; what a photo is, and how it is cut and pasted, it does not.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal, get_args

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from eclipsed.editing.photos import tuning
from eclipsed.editing.photos.descent import Descent, Losses, OnStep, Stop, descend
from eclipsed.editing.photos.latent_file import Inversion
from eclipsed.editing.photos.statistics import (
    Statistics,
    distance_of_images,
    statistics_of,
)
from eclipsed.errors import BadSetting
from eclipsed.files import StrPath, make_folder, sha256_of
from eclipsed.generators.spaces import best_space
from eclipsed.text import finite
from eclipsed.types import Generator, Synthesis, World

Method = Literal["encoder", "optimise", "tune"]
METHODS: tuple[Method, ...] = get_args(Method)
VERSION = 1  # to be raised when the same config comes to mean another inversion

_MOST_STEPS, _MOST_WEIGHT = 10_000, 1_000  # of a config
_SCALES = 4  # of the pixels' loss: the image, and halves of it
_COLOUR = 4.0  # how much more the coarsest scale counts
_HEAVIEST, _LIGHTEST = 4.0, 0.5  # of a pixel, by how small its region is


@dataclass(frozen=True)
class InvertConfig:
    """How a photo is inverted.

    method: one of METHODS.
    steps, rate: of the latent, in units of the deviations of the generator's own latents.
    features: weight of the distance between embeddings by the world's encoder.
    prior: weight of how unlike the generator's own latents this one is. rows: weight of how unlike
    each other its rows are, which directions then treat alike.
    tune_steps, tune_rate, rank: of the change of the generator's weights (see `tuning`).

    Raises BadSetting for an unknown method or a number out of range.
    """

    method: str = "optimise"
    steps: int = 80
    rate: float = 0.1
    features: float = 0.2
    prior: float = 0.05
    rows: float = 0.02
    tune_steps: int = 60
    tune_rate: float = 0.01
    rank: int = 8

    def __post_init__(self) -> None:
        if self.method not in METHODS:
            raise BadSetting(
                f"There is no way to invert called {self.method!r}.",
                f"Choose one of {', '.join(METHODS)}.",
            )
        for each in fields(self):
            value = getattr(self, each.name)
            low, most = (1, _MOST_STEPS) if each.type == "int" else (0, _MOST_WEIGHT)
            if each.name != "method" and not low <= finite(value, f"'{each.name}'") <= most:
                raise BadSetting(f"'{each.name}' must be from {low} to {most}, not {value!r}.")
        if not (self.rate and self.tune_rate):
            raise BadSetting("With a rate of 0 nothing moves.")


def invert(
    world: World | Generator,
    image: Float[Tensor, "n 3 h w"],
    config: InvertConfig | None = None,
    on_step: OnStep | None = None,
    stop: Stop | None = None,
    *,
    work: StrPath | None = None,
) -> Inversion:
    """The latent that shows an image, which is [1, 3, H, W] in [-1, 1].

    world: or a generator alone, which is then inverted by pixels only. on_step: called with a
    `Progress` after every step. stop: asked before every step; true ends the descent, and what it
    reached is the result. work: a folder for the state of a descent, from which the same call goes
    on if it was cut short.

    Raises BadSetting for an image of another shape, a method that this world lacks, and a
    generator that is tuned already.
    """
    config = config or InvertConfig()
    method = config.method
    if method == "encoder" and not (isinstance(world, World) and world.inverter is not None):
        raise BadSetting("There is no inverter in this world.", "Choose --method optimise.")
    began = time.monotonic()
    scene = _scene_of(world, image)
    identity = identity_of(world, image, config)
    keep = None
    if work is not None:
        make_folder(Path(work))
        keep = Path(work), identity
    latent = scene.start
    losses: list[Mapping[str, Any]] = []
    factors: dict[str, Tensor] = {}
    run = partial(_run, on_step=on_step, stop=stop, keep=keep, losses=losses)
    if method != "encoder":
        whitened = run("optimise", _optimising(scene, latent, config))["whitened"]
        latent = scene.statistics.latents(whitened)
    if method == "tune":
        factors = run("tune", _tuning(scene, latent, config))
    seconds = time.monotonic() - began
    scores, error = _measured(scene, latent, factors)
    return Inversion(
        latent=latent.cpu(),
        space=scene.statistics.space,
        method=method,
        config=asdict(config),
        generator_name=scene.generator.name,
        generator_fingerprint=scene.generator.fingerprint,
        error=error,
        scores=scores,
        notes=_notes(scores),
        losses=tuple(losses),
        factors={name: value.half().cpu() for name, value in factors.items()},
        seconds=round(seconds, 2),
    )


def identity_of(
    world: World | Generator, image: Float[Tensor, "1 3 h w"], config: InvertConfig
) -> str:
    """SHA-256 over everything that decides an inversion."""
    if isinstance(world, World):
        networks = (world.generator, world.encoder, world.segmenter)
        prints = [network.fingerprint for network in networks]
        prints += [] if world.inverter is None else [world.inverter().fingerprint]
    else:
        prints = [world.fingerprint]
    facts = [VERSION, asdict(config), prints, sha256_of(image.float()), torch.__version__]
    return hashlib.sha256(json.dumps(facts).encode()).hexdigest()


def _run(
    stage: str,
    descent: Descent,
    *,
    on_step: OnStep | None,
    stop: Stop | None,
    keep: tuple[Path, str] | None,
    losses: list[Mapping[str, Any]],
) -> dict[str, Tensor]:
    kept = None if keep is None else (keep[0] / f"{keep[1][:16]}-{stage}.safetensors", keep[1])
    tensors, values = descend(descent, stage, on_step, stop, kept)
    losses += [{"stage": stage, **value} for value in values]
    return tensors


# --- what is looked at --------------------------------------------------------------------------


@dataclass(frozen=True, eq=False)
class _Scene:
    """An image to invert, and what its losses read.

    embedding: of the image, where there is an encoder. ordinary: how far apart two of the
    generator's own images lie in embeddings. start: the latent to begin with.
    """

    generator: Generator
    world: World | None
    image: Tensor
    embedding: Tensor | None
    ordinary: float
    statistics: Statistics
    start: Tensor

    @cached_property
    def weights(self) -> Float[Tensor, "h w"]:
        """Of the pixels; a descent alone needs them, and a segmentation for each region."""
        return _pixel_weights(self.world, self.image)


@torch.no_grad()
def _scene_of(world: World | Generator, image: Tensor) -> _Scene:
    own, generator = (world, world.generator) if isinstance(world, World) else (None, world)
    image = _fitting(image, generator)
    statistics = statistics_of(generator, best_space(generator))
    latent = None
    if own is not None and own.inverter is not None:
        latent = own.inverter().latents(image)
    mean = statistics.mean.repeat(statistics.rows)[None]
    return _Scene(
        generator=generator,
        world=own,
        image=image,
        embedding=None if own is None else own.encoder.encode_image(image),
        ordinary=1.0 if own is None else distance_of_images(own),
        statistics=statistics,
        start=mean if latent is None else latent,
    )


def _fitting(image: Tensor, generator: Generator) -> Tensor:
    shape = list(image.shape)
    height, width = getattr(generator, "size", (generator.resolution,) * 2)
    if len(shape) != 4 or shape[:2] != [1, 3]:
        raise BadSetting(
            f"A photo's crop has the shape [1, 3, H, W], not {shape}.", "Take one image in [-1, 1]."
        )
    image = image.to(generator.device, torch.float32).clamp(-1.0, 1.0)
    if image.shape[-2:] == (height, width):
        return image
    return F.interpolate(image, (height, width), mode="bilinear", antialias=True)


@torch.no_grad()
def _pixel_weights(world: World | None, image: Tensor) -> Float[Tensor, "h w"]:
    """More for the pixels of small regions, which would else be forgotten: a mouth, the eyes."""
    ones = torch.ones_like(image[0, 0])
    # A segmenter that reads the generator's features cannot read a photo.
    if world is None or world.segmenter.feature_names or not world.segmenter.regions:
        return ones
    regions, total = world.segmenter.regions, ones.numel()
    weights = ones.clone()
    for region in regions:
        mask = world.segmenter.masks(Synthesis(image), (region,))[0]
        area = float(mask.sum())
        if area:
            weight = (total / len(regions) / area) ** 0.5
            weight = min(max(weight, _LIGHTEST), _HEAVIEST)
            weights = torch.where(mask > 0.5, weight, weights)
    return weights / weights.mean()


# --- losses -------------------------------------------------------------------------------------


def _picture_losses(scene: _Scene, image: Tensor, config: InvertConfig) -> dict[str, Tensor]:
    """pixels: weighted differences at several scales. features: of the embeddings."""
    error, weights = image - scene.image, scene.weights[None, None]
    pixels = (error.abs() * weights).mean()
    for scale in range(1, _SCALES):
        coarse = F.avg_pool2d(error, 2**scale)
        factor = _COLOUR if scale == _SCALES - 1 else 1.0
        pixels = pixels + factor * coarse.abs().mean()
    losses = {"pixels": pixels}
    if scene.world is not None and scene.embedding is not None and config.features:
        embedding = scene.world.encoder.encode_image(image.clamp(-1.0, 1.0))
        losses["features"] = (1.0 - (embedding * scene.embedding).sum()) / scene.ordinary
    return losses


def _optimising(scene: _Scene, latent: Tensor, config: InvertConfig) -> Descent:
    """The descent of the latent, in units of the deviations of the generator's own."""
    statistics = scene.statistics

    def loss(tensors: Mapping[str, Tensor]) -> tuple[Losses, Tensor]:
        whitened = tensors["whitened"]
        latents = statistics.latents(whitened)
        image = scene.generator.synthesize(latents, statistics.space).image
        losses = _picture_losses(scene, image, config)
        losses["prior"] = whitened.square().mean()
        losses["rows"] = (whitened - whitened.mean(dim=1, keepdim=True)).square().mean()
        total = losses["pixels"] + config.prior * losses["prior"] + config.rows * losses["rows"]
        losses["total"] = total + config.features * losses.get("features", torch.zeros(()))
        return losses, image

    return Descent({"whitened": statistics.whitened(latent)}, loss, config.steps, config.rate)


def _tuning(scene: _Scene, latent: Tensor, config: InvertConfig) -> Descent:
    """The descent of what the weights change by; the latent stays."""
    space = scene.statistics.space

    def loss(factors: Mapping[str, Tensor]) -> tuple[Losses, Tensor]:
        image = tuning.drawn(scene.generator, factors, latent, space)
        losses = _picture_losses(scene, image, config)
        losses["total"] = losses["pixels"] + config.features * losses.get(
            "features", torch.zeros(())
        )
        return losses, image

    start = tuning.first_factors(scene.generator, config.rank)
    return Descent(start, loss, config.tune_steps, config.tune_rate)


# --- what came of it ----------------------------------------------------------------------------


@torch.no_grad()
def _measured(
    scene: _Scene, latent: Tensor, factors: Mapping[str, Tensor]
) -> tuple[dict[str, float], Tensor]:
    """The scores and the error of an inversion, as `Inversion` has them."""
    # As it will be read again from a file.
    rounded = {name: value.half().float() for name, value in factors.items()}
    generator = tuning.tuned(scene.generator, rounded)
    image = generator.synthesize(latent, scene.statistics.space).image.clamp(-1.0, 1.0)
    error = image - scene.image
    psnr = -10.0 * (error.square().mean() / 4.0).clamp_min(1e-10).log10()
    scores = {
        "psnr": round(float(psnr), 2),
        "latent_distance": round(float(scene.statistics.distance(latent)[0]), 3),
    }
    if scene.world is not None and scene.embedding is not None:
        embedding = scene.world.encoder.encode_image(image)
        distance = (1.0 - float((embedding * scene.embedding).sum())) / scene.ordinary
        scores["feature_distance"] = round(max(0.0, distance), 3)
    return scores, error.abs().mean(dim=1)[0].cpu()


# Beyond these an inversion is warned of: distances as the scores have them, and PSNR in dB, of
# which encoders of faces give 18 to 20.
_FAR_LATENT, _FAR_FEATURES, _FAR_PIXELS = 1.5, 0.5, 14.0


def _notes(scores: Mapping[str, float]) -> tuple[str, ...]:
    notes = []
    if scores.get("feature_distance", 0.0) > _FAR_FEATURES or scores["psnr"] < _FAR_PIXELS:
        notes.append(
            "The inversion shows something else than the photo, which is perhaps not of what this "
            "generator makes: edits will not fit it."
        )
    if scores["latent_distance"] > _FAR_LATENT:
        notes.append(
            f"The photo's latent lies {scores['latent_distance']:.1f} times as far out as the "
            "generator's own: directions may do other things there."
        )
    return tuple(notes)
