"""One implementation of `eclipsed.types.Generator` for the networks of every family.

A family's file holds its architecture and what only that family has: how latents become an image
(`render`), and, of a StyleGAN, how z becomes w and w becomes styles.
"""

from __future__ import annotations

import copy
import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor, nn

from eclipsed.checkpoints.weights import fingerprint_of
from eclipsed.errors import BadFile, BadSetting, UnknownName
from eclipsed.files import sha256_of
from eclipsed.generators.mapping import MappingNetwork
from eclipsed.generators.memory import in_parts
from eclipsed.generators.seeds import seeded_z
from eclipsed.generators.spaces import check_conversion, check_space, layer_spread
from eclipsed.text import listed
from eclipsed.types import PRECISIONS, SPACES, Layer, Noise, Precision, Space, Synthesis

Rendered = tuple[Tensor, dict[str, Tensor]]
_HALVES = {"bfloat16": torch.bfloat16, "float16": torch.float16}
# Of the largest value: what rounding may do to an image (root mean square) and overflow exceeds.
_MOST_ERROR = 0.02
# What a pixel takes while it is computed, features and gradient included: 64 channels, 4 times.
_BYTES_A_PIXEL = 1024
# What images may take at once: this part of a device's memory, on a processor this much at most,
# where more at once would be no faster.
_PART, _ENOUGH = 8, 2**30
# Channels that images may have: grey, RGB, and RGB with an alpha channel.
_COLOURS = {1: "grey", 3: "RGB", 4: "RGBA"}


@dataclass(frozen=True)
class Rendering:
    """How latents become images; families ignore what they have no use for.

    truncation: a factor of z, where z is rendered as it is. wanted: names of features. stop: the
    resolution at which an image is already whole, one of the network's `stops`; None for the last.
    """

    noise: Noise
    truncation: float
    wanted: frozenset[str]
    stop: int | None = None


@runtime_checkable
class Sizes(Protocol):
    """What every family's config tells. c_dim: length of a class vector, 0 without classes."""

    @property
    def resolution(self) -> int: ...

    @property
    def z_dim(self) -> int: ...

    @property
    def c_dim(self) -> int: ...


@runtime_checkable
class StyleSizes(Sizes, Protocol):
    """What a StyleGAN's config tells besides. num_ws: rows of W+, each of w_dim numbers."""

    @property
    def w_dim(self) -> int: ...

    @property
    def num_ws(self) -> int: ...


