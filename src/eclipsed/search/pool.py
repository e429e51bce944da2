"""The images that a training uses again and again: sampled, encoded and masked once.

A pool holds the seeds that are ranked by how well their images answer a prompt; originals are a few
of them with everything that a step would otherwise compute anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor

from eclipsed.cache import Key, Network, cached_tensors, key_of, remembered
from eclipsed.editing.masks import region_masks
from eclipsed.generators.memory import in_parts, joined
from eclipsed.prompts.goals import encoded
from eclipsed.search.coarse import Coarse, coarse_of
from eclipsed.types import Generator, Goal, Space, Synthesis, World

_VERSION = 2  # to be raised when what a pool holds of the same seeds changes
BATCH = 16
CHUNK = 128  # seeds whose images are kept together
# The seeds that are sampled; scores and users count from 0, method paper from 54321.
FIRST_SEED = 20_000_000
SEEDS = range(FIRST_SEED, FIRST_SEED + 1_024)
THUMBNAIL = 32  # pixels each way, at most
_LEVELS = 127.5  # of a thumbnail's 8 bits, for a change of 1
# From a seed to the one that it is mixed with.
_OTHERS = 1_000_000_000


@dataclass(frozen=True, eq=False)
class View:
    """What turns latents into images and embeddings: a world, the latents' space, the truncation
    (which matters for z only), and whether the networks may count in bfloat16.

    balance: [E, E], what embeddings are multiplied by (`search.balance`), or None. coarse: how
    images are looked at from afar, or None for whole ones.
    """

    world: World
    space: Space = "w+"
    truncation: float = 1.0
    half: bool = False
    balance: Tensor | None = None
    coarse: Coarse | None = None

    def weighed(self, embeddings: Float[Tensor, "*n e"]) -> Float[Tensor, "*n e"]:
        """Embeddings, or differences of them, balanced."""
        return embeddings if self.balance is None else embeddings @ self.balance.to(embeddings)

    def key(self, kind: str, version: int, networks: Sequence[Network], *facts: Any) -> Key:
        """The key of what these networks under this view and the facts decide (`cache.key_of`)."""
        # Whole images keep the keys that came with worlds.
        afar = [] if self.coarse is None else [self.coarse.resolution]
        return key_of(
            self.world, kind, version, networks, self.truncation, self.half, [*facts, *afar]
        )


@dataclass(frozen=True, eq=False)
class Pool:
    """latents [P, D] of one space; embeddings [P, E], thumbnails [P, 3, t, t] of their images."""

    latents: Tensor
    embeddings: Tensor
    thumbnails: Tensor

    def take(self, rows: Int[Tensor, " b"]) -> Pool:
        """These rows only."""
        return Pool(self.latents[rows], self.embeddings[rows], self.thumbnails[rows])


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


def fast_bfloat16(device: torch.device) -> bool:
    """Whether this device computes in bfloat16 faster than in float32."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    # Older versions of torch cannot tell; float32 is always right.
    if device.type != "cpu" or not hasattr(torch.cpu, "get_capabilities"):
        return False
    features = torch.cpu.get_capabilities()
    return bool(features.get("avx512_bf16") or features.get("amx_bf16"))


def view_of(world: World, space: Space) -> View:
    """A world at its own truncation, in bfloat16 where the hardware is fast at it, and from as far
    as its encoder is."""
    half, coarse = fast_bfloat16(world.generator.device), coarse_of(world)
    return View(world, space, world.truncation, half, coarse=coarse)


def _counting(view: View) -> torch.autocast:
    kind = view.world.generator.device.type
    return torch.autocast(kind, dtype=torch.bfloat16, enabled=view.half)


def picture(
    view: View, latents: Float[Tensor, "n d"], features: Sequence[str] = ()
) -> tuple[Synthesis, Float[Tensor, "n e"]]:
    """The synthesis of latents, and the embeddings of its images as shown.

    That is clamped: colours that no picture can hold must not count. All in float32. The features
    that the world's segmenter reads are there as well.
    """
    parts = in_parts(partial(_pictured, view, features=features), latents)
    syntheses, embeddings = zip(*parts, strict=True)
    return joined(syntheses), torch.cat(embeddings)


