"""A generator whose images are computed in fewer bits, when somebody asks for it.

One wrapper for every family: latents are brought to the last space, S or z, in float32, as the
mapping and the styles need all their digits, and only what follows runs in half precision, through
torch.autocast. Weights stay as they are, so memory is saved on activations only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, cast, get_args

import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.errors import BadSetting, UnknownName
from eclipsed.types import Generator, Layer, Noise, Space, Synthesis

Precision = Literal["float32", "bfloat16", "float16"]
PRECISIONS: tuple[Precision, ...] = get_args(Precision)
# Of the largest value: what rounding may do to an image (root mean square) and overflow exceeds.
_MOST_ERROR = 0.02


def in_precision(generator: Generator, precision: str = "float32") -> Generator:
    """The generator itself for float32, otherwise one that computes images in half precision.

    bfloat16 has the range of float32 and about three digits. float16 has a digit more, but ends at
    65504, and what overflows inside need not show as infinite outside: so one image is compared
    with that in float32 here. Images are float32 all the same; features come as they were computed.

    Raises BadSetting for any other precision, and where the generator's numbers overflow float16.
    """
    if precision not in PRECISIONS:
        raise BadSetting(
            f"There is no precision {precision!r}.", f"Choose one of {', '.join(PRECISIONS)}."
        )
    if precision == "float32":
        return generator
    half = HalfGenerator(generator, cast("Precision", precision))
    if precision == "float16":
        _check_range(half)
    return half


@dataclass(frozen=True, eq=False)
class HalfGenerator:
    """A generator (eclipsed.types.Generator) around another that it runs in half precision.

    Its fingerprint is the other's, whose weights it has, so directions of one are the other's too.
    """

    inner: Generator
    precision: Precision

    @property
    def name(self) -> str:
        return self.inner.name

    @property
    def fingerprint(self) -> str:
        return self.inner.fingerprint

    @property
    def resolution(self) -> int:
        return self.inner.resolution

    @property
    def z_dim(self) -> int:
        return self.inner.z_dim

    @property
    def feature_names(self) -> tuple[str, ...]:
        return self.inner.feature_names

    @property
    def device(self) -> torch.device:
        return self.inner.device

    @property
    def label(self) -> Tensor | None:
        """The class vector that is drawn; None where the generator knows no classes."""
        return cast("Tensor | None", getattr(self.inner, "label", None))

    def of_class(self, which: int | Sequence[float] | Tensor) -> HalfGenerator:
        """The same bound to a class, for generators that have an `of_class` themselves."""
        return replace(self, inner=cast("Any", self.inner).of_class(which))

    def layers(self, space: Space) -> tuple[Layer, ...]:
        return self.inner.layers(space)

    def sample(
        self, seeds: Sequence[int], truncation: float = 0.7, space: Space | None = None
    ) -> Tensor:
        """Latents [N, D] in float32, the other's; of w+, or z where there is no mapping."""
        return self.inner.sample(seeds, truncation=truncation, space=space or self._usual_space())

    def from_z(
        self,
        z: Tensor,
        truncation: float = 1.0,
        cutoff: int | None = None,
        space: Space | None = None,
    ) -> Tensor:
        """Latents [N, D] in float32, the other's; of w+, or z where there is no mapping."""
        return self.inner.from_z(
            z, truncation=truncation, cutoff=cutoff, space=space or self._usual_space()
        )

    def convert(
        self, latents: Tensor, source: Space, target: Space, truncation: float = 1.0
    ) -> Tensor:
        """Latents in float32, the other's."""
        return self.inner.convert(latents, source, target, truncation=truncation)

    def synthesize(
        self,
        latents: Float[Tensor, "n d"],
        space: Space | None = None,
        noise: Noise = "const",
        features: Sequence[str] = (),
        truncation: float = 1.0,
    ) -> Synthesis:
        """Latents [N, D] → image [N, 3, R, R] in float32 and the features in half precision.

        Raises what the other raises, and BadSetting when float16 cannot hold what is computed.
        """
        last: Space = "s" if self._mapped else "z"
        source = space or self._usual_space()
        styles = self.inner.convert(latents, source, last, truncation=truncation)
        dtype = torch.bfloat16 if self.precision == "bfloat16" else torch.float16
        with torch.autocast(self.device.type, dtype=dtype):
            made = self.inner.synthesize(
                styles, space=last, noise=noise, features=features, truncation=truncation
            )
        image = made.image.float()
        if dtype == torch.float16 and not bool(image.isfinite().all()):
            raise _too_large(self.name)
        return Synthesis(image, made.features)

    @property
    def _mapped(self) -> bool:
        """Whether there is any space but z."""
        try:
            self.inner.layers("s")
        except UnknownName:
            return False
        return True

    def _usual_space(self) -> Space:
        return "w+" if self._mapped else "z"


@torch.no_grad()
def _check_range(half: HalfGenerator) -> None:
    z = half.sample([0], space="z")
    made, exact = (g.synthesize(z, space="z", truncation=0.7).image for g in (half, half.inner))
    if float((made - exact).square().mean().sqrt()) > _MOST_ERROR * float(exact.abs().max()):
        raise _too_large(half.name)


def _too_large(name: str) -> BadSetting:
    return BadSetting(
        f"The numbers inside the generator '{name}' do not fit into float16.",
        "Use bfloat16 or float32.",
    )
