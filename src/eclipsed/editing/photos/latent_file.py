"""An inversion and its file: a photo's latent, and all that is known of how it came about.

The file is safetensors: `latent`, `error` in 8 bits, and what tunes the generator in fp16; one
metadata string, JSON, holds the rest. It can be read wherever a file of latents can.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import torch
from jaxtyping import Float
from safetensors.torch import save
from torch import Tensor

from eclipsed.editing.photos import tuning
from eclipsed.errors import BadFile, WrongGenerator
from eclipsed.files import (
    StrPath,
    metadata_of,
    read_bytes,
    read_tensors,
    refused,
    write_atomic,
)
from eclipsed.types import SPACES, Generator, Space, World, weights_of

KEY = "eclipsed_inversion"  # of the metadata string
FORMAT = 1
_MOST_BYTES = 64 * 2**20
_MOST_NUMBERS = 2**20  # of a latent
_TUNED = "tuned."  # before the names of factors
_LEVELS = 127.5  # of the error's 8 bits, for a difference of 1
_AGAIN = "Make it again: eclipsed invert PHOTO -o LATENT."


@dataclass(frozen=True, eq=False)
class Inversion:
    """A photo's latent, how it was reached, and what it does not show.

    latent: [1, D] of `space`. factors: what tunes the generator, by name; none for most.
    error: [h, w], the mean difference of the colours from the photo's crop, from 0 to 2.
    losses: of every step, with its `stage`. scores: `psnr` in dB; `latent_distance`, beyond 1 lies
    one in a hundred of the generator's own latents; `feature_distance` of the embeddings, where two
    of the generator's own images are 1 apart. notes: warnings, in sentences.
    photo: what is known of the photo, as JSON: the SHA-256 of its file, and its crop.
    """

    latent: Tensor
    space: Space
    method: str
    config: Mapping[str, Any]
    generator_name: str
    generator_fingerprint: str
    error: Tensor
    scores: Mapping[str, float]
    notes: tuple[str, ...] = ()
    losses: tuple[Mapping[str, Any], ...] = ()
    factors: Mapping[str, Tensor] = field(default_factory=dict)
    photo: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0

    def __repr__(self) -> str:
        psnr = self.scores.get("psnr", math.nan)
        return f"<Inversion by {self.method} for {self.generator_name}, {psnr:.1f} dB>"

    def check(self, generator: Generator) -> None:
        """Raise WrongGenerator for another one than the photo was inverted with."""
        if weights_of(generator.fingerprint) != weights_of(self.generator_fingerprint):
            raise WrongGenerator(
                f"This photo was inverted with the generator '{self.generator_name}' "
                f"({self.generator_fingerprint[:12]}), not with '{generator.name}' "
                f"({generator.fingerprint[:12]}).",
                "Choose its world with -w, or invert the photo again.",
            )

    def generator(self, generator: Generator) -> Generator:
        """The generator that shows the photo: the one given, or a copy that is tuned to it.

        Raises WrongGenerator for another one than the photo was inverted with.
        """
        self.check(generator)
        return tuning.tuned(generator, self.factors)

    def world(self, world: World) -> World:
        """The world with the generator that shows the photo; raises what `generator` raises."""
        return replace(world, generator=self.generator(world.generator))

    def image(self, generator: Generator) -> Float[Tensor, "1 3 h w"]:
        """The inverted photo, not edited; generator: as it was loaded, not tuned."""
        own = self.generator(generator)
        with torch.no_grad():
            return own.synthesize(self.latent.to(own.device), self.space).image

    def save(self, path: StrPath) -> None:
        """Write the inversion as one file; raises BadFile where that cannot be."""
        write_atomic(path, self.to_bytes())

    def to_bytes(self) -> bytes:
        """The file that `save` writes."""
        facts = {
            "format": FORMAT,
            "space": self.space,
            "method": self.method,
            "config": dict(self.config),
            "generator": {"name": self.generator_name, "fingerprint": self.generator_fingerprint},
            "scores": dict(self.scores),
            "notes": list(self.notes),
            "losses": [dict(each) for each in self.losses],
            "photo": dict(self.photo),
            "seconds": self.seconds,
        }
        error = (self.error * _LEVELS).round().clamp(0.0, 255.0).to(torch.uint8)
        tensors = {"latent": self.latent.float(), "error": error}
        tensors |= {f"{_TUNED}{name}": value.half() for name, value in self.factors.items()}
        whole = {name: value.detach().cpu().contiguous() for name, value in tensors.items()}
        return save(whole, {KEY: json.dumps(facts)})

    @classmethod
    def load(cls, path: StrPath) -> Inversion:
        """Read what `save` wrote; raises BadFile, with one sentence, for anything else."""
        with refused(path, _AGAIN):
            return cls.read(read_bytes(path, limit=_MOST_BYTES))

    @classmethod
    def read(cls, data: bytes) -> Inversion:
        """Of the bytes of a file; raises BadFile, the reason only, for anything else."""
        tensors, metadata = read_tensors(data)
        if KEY not in metadata:
            raise BadFile("it is no inversion that eclipsed wrote")
        return _checked(tensors, metadata[KEY])


def is_inversion(path: StrPath) -> bool:
    """Whether a file is an inversion; reads no tensor."""
    return KEY in metadata_of(path)


def _checked(tensors: dict[str, Tensor], text: str) -> Inversion:
    """The inversion of a file's content, believed in nothing; BadFile, the reason only."""
    facts: Any = None
    with suppress(ValueError, RecursionError):
        facts = json.loads(text)
    if (
        isinstance(facts, dict)
        and isinstance(facts.get("format"), int)
        and facts["format"] > FORMAT
    ):
        raise BadFile("it is of a newer format", "Upgrade eclipsed.")
    try:
        latent, error = tensors["latent"], tensors["error"]
        sound = latent.dtype == torch.float32 and latent.dim() == 2 and len(latent) == 1
        sound = sound and 0 < latent.numel() <= _MOST_NUMBERS and bool(latent.isfinite().all())
        sound = sound and error.dtype == torch.uint8 and error.dim() == 2 and error.numel() > 0
        factors = {n.removeprefix(_TUNED): v for n, v in tensors.items() if n.startswith(_TUNED)}
        finite = all(bool(value.isfinite().all()) for value in factors.values())
        if not (sound and finite and facts["space"] in SPACES):
            raise ValueError("no inversion")
        return Inversion(
            latent=latent,
            space=facts["space"],
            method=str(facts["method"]),
            config=dict(facts["config"]),
            generator_name=str(facts["generator"]["name"]),
            generator_fingerprint=str(facts["generator"]["fingerprint"]),
            error=error.float() / _LEVELS,
            scores={str(name): float(value) for name, value in facts["scores"].items()},
            notes=tuple(map(str, facts["notes"])),
            losses=tuple(dict(each) for each in facts["losses"]),
            factors=factors,
            photo=dict(facts["photo"]),
            seconds=float(facts["seconds"]),
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error_:
        raise BadFile("it is an inversion that is damaged") from error_