def seen(view: View, latents: Float[Tensor, "n d"], features: Sequence[str] = ()) -> Synthesis:
    """The synthesis of latents, in float32; the encoder is not asked."""
    return joined(in_parts(partial(_seen, view, features=features), latents))


def _pictured(
    view: View, latents: Tensor, *, features: Sequence[str]
) -> tuple[Synthesis, Float[Tensor, "n e"]]:
    synthesis = _seen(view, latents, features=features)
    with _counting(view):
        embeddings = view.world.encoder.encode_image(synthesis.image.clamp(-1.0, 1.0))
    return synthesis, view.weighed(embeddings.float())


def _seen(view: View, latents: Tensor, *, features: Sequence[str]) -> Synthesis:
    wanted = tuple(dict.fromkeys([*features, *view.world.segmenter.feature_names]))
    with _counting(view):
        how = latents, view.space, wanted, view.truncation
        if view.coarse is None:
            synthesis = _whole(view.world.generator, *how)
        else:
            synthesis = view.coarse.synthesis(view.world.generator, *how)
    in_float32 = {name: value.float() for name, value in synthesis.features.items()}
    return Synthesis(synthesis.image.float(), in_float32)


def _whole(
    generator: Generator, latents: Tensor, space: Space, features: Sequence[str], truncation: float
) -> Synthesis:
    return generator.synthesize(latents, space=space, features=features, truncation=truncation)


@torch.no_grad()
def text_direction(view: View, goal: Goal) -> Float[Tensor, " e"]:
    """The unit vector from the neutral text's embedding to the prompt's."""
    prompt, neutral = encoded(view.world.encoder, goal)
    return F.normalize(view.weighed(prompt - neutral), dim=0)


