"""Photos whose truth is known: figures that no network saw, in scenes as a camera takes them.

A figure is what a world's renderer draws, beside the latent that means it. Its scene has 1 to 24
million pixels, another light, blur and noise; the figure is turned, and the file a JPEG of some
quality, a PNG, a TIFF or a lossless WebP, in any of EXIF's orientations.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float32, UInt8
from PIL import Image, ImageFilter
from torch import Tensor

from eclipsed.editing.photos.crop import Crop
from eclipsed.editing.photos.reading import as_stored, turned
from eclipsed.types import World
from kits.heads.population import Z_DIM as HEADS_Z_DIM
from kits.heads.population import values_from_z
from kits.heads.renderer import Renderer as HeadsRenderer
from kits.starter.design import NUM_WS
from kits.starter.fit_inverter import population_rows
from kits.starter.renderer import Renderer as StarterRenderer

FIRST = 3_000_000  # of the figures' random numbers; trainings and their scores use others
MEGAPIXELS = (1.0, 24.0)
QUALITY = (70, 96)  # of JPEG
SIZE = 160  # of a figure as it is drawn, in pixels
_ORIENTATION = 0x0112
_KINDS = ("JPEG",) * 6 + ("PNG", "JPEG", "TIFF", "WEBP")
_ENDINGS = {"JPEG": "jpg", "PNG": "png", "TIFF": "tif", "WEBP": "webp"}
# How a user says where the figure is; what is said by points may be turned further.
_WAYS = ("points", "points", "box", "middle")
_TURNS = {"points": 12.0, "box": 3.0, "middle": 3.0}  # degrees


@dataclass(frozen=True, eq=False)
class Figure:
    """image: uint8 [S, S, 3]. latent: [1, D] of W+, which means it."""

    image: UInt8[np.ndarray, "s s 3"]
    latent: Tensor


@dataclass(frozen=True)
class Scene:
    """A photo's file. corners: of the figure's square, as a Crop has them. where: the arguments of
    `place_photo` by which a user says it. facts: how the photo was made, as JSON."""

    path: Path
    corners: tuple[tuple[float, float], ...]
    where: dict[str, Any]
    facts: dict[str, Any]


def avatar(world: World, number: int) -> Figure:
    """One of the starter's avatars, half of which are style-mixed."""
    rows, avatars = population_rows(np.random.default_rng(FIRST + number), 1)
    mean = world.generator.w_mean.repeat(NUM_WS)  # type: ignore[attr-defined]
    latent = torch.from_numpy(rows).flatten(1) + mean.cpu()
    return Figure(_starter_renderer().render(avatars).images[0], latent)


def head(world: World, number: int) -> Figure:
    """One of the people of heads."""
    z = np.random.default_rng(FIRST + number).standard_normal((1, HEADS_Z_DIM)).astype(np.float32)
    image = HeadsRenderer(SIZE).render(values_from_z(z)).images[0]
    return Figure(image, world.generator.from_z(torch.from_numpy(z), space="w+").cpu())


FIGURES: dict[str, Callable[[World, int], Figure]] = {"starter": avatar, "heads": head}


@cache
def _starter_renderer() -> StarterRenderer:
    return StarterRenderer(SIZE)


def scene(figure: Figure, number: int, folder: Path, frame: Any) -> Scene:
    """The photo of a figure, written to a folder.

    frame: where a world's faces have their five points, as `World.frame`; None for a box instead.
    """
    rng = np.random.default_rng([FIRST, number])
    way = _WAYS[number % len(_WAYS)]
    way = "box" if way == "points" and frame is None else way
    megapixels = math.exp(rng.uniform(*np.log(MEGAPIXELS)))
    aspect = float(rng.choice([4 / 3, 3 / 2, 3 / 4, 1.0]))
    height = round(math.sqrt(megapixels * 1e6 / aspect))
    width = round(height * aspect)
    corners, turn = _corners(rng, way, height, width)
    pixels = _taken(figure.image, Crop(corners), height, width, rng)
    kind = _KINDS[number % len(_KINDS)]
    orientation = int(rng.choice([1, 1, 1, 1, 3, 6, 8]))
    path = folder / f"{number}.{_ENDINGS[kind]}"
    options = _options(kind, rng)
    path.write_bytes(encoded(pixels, kind, orientation, options))
    facts = {
        "file": kind,
        "megapixels": round(height * width / 1e6, 1),
        "orientation": orientation,
        "way": way,
        "turn": round(turn, 1),
        "side": round(math.dist(corners[0], corners[3])),
        **options,
    }
    return Scene(path, corners, _where(way, corners, frame), facts)


