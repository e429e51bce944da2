"""A tiny world for tests: a linear 32×32 generator, an encoder, a segmenter and a judge that agree.

The picture is cut into horizontal patches, one per row of W+: hair, eyes, mouth, ground. Row r of
W+ changes patch r only: numbers 0-2 its colour, number 3 stripes (in the hair patch: a hat), the
rest fixed noise. So what a vector should do to an image is known without looking. Everything is
deterministic, on the CPU, differentiable, and small enough for thousands of calls.

Prompts that the encoder and the judge both understand: "bright X" and "dark X" for X in hair, eyes,
mouth; "a hat". Anything else moves the encoder a little and is beyond the judge.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from eclipsed.errors import BadSetting, UnknownName
from eclipsed.generators.spaces import layer_spread
from eclipsed.types import (
    SPACES,
    Claim,
    Judge,
    Layer,
    Noise,
    Precision,
    Space,
    Synthesis,
    Verdict,
    World,
)

RESOLUTION = 32
W_DIM = 8
PATCHES: dict[str, tuple[slice, slice]] = {
    "hair": (slice(0, 8), slice(6, 26)),
    "eyes": (slice(11, 16), slice(8, 24)),
    "mouth": (slice(20, 25), slice(10, 22)),
    "ground": (slice(27, 32), slice(0, 32)),
}
ROWS = len(PATCHES)
# Layers of S cut the same 32 numbers differently, so that nothing can assume equal widths.
S_WIDTHS = (8, 3, 5, 8, 8)
REGIONS = ("background", "skin", "hair", "eyes", "mouth", "hat")
VOCABULARY: dict[str, tuple[str, ...]] = {
    "background": ("background", "backdrop"),
    "skin": ("skin", "face"),
    "hair": ("hair", "hairstyle"),
    "eyes": ("eyes", "gaze"),
    "mouth": ("mouth", "smile", "lips"),
    "hat": ("hat", "cap"),
}


def patch_mask(name: str) -> Tensor:
    """[H, W], 1 inside the patch."""
    mask = torch.zeros(RESOLUTION, RESOLUTION)
    mask[PATCHES[name]] = 1.0
    return mask


def _stripes() -> Tensor:
    """[H, W] of ±1 that changes sign every second row."""
    rows = torch.arange(RESOLUTION) // 2 % 2
    return (1.0 - 2.0 * rows)[:, None].expand(RESOLUTION, RESOLUTION)


def _basis() -> Tensor:
    """[ROWS, W_DIM, 3, H, W]: what each number of W+ adds to the picture."""
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
    """`types.Generator` with a linear map from W+ to pixels, plus `convert` as StyleGAN2 has it."""

    name: str = "fake"
    fingerprint: str = "f" * 64
    resolution: int = RESOLUTION
    z_dim: int = W_DIM
    feature_names: tuple[str, ...] = tuple(f"layer_{i}" for i in range(ROWS + 1))
    basis: Tensor = field(default_factory=_basis, repr=False, compare=False)
    label: Tensor | None = None
    precision: Precision = "float32"

    spaces = SPACES

    @property
    def device(self) -> torch.device:
        return self.basis.device

    def of_class(self, which: object) -> Self:
        raise BadSetting("This generator has no classes.")

    def spread(self, space: Space) -> Tensor:
        return layer_spread(self, space)

    @property
    def w_mean(self) -> Tensor:
        return torch.linspace(-0.2, 0.2, W_DIM)

    def layers(self, space: Space) -> tuple[Layer, ...]:
        if space in ("z", "w"):
            return (Layer(space, W_DIM),)
        if space == "w+":
            return tuple(Layer(f"row_{i}", W_DIM) for i in range(ROWS))
        if space == "s":
            return tuple(Layer(f"style_{i}", width) for i, width in enumerate(S_WIDTHS))
        raise UnknownName(f"This generator has no space '{space}'.", "Choose z, w, w+ or s.")

    def sample(self, seeds: Sequence[int], truncation: float = 0.7, space: Space = "w+") -> Tensor:
        rows = [np.random.RandomState(seed).randn(self.z_dim) for seed in seeds]
        z = torch.from_numpy(np.stack(rows)).float()
        return self.from_z(z, truncation=truncation, space=space)

    def from_z(
        self, z: Tensor, truncation: float = 1.0, cutoff: int | None = None, space: Space = "w+"
    ) -> Tensor:
        self.layers(space)
        if space == "z":
            return z
        w = z.flip(1) + self.w_mean
        low = self.w_mean + truncation * (w - self.w_mean)
        if space == "w":
            return low
        cut = ROWS if cutoff is None else cutoff
        plus = torch.cat([(low if row < cut else w) for row in range(ROWS)], dim=1)
        return plus if space == "w+" else self.convert(plus, "w+", "s")

    def convert(
        self, latents: Tensor, source: Space, target: Space, truncation: float = 1.0
    ) -> Tensor:
        """Latents of one space → a later one (z, w, w+, s)."""
        order = ("z", "w", "w+", "s")
        if order.index(source) > order.index(target):
            raise UnknownName(f"Latents cannot go back from {source} to {target}.")
        if source == target:
            return latents
        if source == "z":
            return self.from_z(latents, truncation=truncation, space=target)
        plus = latents.repeat(1, ROWS) if source == "w" else latents
        return plus if target == "w+" else 2.0 * plus + 1.0

    def synthesize(
        self,
        latents: Tensor,
        space: Space = "w+",
        noise: Noise = "const",
        features: Sequence[str] = (),
        truncation: float = 1.0,
    ) -> Synthesis:
        style = self.convert(latents, space, "s", truncation)
        plus = ((style - 1.0) / 2.0).view(-1, ROWS, W_DIM)
        image = torch.einsum("nrk,rkchw->nchw", plus, self.basis)
        made = {name: self._feature(plus, int(name.removeprefix("layer_"))) for name in features}
        return Synthesis(image, made)

    def _feature(self, plus: Tensor, index: int) -> Tensor:
        """layer_0 is a constant; layer_{r+1} is row r's part of the picture, at 4, 8, 16, 32 px."""
        size = 4 * 2 ** max(index - 1, 0)
        if index == 0:
            return torch.ones(plus.shape[0], 3, size, size)
        part = torch.einsum("nk,kchw->nchw", plus[:, index - 1], self.basis[index - 1])
        return F.adaptive_avg_pool2d(part, size)