class NetworkGenerator(nn.Module, ABC):
    """A network behind `eclipsed.types.Generator` whose only latent space is z.

    features: how many there are, `layer_0` ….
    size: (height, width) of its images; `resolution` is the longer side. stops: the lower ones at
    which there is an image already, and synthesis can end. colours: the channels that
    it makes, of which `synthesize` gives three. notes: what a user should know of its file.
    Latents of z are the noise before truncation, which happens where they are rendered.
    Copies with another class or precision share the weights, tuned ones all that was not tuned.
    """

    spaces: tuple[Space, ...] = ("z",)
    home: Space = "z"  # the space of latents unless another is asked for

    def __init__(self, config: Sizes, *, name: str, features: int) -> None:
        super().__init__()
        self.name = name
        self.resolution = config.resolution
        self.size = (config.resolution, config.resolution)
        self.stops: tuple[int, ...] = ()
        self.colours = 3
        self.notes: tuple[str, ...] = ()
        self.z_dim = config.z_dim
        self.feature_names = tuple(f"layer_{i}" for i in range(features))
        self.label = class_vector(0, config.c_dim) if config.c_dim else None
        self.precision: Precision = "float32"
        self.weights_sha256 = ""  # computed when it is first asked for
        self.tuning = ""  # of a tuned copy: a digest of what was added to the weights
        self._spreads: dict[Space, Tensor] = {}

    @abstractmethod
    def render(self, parts: Sequence[Tensor], how: Rendering) -> Rendered:
        """(image, the wanted features) of latents of the last space, cut into its layers."""

    @property
    def device(self) -> torch.device:
        return next(self.parameters()).device

    @property
    def fingerprint(self) -> str:
        """SHA-256 over the names and bytes of every tensor, computed once; class; precision; of a
        tuned copy that of the network it is made from, and what tunes it."""
        self.weights_sha256 = self.weights_sha256 or fingerprint_of(self)
        parts = [self.weights_sha256]
        if self.label is not None and not self.label.equal(class_vector(0, len(self.label))):
            parts.append(f"class {sha256_of(self.label)[:16]}")
        if self.precision != "float32":
            parts.append(self.precision)
        if self.tuning:
            parts.append(f"tuned {self.tuning}")
        return "+".join(parts)

    @torch.no_grad()
    def tuned(self, changes: Mapping[str, Tensor]) -> NetworkGenerator:
        """A copy with these numbers added to its parameters; what they leave alone is shared.

        Directions of the network are directions of the copy. Raises BadFile for a parameter that
        it lacks, or of another shape.
        """
        parameters = dict(self.named_parameters())
        for name, change in changes.items():
            if name not in parameters or parameters[name].shape != change.shape:
                raise BadFile(f"The generator '{self.name}' has no weights {name!r} of this shape.")
        digest = hashlib.sha256(self.fingerprint.encode())  # also asks for the weights' own digest
        shared = [value for name, value in parameters.items() if name not in changes]
        copied = copy.deepcopy(self, {id(value): value for value in (*shared, *self.buffers())})
        for name, change in sorted(changes.items()):
            copied.get_parameter(name).add_(change.to(self.device))
            digest.update(name.encode() + bytes.fromhex(sha256_of(change)))
        copied.tuning = digest.hexdigest()[:16]
        return copied

    def of_class(self, which: int | Sequence[float] | Tensor) -> NetworkGenerator:
        """The same network, weights shared, bound to a class: its index, or a class vector.

        A vector may mix classes. Raises BadSetting when there is no such class.
        """
        bound = copy.copy(self)
        bound.label = class_vector(which, 0 if self.label is None else len(self.label))
        bound._spreads = {}
        return bound

    def in_precision(self, precision: str) -> NetworkGenerator:
        """The same network, weights shared, computing images in another precision.

        Latents are brought to the last space, S or z, in float32, as the mapping and the styles
        need all their digits; only what follows runs through torch.autocast. Images are float32
        all the same, features come as they were computed. bfloat16 has the range of float32 and
        about three digits. float16 has a digit more, but ends at 65504, and what overflows inside
        need not show as infinite outside: so one image is compared with that in float32 here.

        Raises BadSetting for an unknown precision, and where numbers overflow float16.
        """
        if precision not in PRECISIONS:
            raise BadSetting(
                f"There is no precision {precision!r}.", f"Choose one of {', '.join(PRECISIONS)}."
            )
        if precision == self.precision:
            return self
        changed = copy.copy(self)
        changed.precision = precision
        if precision == "float16":
            changed._check_range()
        return changed

    def layers(self, space: Space) -> tuple[Layer, ...]:
        check_space(space, self.spaces)
        return (Layer("z", self.z_dim),)

    def spread(self, space: Space) -> Float[Tensor, " layers"]:
        """How wide each layer of the space is (`spaces.layer_spread`), measured once."""
        if space not in self._spreads:
            self._spreads[space] = layer_spread(self, space)
        return self._spreads[space].to(self.device)

    def sample(
        self, seeds: Sequence[int], truncation: float = 0.7, space: Space | None = None
    ) -> Float[Tensor, "n d"]:
        """Latents [N, D]: z = RandomState(seed).randn(z_dim) for each seed, then `from_z`."""
        z = seeded_z(seeds, self.z_dim).to(self.device)
        return self.from_z(z, truncation=truncation, space=space)

    def from_z(
        self,
        z: Float[Tensor, "n z"],
        truncation: float = 1.0,
        cutoff: int | None = None,
        space: Space | None = None,
    ) -> Float[Tensor, "n d"]:
        """z [N, z_dim] → latents [N, D] float32 of a space, by default w+ or the only one, z.

        truncation pulls w towards its mean; `cutoff` limits it to the first rows of W+.
        """
        del truncation, cutoff  # z is truncated where it is rendered
        return self.convert(z, "z", space or self.home)

    def convert(
        self, latents: Tensor, source: Space, target: Space, truncation: float = 1.0
    ) -> Float[Tensor, "n d"]:
        """Latents of one space in a later one; UnknownName for the way back, BadSetting for latents
        of another size.

        `truncation` is for a mapping of z.
        """
        del truncation
        check_conversion(self, latents, source, target)
        return latents

    def synthesize(
        self,
        latents: Float[Tensor, "n d"],
        space: Space | None = None,
        noise: Noise = "const",
        features: Sequence[str] = (),
        truncation: float = 1.0,
        resolution: int | None = None,
    ) -> Synthesis:
        """Latents [N, D] → image [N, 3, H, W] and the features asked for.

        resolution: one of `stops`, where the image is what the network has by then; nothing later
        is computed. Large images are computed a few at a time (`at_once`), and again where their
        gradient is asked for, so that memory does not grow with their number. Grey images are
        repeated to three channels, RGBA ones laid on white.
        Raises UnknownName for a feature or space this network lacks, BadSetting for a bad seed of
        noise, truncation or resolution, for a feature that comes later than it, and when float16
        cannot hold what is computed.
        """
        wanted = check_features(features, self.feature_names)
        how = Rendering(noise, truncation, wanted, self._stop(resolution))
        last = self.spaces[-1]
        latents = self.convert(latents, space or self.home, last, truncation=truncation)
        dtype = _HALVES.get(self.precision)
        image, rendered = self._rendered(latents, how)
        if dtype == torch.float16 and not bool(image.isfinite().all()):
            raise self._too_large()
        if later := sorted(wanted - rendered.keys()):
            raise BadSetting(f"The feature {later[0]} comes later than {resolution} pixels.")
        return Synthesis(_as_rgb(image), rendered)

    def _rendered(self, latents: Float[Tensor, "n d"], how: Rendering) -> Rendered:
        """Images and features of latents of the last space, a few at a time where they are large.

        Noise that is drawn for each image is drawn for all of them at once.
        """
        most = self.at_once(how.stop)
        if len(latents) <= most or isinstance(how.noise, int):
            return self._at_once(latents, how)
        parts = in_parts(lambda few: self._at_once(few, how), latents, most)
        images, maps = zip(*parts, strict=True)
        return torch.cat(images), {name: torch.cat([m[name] for m in maps]) for name in maps[0]}

    def _at_once(self, latents: Float[Tensor, "n d"], how: Rendering) -> Rendered:
        parts = latents.split([layer.width for layer in self.layers(self.spaces[-1])], dim=1)
        dtype = _HALVES.get(self.precision)
        # In float32 whoever calls may have chosen an autocast of their own.
        with torch.autocast(self.device.type, dtype=dtype) if dtype else nullcontext():
            image, rendered = self.render(parts, how)
        return (image.float() if dtype else image), rendered

    def at_once(self, stop: int | None = None) -> int:
        """How many images are computed at once: as many as a part of the device's memory holds.

        stop: the resolution at which they end. All of the memory counts, not what is free now, so
        that the same call gives the same image, to the last bit, whatever else runs.
        """
        if self.device.type == "cuda":
            memory = torch.cuda.get_device_properties(self.device).total_memory // _PART
        elif hasattr(os, "sysconf"):
            memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // _PART
            memory = min(_ENOUGH, memory)
        else:
            memory = _ENOUGH
        height, width = self.size
        share = (stop / self.resolution) ** 2 if stop else 1.0
        return max(1, int(memory / (_BYTES_A_PIXEL * height * width * share)))

    def _stop(self, resolution: int | None) -> int | None:
        if resolution is None or resolution == self.resolution:
            return None
        if resolution not in self.stops:
            where = ", ".join(map(str, (*self.stops, self.resolution)))
            raise BadSetting(
                f"The generator '{self.name}' makes no image of {resolution} pixels.",
                f"It makes such of {where}.",
            )
        return resolution

    @torch.no_grad()
    def _check_range(self) -> None:
        z, exact = self.sample([0], space="z"), self.in_precision("float32")
        rounded, image = (g.synthesize(z, space="z", truncation=0.7).image for g in (self, exact))
        if float((rounded - image).square().mean().sqrt()) > _MOST_ERROR * float(image.abs().max()):
            raise self._too_large()

    def _too_large(self) -> BadSetting:
        return BadSetting(
            f"The numbers inside the generator '{self.name}' do not fit into float16.",
            "Use bfloat16 or float32.",
        )