def spaced(count: int, wanted: int) -> list[int]:
    """At most `wanted` different numbers below `count`, evenly spread."""
    wanted = min(count, wanted)
    return [index * count // wanted for index in range(wanted)]


@torch.no_grad()
def masks_of(view: View, goal: Goal, synthesis: Synthesis) -> Float[Tensor, "n h w"]:
    """The goal's regions in a synthesis; everywhere 1 where it has none."""
    if not goal.regions:
        return torch.ones_like(synthesis.image[:, 0])
    with _counting(view):
        return region_masks(synthesis, view.world.segmenter, goal.regions).float()


def shrink(images: Float[Tensor, "n c h w"]) -> Float[Tensor, "n c t t"]:
    """Images or masks at the size of thumbnails, averaged."""
    return F.adaptive_avg_pool2d(images, min(THUMBNAIL, images.shape[2]))


def sample_mixed(view: View, seeds: Sequence[int]) -> Float[Tensor, "n d"]:
    """Latents of seeds whose layers, from a random one on, are those of another seed.

    StyleGAN's style mixing (arXiv:1812.04948, section 3.1): only where layers differ can a
    regression tell which of them decides what. Z and W have one layer, and nothing to mix.
    """
    generator, space = view.world.generator, view.space
    if space in ("z", "w"):
        return generator.sample(seeds, truncation=view.truncation, space=space)
    others = [seed + _OTHERS for seed in seeds]
    first, second = (
        generator.sample(each, truncation=view.truncation, space="w+") for each in (seeds, others)
    )
    widths = [layer.width for layer in generator.layers("w+")]
    layer = torch.repeat_interleave(torch.arange(len(widths)), torch.tensor(widths))
    cuts = [np.random.default_rng(seed).integers(1, max(2, len(widths))) for seed in seeds]
    late = layer[None] >= torch.tensor(np.array(cuts))[:, None]
    mixed = torch.where(late.to(first.device), second, first)
    return mixed if space == "w+" else generator.convert(mixed, "w+", space)


@torch.no_grad()
def build_pool(view: View, seeds: Sequence[int], *, mixed: bool = False) -> Pool:
    """Sample and encode the seeds; mixed: as `sample_mixed` does.

    What the seeds look like does not depend on the prompt, so embeddings and thumbnails are cached,
    and the whole is remembered.
    """
    facts = list(seeds), mixed, view.space, view.balance is not None
    key = view.key("pool", _VERSION, ("generator", "encoder"), *facts)
    return remembered(key, lambda: _built(view, seeds, mixed))


def _built(view: View, seeds: Sequence[int], mixed: bool) -> Pool:
    if mixed:
        latents = sample_mixed(view, seeds)
    else:
        latents = view.world.generator.sample(seeds, truncation=view.truncation, space=view.space)

    tensors = _looked(view, seeds, latents, mixed=mixed and view.space not in ("z", "w"))
    embeddings, levels = (tensors[name].to(latents) for name in ("embeddings", "thumbnails"))
    return Pool(latents, view.weighed(embeddings), levels / _LEVELS - 1.0)


def _looked(
    view: View, seeds: Sequence[int], latents: Float[Tensor, "n d"], *, mixed: bool
) -> dict[str, Tensor]:
    """Embeddings, not weighed, and thumbnails in 8 bits, cached a few seeds at a time, so that more
    seeds cost no more than they have to. Truncation of z pulls w, so every space shows the same
    images of a seed."""

    def compute(rows: Tensor) -> dict[str, Tensor]:
        parts, plain = [], replace(view, balance=None)
        for few in rows.split(BATCH):
            synthesis, embeddings = picture(plain, few)
            parts.append((embeddings, shrink(synthesis.image.clamp(-1.0, 1.0))))
        embeddings, thumbnails = (torch.cat(part) for part in zip(*parts, strict=True))
        # A quarter of the bytes, which is what a world's own pool can be shipped with.
        levels = ((thumbnails + 1.0) * _LEVELS).round().to(torch.uint8)
        return {"embeddings": embeddings, "thumbnails": levels}

    whole = _images_key(view, seeds, mixed=mixed)
    if whole.known:
        return cached_tensors(whole, lambda: compute(latents))
    some = []
    for at in range(0, len(seeds), CHUNK):
        key = _images_key(view, seeds[at : at + CHUNK], mixed=mixed)
        some.append(cached_tensors(key, partial(compute, latents[at : at + CHUNK])))
    return {name: torch.cat([one[name] for one in some]) for name in some[0]}


def _images_key(view: View, seeds: Sequence[int], *, mixed: bool) -> Key:
    return view.key("pools", _VERSION, ("generator", "encoder"), list(seeds), mixed)


def comes_along(view: View, seeds: Sequence[int], *, mixed: bool) -> bool:
    """Whether a world brings along what the images of these seeds look like."""
    shipped = _images_key(view, seeds, mixed=mixed and view.space not in ("z", "w")).shipped
    return shipped is not None and shipped.is_file()


@torch.no_grad()
def look_at(
    view: View,
    goal: Goal,
    latents: Float[Tensor, "m d"],
    features: Sequence[str] = (),
    embeddings: Float[Tensor, "m e"] | None = None,
) -> Originals:
    """Everything about the images of these latents that training needs; embeddings: if known."""
    numbers = torch.arange(len(latents))

    def looked(few: Tensor) -> tuple[Tensor, ...]:
        rows = latents[few.to(latents.device)]
        if embeddings is None:
            synthesis, codes = picture(view, rows, features)
        else:
            synthesis, codes = seen(view, rows, features), embeddings[few.to(embeddings.device)]
        masks = masks_of(view, goal, synthesis)
        return codes, synthesis.image, masks, *(synthesis.features[name] for name in features)

    known, images, masks, *maps = map(
        torch.cat, zip(*in_parts(looked, numbers, BATCH), strict=True)
    )
    return Originals(latents, known, images, masks, dict(zip(features, maps, strict=True)))


@torch.no_grad()
def features_between(generator: Generator, smallest: int, largest: int) -> tuple[str, ...]:
    """Names of the features whose height lies between the two sizes, ends included."""
    names = generator.feature_names
    z = generator.sample([0], space="z")
    maps = generator.synthesize(z, space="z", features=names).features
    return tuple(name for name in names[1:] if smallest <= maps[name].shape[2] <= largest)