def _corners(rng: np.random.Generator, way: str, height: int, width: int) -> tuple[Any, float]:
    """Where the figure's corners lie, and how far it is turned in degrees."""
    degrees = rng.uniform(-_TURNS[way], _TURNS[way])
    turn = math.radians(degrees)
    reach = math.cos(turn) + math.sin(abs(turn))  # of a turned square, in sides
    smaller = min(height, width)
    side = smaller / reach if way == "middle" else max(180.0, rng.uniform(0.2, 0.7) * smaller)
    half = side * reach / 2
    middle = np.array([width / 2, height / 2])
    if way != "middle":
        middle = np.array([rng.uniform(half, width - half), rng.uniform(half, height - half)])
    across = np.array([math.cos(turn), math.sin(turn)]) * side / 2
    down = np.array([-across[1], across[0]])
    corners = (-across - down, -across + down, across + down, across - down)
    return tuple((float(x), float(y)) for x, y in (middle + each for each in corners)), degrees


def _where(way: str, corners: Any, frame: Any) -> dict[str, Any]:
    quad = np.array(corners)
    if way == "middle":
        return {"align": False}
    if way == "box":
        x, y = quad.mean(0)
        half = math.dist(quad[0], quad[3]) / 2
        return {"box": (x - half, y - half, x + half, y + half)}
    places = np.array(frame)
    at = quad[0] + places[:, :1] * (quad[3] - quad[0]) + places[:, 1:] * (quad[1] - quad[0]) - 0.5
    return {"points": tuple((float(x), float(y)) for x, y in at)}


def _taken(
    image: UInt8[np.ndarray, "s s 3"], crop: Crop, height: int, width: int, rng: np.random.Generator
) -> UInt8[np.ndarray, "h w 3"]:
    """What a camera makes of a figure before a soft ground."""
    ground = Image.fromarray(rng.integers(40, 220, (7, 9, 3)).astype(np.uint8))
    pixels = np.array(ground.resize((width, height), Image.Resampling.BICUBIC))
    values = torch.from_numpy(np.array(image)).float().permute(2, 0, 1)
    (left, top, right, bottom), laid, coverage = crop.back(values, height, width)
    inside = (coverage > 0).numpy()[..., None]
    window = pixels[top:bottom, left:right]
    np.copyto(window, laid.permute(1, 2, 0).numpy().round(), where=inside, casting="unsafe")
    blur = ImageFilter.GaussianBlur(rng.uniform(0.0, 0.75) * math.sqrt(height * width / 1e6))
    blurred = np.asarray(Image.fromarray(pixels).filter(blur))
    return _lit(blurred, rng)


def _lit(
    pixels: UInt8[np.ndarray, "h w 3"], rng: np.random.Generator
) -> UInt8[np.ndarray, "h w 3"]:
    """Pixels in another light, which comes more from one side, with noise."""
    gamma, tint = rng.uniform(0.85, 1.15), rng.uniform(0.9, 1.06, 3)
    curves = [(np.arange(256) / 255) ** gamma * 255 * each for each in tint]
    side = np.linspace(*rng.uniform(0.92, 1.04, 2), pixels.shape[1]).astype(np.float32)[:, None]
    tile = rng.standard_normal((256, 512, 3), np.float32) * np.float32(
        255 * rng.uniform(0.005, 0.03)
    )
    noise = np.tile(tile, (1, -(-pixels.shape[1] // tile.shape[1]), 1))[:, : pixels.shape[1]]
    tables = [curve.astype(np.float32) for curve in curves]
    result = np.empty_like(pixels)
    for start in range(0, len(pixels), len(tile)):
        band = pixels[start : start + len(tile)]
        lit: Float32[np.ndarray, "h w 3"] = np.stack(
            [table[band[..., nth]] for nth, table in enumerate(tables)], -1
        )
        shift = int(rng.integers(pixels.shape[1]))
        lit = lit * side + np.roll(noise, shift, 1)[: len(band)]
        result[start : start + len(tile)] = lit.clip(0, 255).round()
    return result


def _options(kind: str, rng: np.random.Generator) -> dict[str, Any]:
    if kind != "JPEG":
        return {}
    return {
        "quality": int(rng.integers(*QUALITY)),
        "subsampling": int(rng.choice([0, 2, 2])),
        "progressive": bool(rng.uniform() < 0.15),
    }


def encoded(
    pixels: UInt8[np.ndarray, "h w 3"], kind: str, orientation: int, options: dict[str, Any]
) -> bytes:
    """A file of upright pixels that are stored in an orientation."""
    quick: dict[str, dict[str, Any]] = {
        "PNG": {"compress_level": 1},
        "TIFF": {"compression": "tiff_lzw"},
        "WEBP": {"lossless": True, "exact": True, "method": 0},
    }
    exif, buffer = Image.Exif(), io.BytesIO()
    exif[_ORIENTATION] = orientation
    stored = np.ascontiguousarray(turned(pixels, as_stored(orientation)))
    Image.fromarray(stored).save(buffer, kind, exif=exif, **{**quick.get(kind, {}), **options})
    return buffer.getvalue()