class StyleGenerator(NetworkGenerator):
    """A StyleGAN: the spaces z, w, w+ (rows `row_0` …, flattened row by row) and s.

    mapping: z and a class to w, with the mean of w; a family with another one overrides `w_of` and
    `w_mean`. Latents of w, w+ and s already carry their class.
    """

    mapping: MappingNetwork
    spaces = SPACES
    home = "w+"

    def __init__(self, config: StyleSizes, *, name: str) -> None:
        super().__init__(config, name=name, features=config.num_ws)
        self.w_dim = config.w_dim
        self.num_ws = config.num_ws

    @property
    def w_mean(self) -> Float[Tensor, " w"]:
        """The mean of w, which truncation pulls towards."""
        return self.mapping.w_avg

    def w_of(self, z: Float[Tensor, "n z"]) -> Float[Tensor, "n w"]:
        """w of z, not truncated."""
        return self.mapping(z, self.label)  # type: ignore[no-any-return]

    @abstractmethod
    def style_widths(self) -> Mapping[str, int]:
        """The layers of S in order: name → how many numbers."""

    @abstractmethod
    def styles_of(self, rows: Float[Tensor, "n rows w"]) -> list[Tensor]:
        """The styles of W+, one tensor for each layer of S."""

    def layers(self, space: Space) -> tuple[Layer, ...]:
        """How a flat latent of a space is cut; UnknownName for a space that there is not."""
        if space == "w":
            return (Layer("w", self.w_dim),)
        if space == "w+":
            return tuple(Layer(f"row_{i}", self.w_dim) for i in range(self.num_ws))
        if space == "s":
            return tuple(Layer(name, width) for name, width in self.style_widths().items())
        return super().layers(space)

    def from_z(
        self,
        z: Float[Tensor, "n z"],
        truncation: float = 1.0,
        cutoff: int | None = None,
        space: Space | None = None,
    ) -> Float[Tensor, "n d"]:
        space = space or self.home
        check_space(space, self.spaces)
        if space == "z":
            return z
        w, mean = self.w_of(z), self.w_mean
        if space == "w":
            return mean.lerp(w, truncation)
        rows = w.unsqueeze(1).repeat(1, self.num_ws, 1)
        rows[:, :cutoff] = mean.lerp(rows[:, :cutoff], truncation)
        return self.convert(rows.flatten(1), "w+", space)

    def convert(
        self, latents: Tensor, source: Space, target: Space, truncation: float = 1.0
    ) -> Float[Tensor, "n d"]:
        check_conversion(self, latents, source, target)
        if source == target:
            return latents
        if source == "z":
            return self.from_z(latents, truncation=truncation, space=target)
        if source == "w":
            return self.convert(latents.repeat(1, self.num_ws), "w+", target)
        return torch.cat(self.styles_of(latents.unflatten(1, (self.num_ws, self.w_dim))), dim=1)


