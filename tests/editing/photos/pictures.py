"""Small photos made in code, as bytes of files."""

from __future__ import annotations

import io
import struct
import zlib
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


def deep_png(pixels: np.ndarray) -> bytes:
    return png.encode(pixels, [], [])


def deep_tiff(
    pixels: np.ndarray,
    order: str = "<",
    code: int = 1,
    *,
    predictor: int = 1,
    rows: int = 4,
    tiled: tuple[int, int, int, int] | None = None,
) -> bytes:
    """A TIFF in strips of 8 or 16 bits; code: 1 as they are, 8 deflated.

    tiled: the picture's width and height, and those of tiles; the pixels are tiles in a column.
    """
    height, width, channels = pixels.shape
    if predictor == 2:
        pixels = np.diff(pixels, axis=1, prepend=np.zeros_like(pixels[:, :1]))
    octets = pixels.astype(pixels.dtype.newbyteorder(order))  # type: ignore[call-overload]
    strips = [octets[start : start + rows].tobytes() for start in range(0, height, rows)]
    strips = strips if code == 1 else [zlib.compress(strip) for strip in strips]
    body, places = bytearray(b"II*\0" if order == "<" else b"MM\0*"), []
    body += b"\0" * 4
    for strip in strips:
        places.append(len(body))
        body += strip + b"\0" * (len(strip) % 2)
    tags: dict[int, list[int]] = {
        256: [width],
        257: [height],
        258: [8 * pixels.itemsize] * channels,
        259: [code],
        262: [2 if channels > 2 else 1],
        273: places,
        277: [channels],
        278: [rows],
        279: [len(strip) for strip in strips],
        317: [predictor],
        **({338: [2]} if channels in (2, 4) else {}),
        **({} if tiled is None else {256: [tiled[0]], 257: [tiled[1]]}),
    }
    if tiled is not None:
        sizes, places = tags.pop(279), tags.pop(273)
        tags |= {322: [tiled[2]], 323: [tiled[3]], 324: places, 325: sizes}
        del tags[278]
    entries = b""
    for tag, values in sorted(tags.items()):
        numbers = struct.pack(f"{order}{len(values)}I", *values)
        if len(values) > 1:
            numbers, where = struct.pack(order + "I", len(body)), numbers
            body += where
        entries += struct.pack(order + "HHI", tag, 4, len(values)) + numbers
    body[4:8] = struct.pack(order + "I", len(body))
    body += struct.pack(order + "H", len(tags)) + entries + b"\0" * 4
    return bytes(body)


def decoded(data: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(data)) as image:
        pixels = np.asarray(image)
    return pixels if pixels.ndim == 3 else pixels[..., None]


def wide_profile() -> bytes:
    """A profile of Display P3's colours, which are wider than sRGB's, with a gamma of 2.2."""
    columns = {
        b"wtpt": (0.9642, 1.0, 0.8249),
        b"rXYZ": (0.51512, 0.24120, -0.00105),
        b"gXYZ": (0.29198, 0.69225, 0.04189),
        b"bXYZ": (0.15710, 0.06657, 0.78407),
    }
    tags = {
        name: b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(n * 65536) for n in numbers))
        for name, numbers in columns.items()
    }
    curve = b"curv\0\0\0\0" + struct.pack(">IHH", 1, round(2.2 * 256), 0)
    tags |= dict.fromkeys((b"rTRC", b"gTRC", b"bTRC"), curve)
    tags[b"desc"] = b"desc\0\0\0\0" + struct.pack(">I", 5) + b"wide\0" + b"\0" * 78 + b"\0"
    tags[b"cprt"] = b"text\0\0\0\0none\0\0\0\0"
    table, body = struct.pack(">I", len(tags)), b""
    for name, content in tags.items():
        table += name + struct.pack(">II", 132 + 12 * len(tags) + len(body), len(content))
        body += content + b"\0" * (-len(content) % 4)
    head = struct.pack(
        ">I4sI4s4s4s", 132 + len(table) - 4 + len(body), b"", 0x02400000, b"mntr", b"RGB ", b"XYZ "
    )
    head = head.ljust(36, b"\0") + b"acsp"
    head = head.ljust(68, b"\0") + struct.pack(">3i", 63190, 65536, 54061)
    return head.ljust(128, b"\0") + table + body
