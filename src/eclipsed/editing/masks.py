"""Masks: where an edit may change the image, grown by pixels, or drawn by hand as a value.

A drawn mask holds greys as a picture does, so that what comes back from a file or a recipe is
what was drawn, bit for bit. This module knows no generator and no edit.
"""

from __future__ import annotations

import base64
import io
import warnings
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from PIL import Image
from torch import Tensor
from torch.nn import functional as F

from eclipsed.errors import BadFile, BadSetting, EclipsedError
from eclipsed.files import StrPath, kind_of, read_bytes, refused, sha256_of
from eclipsed.types import Segmenter, Synthesis

# Widths in pixels are given for images of this size, and grow with the image.
REFERENCE = 128
DILATION = 2  # pixels around masks; locality depends on it, so it goes with every number
WIDEST = 2048  # pixels of a side
LONGEST = 200_000  # characters of a mask in a recipe
_MOST_BYTES = 16 * 2**20
_HINT = "Give a black and white PNG: white may change, black stays."


def pixels_at(resolution: int, pixels: int) -> int:
    """A width given for 128 px images, at another longer side; never less than one pixel."""
    return max(1, round(pixels * resolution / REFERENCE))


def dilate(mask: Float[Tensor, "n h w"], pixels: int) -> Float[Tensor, "n h w"]:
    """The mask grown by `pixels` in every direction, diagonals included."""
    return F.max_pool2d(mask[:, None], 2 * pixels + 1, stride=1, padding=pixels)[:, 0]


def region_masks(
    synthesis: Synthesis, segmenter: Segmenter, regions: Sequence[str]
) -> Float[Tensor, "n h w"]:
    """The segmenter's masks; BadSetting where they have another shape than the images."""
    masks = segmenter.masks(synthesis, regions)
    count, _, height, width = synthesis.image.shape
    if masks.shape != (count, height, width):
        raise BadSetting(
            f"The segmenter '{segmenter.name}' gives masks of the shape {list(masks.shape)}, not "
            f"{[count, height, width]} as the images have.",
            "Its `masks` must return [N, H, W].",
        )
    return masks


def change_region(
    before: Float[Tensor, "n h w"], after: Float[Tensor, "n h w"]
) -> Float[Tensor, "n h w"]:
    """Where an edit may change images: the union of the masks before and after it, dilated."""
    union = torch.maximum(before, after)
    return dilate(union, pixels_at(max(union.shape[-2:]), DILATION))


@dataclass(frozen=True)
class Mask:
    """Greys, row by row: 255 may change, 0 stays, those between change in part."""

    height: int
    width: int
    greys: bytes = field(repr=False)

    def __post_init__(self) -> None:
        if not (1 <= self.height <= WIDEST and 1 <= self.width <= WIDEST):
            raise BadSetting(
                f"A mask of {self.width}×{self.height} pixels makes no sense.",
                f"Its sides must be from 1 to {WIDEST} pixels; the image's own size is enough.",
            )
        if len(self.greys) != self.height * self.width:
            raise ValueError(f"{len(self.greys)} greys for {self.height}×{self.width} pixels")

    @classmethod
    def of(cls, numbers: Tensor) -> Mask:
        """Of numbers [h, w] from 0 to 1, or of bools; in steps of 1/255.

        Raises BadSetting for another shape or other numbers.
        """
        if numbers.ndim != 2:
            raise BadSetting(f"A mask has the shape [h, w], not {list(numbers.shape)}.")
        values = numbers.detach().to("cpu", torch.float32)
        if not bool(((values >= 0.0) & (values <= 1.0)).all()):
            raise BadSetting("A mask holds numbers from 0 (stays) to 1 (may change).")
        greys = (values * 255.0).round().to(torch.uint8).numpy()
        return cls(numbers.shape[0], numbers.shape[1], greys.tobytes())

    @classmethod
    def load(cls, path: StrPath) -> Mask:
        """Of a PNG file: white may change, black and what is transparent stays.

        Raises BadFile for a file that cannot be read or is no such picture.
        """
        data = read_bytes(path, limit=_MOST_BYTES)
        with refused(path):
            return cls.read(data)

    @classmethod
    def read(cls, data: bytes) -> Mask:
        """Of the bytes of a PNG; raises BadFile for anything else."""
        if kind_of(data) != "a PNG picture":
            raise BadFile(f"this mask is {kind_of(data)}, not a PNG picture.", _HINT)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of odd metadata in good pictures
                picture = Image.open(io.BytesIO(data), formats=("PNG",))
                if max(picture.size) > WIDEST:
                    raise BadFile(f"this mask is wider or higher than {WIDEST} pixels.", _HINT)
                picture.load()
                greys = _greys(picture)
        except EclipsedError:
            raise
        except Exception as error:  # Pillow's decoders leak every kind of exception
            raise BadFile("this mask is a damaged picture.", _HINT) from error
        return cls(picture.height, picture.width, greys)

    @classmethod
    def from_text(cls, text: str) -> Mask:
        """Of what `text` gave; raises BadFile for anything else."""
        if len(text) > LONGEST:
            raise BadFile("the mask is too large.", _HINT)
        try:
            data = base64.b64decode(text, validate=True)
        except ValueError as error:
            raise BadFile("the mask is damaged.", _HINT) from error
        return cls.read(data)

    def text(self) -> str:
        """The mask as plain text for a recipe; BadSetting where it would be too long for one."""
        text = base64.b64encode(self.png()).decode()
        if len(text) > LONGEST:
            raise BadSetting(
                "This mask has too much detail to be kept in a picture.", "Make it smaller."
            )
        return text

    def png(self) -> bytes:
        """The mask as a grey PNG."""
        buffer = io.BytesIO()
        picture = Image.frombytes("L", (self.width, self.height), self.greys)
        picture.save(buffer, "PNG", optimize=True)
        return buffer.getvalue()

    @property
    def digest(self) -> str:
        """Hex that is the same for equal masks only."""
        return sha256_of(f"{self.height} {self.width} ".encode() + self.greys)

    def sized(self, height: int, width: int) -> Float[Tensor, "h w"]:
        """The mask at the size of an image, from 0 to 1; the very greys where it has that size."""
        values = torch.frombuffer(bytearray(self.greys), dtype=torch.uint8).float() / 255.0
        values = values.view(self.height, self.width)
        if values.shape == (height, width):
            return values
        size = (height, width)
        scaled = F.interpolate(values[None, None], size, mode="bilinear", antialias=True)
        return scaled[0, 0].clamp(0.0, 1.0)


def _greys(picture: Image.Image) -> bytes:
    if picture.mode.startswith("I"):  # 16 bits
        values = np.asarray(picture.convert("I")).astype(np.float64) / 257.0
        return values.round().clip(0, 255).astype(np.uint8).tobytes()
    if picture.has_transparency_data:
        layer = picture.convert("RGBA")
        picture = Image.alpha_composite(Image.new("RGBA", layer.size, "#000"), layer)
    return picture.convert("L").tobytes()