@dataclass(frozen=True)
class OnlyZ(FakeGenerator):
    """The same pictures from a generator that has no space but z, like BigGAN and DCGAN."""

    spaces = ("z",)

    def layers(self, space: Space) -> tuple[Layer, ...]:
        if space != "z":
            raise UnknownName(f"This generator has no space '{space}'.", "Choose z.")
        return super().layers(space)

    def sample(self, seeds: Sequence[int], truncation: float = 0.7, space: Space = "z") -> Tensor:
        return super().sample(seeds, truncation, space)

    def from_z(
        self, z: Tensor, truncation: float = 1.0, cutoff: int | None = None, space: Space = "z"
    ) -> Tensor:
        return self.convert(z, "z", space)

    def convert(
        self, latents: Tensor, source: Space, target: Space, truncation: float = 1.0
    ) -> Tensor:
        for space in (source, target):
            self.layers(space)
        return latents

    def synthesize(
        self,
        latents: Tensor,
        space: Space = "z",
        noise: Noise = "const",
        features: Sequence[str] = (),
        truncation: float = 1.0,
    ) -> Synthesis:
        self.layers(space)
        inner = FakeGenerator(basis=self.basis)
        return inner.synthesize(latents, "z", noise, features, truncation)


@dataclass(frozen=True)
class FakeEncoder:
    """Images and texts in one space: a text is the picture that it describes."""

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
        pictures = torch.stack([self._picture(text) for text in texts])
        return self.encode_image(pictures)

    def _picture(self, text: str) -> Tensor:
        words = set(text.lower().replace(",", " ").split())
        picture = torch.zeros(3, RESOLUTION, RESOLUTION)
        sign = -1.0 if "dark" in words else 1.0
        for name in PATCHES:
            if name in words:
                picture += 0.8 * sign * patch_mask(name)
        if "hat" in words:
            picture += 0.9 * patch_mask("hair") * _stripes()
        random = torch.Generator().manual_seed(zlib.crc32(text.encode()))
        return picture + 0.02 * torch.randn(picture.shape, generator=random)

    def encode_image(self, images: Tensor) -> Tensor:
        pixels = F.adaptive_avg_pool2d((images + 1.0) / 2.0, self.size)
        mean = torch.tensor(self.mean)[:, None, None]
        std = torch.tensor(self.std)[:, None, None]
        return self.encode_pixels((pixels - mean) / std)

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        random = torch.Generator().manual_seed(self.seed)
        flat = pixels.flatten(1)
        matrix = torch.randn(flat.shape[1], self.width, generator=random) / flat.shape[1] ** 0.5
        offset = torch.randn(self.width, generator=random)
        return F.normalize(flat @ matrix + offset, dim=1)