def checked_colours(count: int, family: str) -> int:
    """The number of an image's channels; BadFile for one that is neither grey, RGB nor RGBA."""
    if count not in _COLOURS:
        raise BadFile(
            f"The images of this {family} have {count} channels.",
            "Only grey, RGB and RGBA images, of 1, 3 and 4 channels, are supported.",
        )
    return count


def _as_rgb(image: Float[Tensor, "n c h w"]) -> Float[Tensor, "n 3 h w"]:
    """Grey repeated; RGBA on white."""
    if image.shape[1] == 1:
        return image.repeat(1, 3, 1, 1)
    if image.shape[1] == 3:
        return image
    opacity = ((image[:, 3:] + 1.0) / 2.0).clamp(0.0, 1.0)
    return image[:, :3] * opacity + (1.0 - opacity)


def class_vector(which: int | Sequence[float] | Tensor, classes: int) -> Float[Tensor, " c"]:
    """A class as a vector [classes] on the CPU: one-hot of an index, or the numbers given.

    Raises BadSetting when the generator has no classes, or not this one.
    """
    if classes == 0:
        raise BadSetting("This generator has no classes.", "Use it as it is.")
    if isinstance(which, int):
        if not 0 <= which < classes:
            raise BadSetting(
                f"This generator has no class {which}.", f"Its classes are 0 to {classes - 1}."
            )
        return (torch.arange(classes, device="cpu") == which).float()
    vector = torch.as_tensor(which, dtype=torch.float32, device="cpu").detach().clone()
    if vector.shape != (classes,) or not bool(vector.isfinite().all()):
        raise BadSetting(
            f"A class of this generator is a vector of {classes} finite numbers.",
            "Give such a vector, or the index of a class.",
        )
    return vector


def check_features(wanted: Sequence[str], names: Sequence[str]) -> frozenset[str]:
    """The wanted features; UnknownName for one that is not among the generator's names."""
    features = frozenset(listed(wanted))
    unknown = sorted(features - set(names))
    if unknown:
        raise UnknownName(
            f"This generator has no feature {unknown[0]!r}.",
            f"It has {names[0]} to {names[-1]}.",
        )
    return features
