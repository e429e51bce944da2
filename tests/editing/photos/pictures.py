"""Small photos made in code, as bytes of files."""

from __future__ import annotations

import io
from typing import Any

import numpy as np
from PIL import Image

from eclipsed.editing.photos import png

ORIENTATION = 0x0112


def noise(height: int, width: int, channels: int = 3, seed: int = 0) -> np.ndarray:
    """Soft colours with noise on them, as photos have."""
    rng = np.random.default_rng(seed)
    coarse = Image.fromarray(rng.integers(0, 255, (4, 5, 3), np.uint8)).resize((width, height))
    pixels = np.asarray(coarse).astype(int) + rng.integers(-20, 20, (height, width, 1))
    pixels = pixels.clip(0, 255).astype(np.uint8)
    more = rng.integers(0, 255, (height, width, 1), np.uint8)
    return {
        1: pixels[..., :1],
        2: np.concatenate([pixels[..., :1], more], 2),
        3: pixels,
        4: np.concatenate([pixels, more], 2),
    }[channels]


def picture(pixels: np.ndarray) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def file(
    pixels: np.ndarray | Image.Image, kind: str, orientation: int = 1, **options: Any
) -> bytes:
    buffer, exif = io.BytesIO(), Image.Exif()
    if orientation != 1:
        exif[ORIENTATION] = orientation
    if kind == "WEBP":
        options = {"lossless": True, "exact": True, **options}
    if orientation != 1:
        options["exif"] = exif
    image = picture(pixels) if isinstance(pixels, np.ndarray) else pixels
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def deep(height: int, width: int, channels: int = 3) -> np.ndarray:
    """Noise of 16 bits, whose lower bytes matter."""
    rng = np.random.default_rng(1)
    low = rng.integers(0, 256, (height, width, channels))
    return (noise(height, width, 4)[..., :channels].astype(int) * 256 + low).astype(np.uint16)


def deep_png(pixels: np.ndarray, interlace: bool = False) -> bytes:
    return png.encode(pixels, [], [])


def decoded(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        pixels = np.asarray(image)
    return pixels if pixels.ndim == 3 else pixels[..., None]
