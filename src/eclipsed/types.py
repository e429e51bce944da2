"""The nouns every module shares: frozen dataclasses, and Protocols at the seams between networks.

Shapes: N images of H×W pixels, D numbers in a latent, E in an embedding, R regions.
Images are float32 [N, 3, H, W], nominally in [-1, 1] and not clamped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Protocol, get_args, runtime_checkable

import torch
from torch import Tensor

from eclipsed.errors import BadSetting
from eclipsed.text import listed

Space = Literal["z", "w", "w+", "s"]
# The noise of StyleGANs 1 and 2: the network's own constant maps, none, or fresh maps, one per
# image and layer, drawn from this seed (0 … 2³² − 1). Generators without noise ignore it.
Noise = Literal["const", "none"] | int
SPACES: tuple[Space, ...] = ("z", "w", "w+", "s")
# What images are computed in; latents and images are float32 all the same.
Precision = Literal["float32", "bfloat16", "float16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
Point = tuple[float, float]  # x to the right, y downwards


def resolve_device(name: str | torch.device) -> str:
    """The device of torch that a name means: "cpu", "cuda", "cuda:1", "mps".

    "auto" is CUDA where there is any, else MPS, else the CPU. Raises BadSetting for another name,
    and for a device that this machine lacks.
    """
    gpus = torch.cuda.device_count() if torch.cuda.is_available() else 0
    has_mps = torch.backends.mps.is_available()
    here = ["cpu", *(f"cuda:{number}" for number in range(gpus)), *(["mps"] if has_mps else [])]
    if name == "auto":
        return "cuda" if gpus else here[-1]
    kind, _, number = str(name).partition(":")
    kinds = {"cpu": "", "cuda": "CUDA device", "mps": "MPS device, as Macs have,"}
    hint = f"Use --device {', '.join(here)} or auto."
    if kind not in kinds or (number and (kind != "cuda" or not number.isdecimal())):
        raise BadSetting(f"There is no device {str(name)!r}.", hint)
    if (f"cuda:{int(number or 0)}" if kind == "cuda" else kind) not in here:
        what = f"{kinds[kind]} {number}".strip()
        raise BadSetting(f"There is no {what} here.", hint)
    return str(name)


@dataclass(frozen=True)
class Layer:
    """One slice of a flat latent: its name and how many numbers it holds."""

    name: str
    width: int


@dataclass(frozen=True)
class Synthesis:
    """What a generator makes of latents: the image and the features that were asked for.

    image: [N, 3, H, W], nominally in [-1, 1], not clamped.
    features: name (`layer_0` … `layer_n`) → [N, C, h, w].
    """

    image: Tensor
    features: Mapping[str, Tensor] = field(default_factory=dict)


@runtime_checkable
class Generator(Protocol):
    """A frozen network that turns latents into images."""

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str:
        """What decides its images: the SHA-256 of its weights, then, each after a plus sign, a
        class other than the first, a precision other than float32, and what tuned it to a photo.
        See `weights_of`."""

    @property
    def resolution(self) -> int: ...

    @property
    def z_dim(self) -> int: ...

    @property
    def feature_names(self) -> tuple[str, ...]: ...

    @property
    def device(self) -> torch.device: ...

    @property
    def label(self) -> Tensor | None:
        """The class vector [classes] of its images; None where there are no classes."""

    @property
    def precision(self) -> Precision: ...

    @property
    def spaces(self) -> tuple[Space, ...]:
        """The latent spaces it has, in the order that latents go through them."""

    def of_class(self, which: int | Sequence[float] | Tensor) -> Generator:
        """The same generator, weights shared, bound to a class: its index, or a class vector.

        Raises BadSetting when there is no such class.
        """

    def layers(self, space: Space) -> tuple[Layer, ...]:
        """How a flat latent of this space is cut into layers; UnknownName for one it lacks."""

    def spread(self, space: Space) -> Tensor:
        """[layers]: how wide each layer of the space is (`spaces.layer_spread`), measured once."""

    def sample(self, seeds: Sequence[int], truncation: float = 0.7, space: Space = "w+") -> Tensor:
        """Latents [N, D], one per seed: z = RandomState(seed).randn(z_dim), then `from_z`."""

    def from_z(
        self, z: Tensor, truncation: float = 1.0, cutoff: int | None = None, space: Space = "w+"
    ) -> Tensor:
        """z [N, z_dim] → latents [N, D] of the space; truncation pulls W towards its mean."""

    def convert(
        self, latents: Tensor, source: Space, target: Space, truncation: float = 1.0
    ) -> Tensor:
        """Latents of one space in a later one (z, w, w+, s); UnknownName for the way back."""

    def synthesize(
        self,
        latents: Tensor,
        space: Space = "w+",
        noise: Noise = "const",
        features: Sequence[str] = (),
        truncation: float = 1.0,
    ) -> Synthesis:
        """Latents [N, D] → images; `truncation` matters for space z only, which is mapped here."""


def weights_of(fingerprint: str) -> str:
    """The part of a generator's fingerprint that tells its weights alone.

    Directions and clusters of a generator fit its other classes and precisions, and its copies
    that are tuned to a photo, too.
    """
    return fingerprint.partition("+")[0]


@runtime_checkable
class Encoder(Protocol):
    """A frozen network that puts texts and images into one space of unit vectors.

    Images enter as [N, 3, H, W] in [-1, 1]; `encode_pixels` takes them already resized to
    `size` and normalised by `mean` and `std` (of the [0, 1] image), which method paper needs.
    """

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str:
        """What decides its embeddings: a digest of the weights, of the templates that texts are
        put into, and of how images are prepared."""

    @property
    def size(self) -> int: ...

    @property
    def mean(self) -> tuple[float, float, float]: ...

    @property
    def std(self) -> tuple[float, float, float]: ...

    def encode_text(self, texts: Sequence[str]) -> Tensor:
        """[N, E], rows of length 1."""

    def encode_image(self, images: Tensor) -> Tensor:
        """[N, E], rows of length 1; differentiable with respect to the images."""

    def encode_pixels(self, pixels: Tensor) -> Tensor:
        """[N, E], rows of length 1, from resized and normalised pixels."""


@runtime_checkable
class Segmenter(Protocol):
    """Finds named regions in a synthesis."""

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str:
        """What decides its masks: a digest of the weights, of the regions and what belongs to each
        of them, and of the features it reads."""

    @property
    def regions(self) -> tuple[str, ...]: ...

    @property
    def feature_names(self) -> tuple[str, ...]:
        """What `masks` reads of a synthesis besides the image; () for most."""

    def masks(self, synthesis: Synthesis, regions: Sequence[str]) -> Tensor:
        """[N, H, W] float32, 1 inside the union of the regions and 0 outside, without gradient."""


@runtime_checkable
class Inverter(Protocol):
    """A frozen network that gives the latent of an image at a glance; others can start from it."""

    @property
    def name(self) -> str: ...

    @property
    def fingerprint(self) -> str:
        """What decides its latents: a digest of the weights and of how images are prepared."""

    def latents(self, images: Tensor) -> Tensor:
        """[N, D] of W+, of images [N, 3, H, W] in [-1, 1] of any size; without gradient."""


@dataclass(frozen=True)
class Face:
    """A face, or whatever a world's generator shows, in a photo; in pixels of the upright photo.

    number: from 1, as they stand from the left to the right. box: left, top, right, bottom.
    score: how sure the detector is, up to 1. points: x, y of the left eye, right eye, nose, left
    and right mouth corner, as seen in the photo, (0, 0) being the centre of its first pixel.
    """

    number: int
    box: tuple[float, ...]
    score: float
    points: tuple[Point, ...]


@runtime_checkable
class Detector(Protocol):
    """Finds in photos what a generator shows."""

    @property
    def name(self) -> str: ...

    def smallest(self, height: int, width: int) -> float:
        """The side in pixels of the smallest face that is looked for in a photo of that size."""

    def find(self, pixels: Tensor) -> tuple[Face, ...]:
        """The faces of a photo [H, W, 3] in [0, 1], numbered."""


@dataclass(frozen=True)
class Goal:
    """What a direction should do: reach `prompt` from `neutral`, inside `regions`.

    No regions means the whole image. `goal_from_prompt` parses the rest; a goal without it asks
    for one change.
    description: of what shall be seen, where the prompt is an instruction ("no glasses" for
    "remove glasses"); else empty.
    keep: regions that must stay as they are; none of `regions` is among them.
    parts: one goal for each change, where the prompt asks for several; else ().
    shape_and_colour: two goals, where one change asks for both ("long red hair"); else ().
    """

    prompt: str
    neutral: str
    regions: tuple[str, ...] = ()
    parts: tuple[Goal, ...] = ()
    shape_and_colour: tuple[Goal, ...] = ()
    description: str = ""
    keep: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "regions", listed(self.regions))
        object.__setattr__(self, "keep", listed(self.keep))
        if self.description == self.prompt:
            object.__setattr__(self, "description", "")

    @property
    def text(self) -> str:
        """What encoders read."""
        return self.description or self.prompt

    def __repr__(self) -> str:
        where = ", ".join(self.regions) or "the whole image"
        keep = f", keeping {', '.join(self.keep)}" if self.keep else ""
        return f"<Goal {self.prompt!r} from {self.neutral!r} in {where}{keep}>"


@dataclass(frozen=True)
class Claim:
    """What a prompt asks for, in a judge's words: that `group` shows one of `values`.

    span: of a group that the judge measures, the levels, least and greatest, at which it does.
    besides: what must hold as well, though the prompt does not name it: dyed hair is not blond.
    """

    group: str
    values: tuple[str, ...]
    span: tuple[float, float] | None = None
    besides: tuple[Claim, ...] = ()


@dataclass(frozen=True)
class Verdict:
    """A judge's view of N images.

    probabilities: group → [N, K], in the order of `Judge.groups[group]`.
    visible: group → bool [N]: the part that carries the group is in sight.
    levels: group → [N], for groups of two values that the judge measures instead of telling them
    apart: how far it is from the first (0) to the second (1). Their probabilities are 1 − level
    and level.
    """

    probabilities: Mapping[str, Tensor]
    visible: Mapping[str, Tensor]
    levels: Mapping[str, Tensor] = field(default_factory=dict)


@runtime_checkable
class Judge(Protocol):
    """Networks that no training uses; only scores and benches may ask them."""

    @property
    def groups(self) -> Mapping[str, tuple[str, ...]]: ...

    @property
    def encoder(self) -> Encoder: ...

    @property
    def segmenter(self) -> Segmenter: ...

    def attributes(self, images: Tensor) -> Verdict:
        """What an independent classifier sees in images [N, 3, H, W]."""

    def features(self, images: Tensor, hidden: Tensor) -> Tensor:
        """Identity features [N, F] of images; pixels under `hidden` [N, H, W] are greyed out."""

    def claim(self, prompt: str) -> Claim | None:
        """What the prompt asks for, or None when it lies outside what this judge can tell."""


@dataclass(frozen=True)
class World:
    """A generator with the encoder and segmenter that go with it.

    vocabulary: region → words and phrases that mean it (the region's own name included).
    neutral: text of an unremarkable image, for example "a house".
    example_prompts: short prompts that this world answers, to offer to people.
    multilingual: whether its encoder reads other languages than English.
    judge: loads networks that no training uses, for scores; None where a world has none, and its
    own encoder and segmenter have to judge.
    shipped: the folder of what comes with the world: its `cards`, and `results` that need not be
    computed; None where nothing does.
    detector: loads what finds the generator's faces in photos; None where a world has none, and
    photos are cut in the middle.
    inverter: loads what gives the latents of photos at a glance; None where a world has none, and
    they are found step by step.
    frame: where a face's five points lie in its images, as fractions of their sides; None where
    faces are cut as FFHQ's were.
    """

    name: str
    generator: Generator
    encoder: Encoder
    segmenter: Segmenter
    vocabulary: Mapping[str, tuple[str, ...]]
    neutral: str = "a photo"
    truncation: float = 0.7
    judge: Callable[[], Judge] | None = None
    example_prompts: tuple[str, ...] = ()
    multilingual: bool = False
    shipped: Path | None = None
    detector: Callable[[], Detector] | None = None
    inverter: Callable[[], Inverter] | None = None
    frame: tuple[Point, ...] | None = None

    def __repr__(self) -> str:
        size = self.generator.resolution
        regions = ", ".join(self.segmenter.regions)
        return f"<World {self.name!r}: {self.generator.name}, {size}×{size}, regions {regions}>"
