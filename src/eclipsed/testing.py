"""A world small enough to know by heart, for tests of methods and plugins.

    world = eclipsed.testing.fake_world()
    (direction,) = my_method(world, Goal("a hat", "a person", ("hat",)), MyConfig())

A linear 32×32 generator, an encoder, a segmenter and a judge, each behind its Protocol of
`eclipsed.types`. The image holds four patches, one per layer of W+: hair, eyes, mouth, ground.
Layer r of W+ changes patch r only: numbers 0-2 are its colour (red, green, blue), number 3 its
stripes (on the hair patch: a hat), the rest fixed noise. So the effect of a vector is known without
looking. Everything is deterministic, on the CPU, differentiable, and takes microseconds.

Prompts that the encoder and the judge understand: "bright X" and "dark X" for X in hair, eyes,
mouth; "a hat". Other words move the encoder a little, and the judge makes no claim about them.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional as F

from eclipsed.errors import BadSetting, UnknownName
from eclipsed.generators.seeds import seeded_z
from eclipsed.generators.spaces import best_space, check_conversion, check_space, layer_spread
from eclipsed.text import listed
from eclipsed.types import (
    SPACES,
    Claim,
    Encoder,
    Judge,
    Layer,
    Noise,
    Precision,
    Segmenter,
    Space,
    Synthesis,
    Verdict,
    World,
)

RESOLUTION = 32
W_DIM = 8
# Patch → its rows and columns of pixels, in the order of W+'s layers.
PATCHES: dict[str, tuple[slice, slice]] = {
    "hair": (slice(0, 8), slice(6, 26)),
    "eyes": (slice(11, 16), slice(8, 24)),
    "mouth": (slice(20, 25), slice(10, 22)),
    "ground": (slice(27, 32), slice(0, 32)),
}
ROWS = len(PATCHES)
# Layers of S cut the same 32 numbers differently, so that nothing can assume equal widths.
S_WIDTHS = (8, 3, 5, 8, 8)
VOCABULARY: dict[str, tuple[str, ...]] = {
    "background": ("background", "backdrop"),
    "skin": ("skin", "face"),
    "hair": ("hair", "hairstyle"),
    "eyes": ("eyes", "gaze"),
    "mouth": ("mouth", "smile", "lips"),
    "hat": ("hat", "cap"),
}
REGIONS = tuple(VOCABULARY)
# What the judge tells apart, and where.
_COLOURS, _COLOURED = ("dark", "bright"), ("hair", "eyes", "mouth")


def patch_mask(name: str) -> Float[Tensor, "32 32"]:
    """1 inside the patch, 0 outside."""
    mask = torch.zeros(RESOLUTION, RESOLUTION)
    mask[PATCHES[name]] = 1.0
    return mask


def patch_vector(name: str, *, stripes: bool = False) -> Float[Tensor, 32]:
    """A vector of W+ that brightens one patch by 0.8, or stripes it by 0.6."""
    vector = torch.zeros(ROWS, W_DIM)
    vector[list(PATCHES).index(name), slice(3, 4) if stripes else slice(0, 3)] = 2.0
    return vector.flatten()


def brightness(images: Float[Tensor, "n 3 32 32"], patch: str) -> Float[Tensor, " n"]:
    """Mean value of each image inside the patch."""
    mask = patch_mask(patch)
    return (images * mask).sum(dim=(1, 2, 3)) / (3.0 * mask.sum())


def hat_strength(images: Float[Tensor, "n 3 32 32"]) -> Float[Tensor, " n"]:
    """How strongly the hair patch is striped; above 0.3 counts as a hat."""
    return brightness(images * _stripes(), "hair")


def _stripes() -> Tensor:
    """[32, 32] of ±1 that changes sign every second row."""
    rows = torch.arange(RESOLUTION) // 2 % 2
    return (1.0 - 2.0 * rows)[:, None].expand(RESOLUTION, RESOLUTION)


def _basis() -> Tensor:
    """[ROWS, W_DIM, 3, 32, 32]: what each number of W+ adds to the image."""
    random = torch.Generator().manual_seed(7)
    basis = torch.zeros(ROWS, W_DIM, 3, RESOLUTION, RESOLUTION)
    for row, name in enumerate(PATCHES):
        mask = patch_mask(name)
        for colour in range(3):
            basis[row, colour, colour] = 0.4 * mask
        basis[row, 3] = 0.3 * mask * _stripes()
        for k in range(4, W_DIM):
            noise = torch.randn(3, RESOLUTION, RESOLUTION, generator=random)
            basis[row, k] = 0.03 * mask * noise
    return basis


@dataclass(frozen=True)
class FakeGenerator:
    """A linear map from W+ [N, 4·8] to images [N, 3, 32, 32].

    Features: `layer_0` is constant; `layer_{r+1}` is patch r's part of the image, at 4, 8, 16 and
    32 px. With spaces=("z",) the same images come from z alone, as of a BigGAN or DCGAN.
    """

    name: str = "fake"
    fingerprint: str = "f" * 64
    resolution: int = RESOLUTION
    z_dim: int = W_DIM
    feature_names: tuple[str, ...] = tuple(f"layer_{i}" for i in range(ROWS + 1))
    basis: Tensor = field(default_factory=_basis, repr=False, compare=False)
    label: Tensor | None = None
    precision: Precision = "float32"
    spaces: tuple[Space, ...] = SPACES

    @property
    def device(self) -> torch.device:
        return self.basis.device

    def of_class(self, which: object) -> FakeGenerator:  # noqa: ARG002 - as in the Protocol
        raise BadSetting("This generator has no classes.")

    def layers(self, space: Space) -> tuple[Layer, ...]:
        check_space(space, self.spaces)
        if space == "w+":
            return tuple(Layer(f"row_{i}", W_DIM) for i in range(ROWS))
        if space == "s":
            return tuple(Layer(f"style_{i}", width) for i, width in enumerate(S_WIDTHS))
        return (Layer(space, W_DIM),)

    def spread(self, space: Space) -> Tensor:
        return layer_spread(self, space)

    def sample(
        self, seeds: Sequence[int], truncation: float = 0.7, space: Space | None = None
    ) -> Tensor:
        return self.from_z(seeded_z(seeds, self.z_dim), truncation=truncation, space=space)

    def from_z(
        self,
        z: Tensor,
        truncation: float = 1.0,
        cutoff: int | None = None,
        space: Space | None = None,
    ) -> Tensor:
        space = space or best_space(self)
        check_space(space, self.spaces)
        if space == "z":
            return z
        mean = torch.linspace(-0.2, 0.2, W_DIM)
        w = z.flip(1) + mean
        truncated = mean + truncation * (w - mean)
        if space == "w":
            return truncated
        cut = ROWS if cutoff is None else cutoff
        plus = torch.cat([truncated] * cut + [w] * (ROWS - cut), dim=1)
        return self.convert(plus, "w+", space)

    def convert(
        self, latents: Tensor, source: Space, target: Space, truncation: float = 1.0
    ) -> Tensor:
        check_conversion(self, latents, source, target)
        if source == target:
            return latents
        if source == "z":
            return self.from_z(latents, truncation=truncation, space=target)
        plus = latents.repeat(1, ROWS) if source == "w" else latents
        return plus if target == "w+" else 2.0 * plus + 1.0

    def synthesize(
        self,
        latents: Tensor,
        space: Space | None = None,
        noise: Noise = "const",  # noqa: ARG002 - as in the Protocol
        features: Sequence[str] = (),
        truncation: float = 1.0,
    ) -> Synthesis:
        space = space or best_space(self)
        check_space(space, self.spaces)
        styles = replace(self, spaces=SPACES).convert(latents, space, "s", truncation)
        plus = ((styles - 1.0) / 2.0).view(-1, ROWS, W_DIM)
        image = torch.einsum("nrk,rkchw->nchw", plus, self.basis)
        return Synthesis(image, {name: self._feature(plus, name) for name in listed(features)})

    def _feature(self, plus: Tensor, name: str) -> Tensor:
        row = int(name.removeprefix("layer_")) - 1
        if row < 0:
            return torch.ones(len(plus), 3, 4, 4)
        part = torch.einsum("nk,kchw->nchw", plus[:, row], self.basis[row])
        return F.adaptive_avg_pool2d(part, 4 << row)


@dataclass(frozen=True)
class FakeEncoder:
    """Images and texts in one space [N, 24]: a text is the image that it describes.

    Another seed is another encoder.
    """

    name: str = "fake-encoder"
    size: int = 16
    mean: tuple[float, float, float] = (0.5, 0.5, 0.5)
    std: tuple[float, float, float] = (0.5, 0.5, 0.5)
    width: int = 24
    seed: int = 3

    @property
    def fingerprint(self) -> str:
        return repr((self.size, self.mean, self.std, self.width, self.seed))

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        return self.encode_image(torch.stack([_described(text) for text in listed(texts)]))

    def encode_image(self, images: Tensor) -> Tensor:
        pixels = F.adaptive_avg_pool2d((images + 1.0) / 2.0, self.size)
        mean, std = (torch.tensor(values)[:, None, None] for values in (self.mean, self.std))
        return self.encode_pixels((pixels - mean) / std)

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        random = torch.Generator().manual_seed(self.seed)
        flat = pixels.flatten(1)
        matrix = torch.randn(flat.shape[1], self.width, generator=random) / flat.shape[1] ** 0.5
        offset = torch.randn(self.width, generator=random)
        return F.normalize(flat @ matrix + offset, dim=1)


def _described(text: str) -> Tensor:
    """The image [3, 32, 32] that a text describes, with a little noise of its own."""
    words = _words(text)
    image = torch.zeros(3, RESOLUTION, RESOLUTION)
    for name in words & PATCHES.keys():
        image += (-0.8 if "dark" in words else 0.8) * patch_mask(name)
    if "hat" in words:
        image += 0.9 * patch_mask("hair") * _stripes()
    random = torch.Generator().manual_seed(zlib.crc32(text.encode()))
    return image + 0.02 * torch.randn(image.shape, generator=random)


def _words(text: str) -> set[str]:
    return set(text.lower().replace(",", " ").split())


@dataclass(frozen=True)
class FakeSegmenter:
    """The patches themselves; the hair patch is region hair or hat by its stripes."""

    name: str = "fake-segmenter"
    regions: tuple[str, ...] = REGIONS
    feature_names: tuple[str, ...] = ()
    fingerprint: str = "5" * 64

    def masks(self, synthesis: Synthesis, regions: Sequence[str]) -> Tensor:
        hat = (hat_strength(synthesis.image.detach()) > 0.3).float()[:, None, None]
        patches = {name: patch_mask(name).expand(len(hat), -1, -1) for name in PATCHES}
        masks = patches | {
            "hair": (1.0 - hat) * patches["hair"],
            "hat": hat * patches["hair"],
            "background": patches["ground"],
            "skin": 1.0 - torch.stack(list(patches.values())).sum(dim=0),
        }
        union = torch.zeros(len(hat), RESOLUTION, RESOLUTION)
        for name in listed(regions):
            if name not in masks:
                raise UnknownName(f"There is no region {name!r}.", f"Choose from {REGIONS}.")
            union = torch.maximum(union, masks[name])
        return union


def _groups() -> Mapping[str, tuple[str, ...]]:
    return {**dict.fromkeys(_COLOURED, _COLOURS), "hat": ("none", "hat")}


@dataclass(frozen=True)
class FakeJudge:
    """Reads each patch's brightness; hair colour is out of sight under a hat."""

    groups: Mapping[str, tuple[str, ...]] = field(default_factory=_groups)
    encoder: Encoder = field(default_factory=lambda: FakeEncoder("fake-judge", seed=11))
    segmenter: Segmenter = field(default_factory=FakeSegmenter)

    def attributes(self, images: Tensor) -> Verdict:
        logits = {name: brightness(images, name) for name in _COLOURED}
        logits["hat"] = hat_strength(images) - 0.3
        present = {name: torch.sigmoid(20.0 * value) for name, value in logits.items()}
        seen = torch.ones(len(images), dtype=torch.bool)
        return Verdict(
            probabilities={name: torch.stack([1.0 - p, p], dim=1) for name, p in present.items()},
            visible=dict.fromkeys(present, seen) | {"hair": present["hat"] < 0.5},
        )

    def features(self, images: Tensor, hidden: Tensor) -> Tensor:
        return self.encoder.encode_image(images * (1.0 - hidden[:, None]))

    def claim(self, prompt: str) -> Claim | None:
        words = _words(prompt)
        if "hat" in words:
            return Claim("hat", ("hat",))
        colours = [colour for colour in _COLOURS if colour in words]
        groups = [group for group in _COLOURED if group in words]
        return Claim(groups[0], (colours[0],)) if groups and colours else None


def fake_judge() -> Judge:
    return FakeJudge()


def fake_world(*, judged: bool = True, spaces: tuple[Space, ...] = SPACES) -> World:
    """The four as one world.

    judged: whether it has a judge. spaces: the generator's; ("z",) for one like BigGAN's.
    """
    return World(
        name="fake",
        generator=FakeGenerator(spaces=spaces),
        encoder=FakeEncoder(),
        segmenter=FakeSegmenter(),
        vocabulary=VOCABULARY,
        neutral="a person",
        truncation=0.7,
        judge=fake_judge if judged else None,
    )
