"""A latent that an image starts from in place of a seed's, as a value that a recipe can hold.

Files of latents are read by `eclipsed.editing.latents`; this module only holds their numbers.
"""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from eclipsed.errors import BadFile, BadSetting
from eclipsed.files import sha256_of
from eclipsed.types import SPACES, Generator, Space

MOST_BYTES = 64 * 2**10  # of numbers in a recipe; a W+ of 18 rows of 512 takes 36 kB
_LONGEST_NAME = 200


@dataclass(frozen=True)
class Start:
    """name: the file's, without its folder. numbers: of one latent, little-endian float32."""

    name: str
    space: Space
    numbers: bytes = field(repr=False)

    @classmethod
    def of(cls, name: str, space: Space, latent: Float[Tensor, "1 d"]) -> Start:
        """Of a latent that `read_latent` read."""
        numbers = latent.detach().cpu().numpy().astype("<f4")
        return cls(name[:_LONGEST_NAME], space, numbers.tobytes())

    @classmethod
    def from_text(cls, name: str, space: str, text: str) -> Start:
        """Of what `text` gave; raises BadFile for anything else."""
        spaces = [known for known in SPACES if known == space]
        try:
            numbers = base64.b64decode(text, validate=True) if len(text) <= 2 * MOST_BYTES else b""
        except ValueError:
            numbers = b""
        if not spaces or not numbers or len(numbers) % 4:
            raise BadFile("the latent inside is damaged.")
        if not np.isfinite(np.frombuffer(numbers, "<f4")).all():
            raise BadFile("the latent inside holds numbers that are not finite.")
        return cls(name[:_LONGEST_NAME], spaces[0], numbers)

    def text(self) -> str:
        """The numbers as plain text for a recipe; BadSetting where there are too many for one."""
        if len(self.numbers) > MOST_BYTES:
            raise BadSetting(
                f"This latent takes {len(self.numbers) // 1024} kB, and a picture keeps at most "
                f"{MOST_BYTES // 1024} kB of one.",
                "Edit it on the command line, with --latent.",
            )
        return base64.b64encode(self.numbers).decode()

    def latent(self, generator: Generator) -> Float[Tensor, "1 d"]:
        """The latent; BadFile where it is none of this generator."""
        latent = torch.from_numpy(np.frombuffer(self.numbers, "<f4").astype(np.float32))[None]
        width = latent.shape[1]
        if width != sum(layer.width for layer in generator.layers(self.space)):
            raise BadFile(
                f"There is no latent of {width} numbers in {self.space} of '{generator.name}'."
            )
        return latent.to(generator.device)

    def npy(self) -> bytes:
        """The latent as the bytes of a .npy file."""
        buffer = io.BytesIO()
        np.save(buffer, np.frombuffer(self.numbers, "<f4")[None])
        return buffer.getvalue()

    @property
    def digest(self) -> str:
        """Hex that is the same for equal latents only, whatever their files are called."""
        return sha256_of(f"{self.space} ".encode() + self.numbers)