def hat_strength(images: Tensor) -> Tensor:
    """[N]: how strongly the hair patch is striped; above 0.3 counts as a hat."""
    mask = patch_mask("hair")
    return (images * (mask * _stripes())).sum(dim=(1, 2, 3)) / (3.0 * mask.sum())


@dataclass(frozen=True)
class FakeSegmenter:
    """The patches themselves; the hair patch is hair or hat by its stripes."""

    name: str = "fake-segmenter"
    regions: tuple[str, ...] = REGIONS
    feature_names: tuple[str, ...] = ()
    fingerprint: str = "5" * 64

    def masks(self, synthesis: Synthesis, regions: Sequence[str]) -> Tensor:
        image = synthesis.image.detach()
        hat = (hat_strength(image) > 0.3).float()[:, None, None]
        top, ground = patch_mask("hair"), patch_mask("ground")
        eyes, mouth = patch_mask("eyes"), patch_mask("mouth")
        one = torch.ones_like(hat)
        known = {
            "hair": (1.0 - hat) * top,
            "hat": hat * top,
            "eyes": one * eyes,
            "mouth": one * mouth,
            "background": one * ground,
            "skin": one * (1.0 - top - ground - eyes - mouth),
        }
        missing = [name for name in regions if name not in known]
        if missing:
            raise UnknownName(f"There is no region '{missing[0]}'.", f"Choose from {REGIONS}.")
        union = torch.zeros(image.shape[0], RESOLUTION, RESOLUTION)
        for name in regions:
            union = torch.maximum(union, known[name])
        return union


@dataclass(frozen=True)
class FakeJudge:
    """Reads each patch's brightness; hair colour is out of sight under a hat."""

    groups: Mapping[str, tuple[str, ...]] = field(
        default_factory=lambda: {
            "hair": ("dark", "bright"),
            "eyes": ("dark", "bright"),
            "mouth": ("dark", "bright"),
            "hat": ("none", "hat"),
        }
    )
    encoder: FakeEncoder = field(default_factory=lambda: FakeEncoder("fake-judge", seed=11))
    segmenter: FakeSegmenter = field(default_factory=FakeSegmenter)

    def attributes(self, images: Tensor) -> Verdict:
        logits = {"hat": 20.0 * (hat_strength(images) - 0.3)}
        for name in ("hair", "eyes", "mouth"):
            mask = patch_mask(name)
            logits[name] = 20.0 * (images * mask).sum(dim=(1, 2, 3)) / (3.0 * mask.sum())
        yes = {name: torch.sigmoid(value) for name, value in logits.items()}
        seen = torch.ones(images.shape[0], dtype=torch.bool)
        return Verdict(
            probabilities={name: torch.stack([1.0 - p, p], dim=1) for name, p in yes.items()},
            visible={"eyes": seen, "mouth": seen, "hat": seen, "hair": yes["hat"] < 0.5},
        )

    def features(self, images: Tensor, hidden: Tensor) -> Tensor:
        return self.encoder.encode_image(images * (1.0 - hidden[:, None]))

    def claim(self, prompt: str) -> Claim | None:
        words = set(prompt.lower().replace(",", " ").split())
        if "hat" in words:
            return Claim("hat", ("hat",))
        for name in ("hair", "eyes", "mouth"):
            if name in words and words & {"dark", "bright"}:
                return Claim(name, ("dark",) if "dark" in words else ("bright",))
        return None


def fake_judge() -> Judge:
    return FakeJudge()


def fake_world(*, judged: bool = True) -> World:
    """The fakes as one world; without a judge when `judged` is False."""
    return World(
        name="fake",
        generator=FakeGenerator(),
        encoder=FakeEncoder(),
        segmenter=FakeSegmenter(),
        vocabulary=VOCABULARY,
        neutral="a person",
        truncation=0.7,
        judge=fake_judge if judged else None,
    )


def patch_vector(name: str, *, stripes: bool = False) -> Tensor:
    """A W+ vector [ROWS·W_DIM] that brightens one patch by 0.8 (or stripes it by 0.6)."""
    vector = torch.zeros(ROWS, W_DIM)
    row = list(PATCHES).index(name)
    if stripes:
        vector[row, 3] = 2.0
    else:
        vector[row, :3] = 2.0
    return vector.flatten()
