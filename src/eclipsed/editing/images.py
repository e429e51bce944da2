"""Tensors as pictures: sheets to look at, and PNGs that remember how they were made.

Images are [N, 3, H, W] in [-1, 1]; what lies beyond is clipped only here. A picture's recipe is
JSON in the PNG text chunk `eclipsed`. Files are told apart by content, never by name.
"""

from __future__ import annotations

import io
import json
import os
import warnings
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from contextlib import suppress
from functools import lru_cache
from typing import Any

import torch
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFont, UnidentifiedImageError
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from eclipsed.errors import BadFile
from eclipsed.files import StrPath, kind_of, read_bytes, refused, shown, write_atomic

CHUNK = "eclipsed"
FORMATS = ("PNG", "JPEG", "WEBP")
ENDINGS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
_DESCRIPTION = 0x010E  # of EXIF: where other kinds than PNG keep the recipe
_MOST_JPEG_BYTES = 65_000
# Far above any photo that makes sense here, far below what fills a memory.
MOST_PIXELS = 40_000_000
_MOST_BYTES = 128 * 2**20

# A sheet's look, in pixels. Cells outside these sizes are scaled, so that text stays in proportion.
_SMALLEST, _LARGEST = 96, 256
_MARGIN, _GAP, _CORNER = 20, 6, 6
_TEXT, _TITLE = 13, 20
_WIDEST_LABEL = 180
_PAPER, _INK, _GREY = "#ffffff", "#1a1a1a", "#6b6b6b"
# Drawn when a label has letters that Pillow's own font lacks.
_WIDE_FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "Arial Unicode.ttf", "Arial.ttf")


def to_uint8(images: Float[Tensor, "n 3 h w"]) -> UInt8[Tensor, "n h w 3"]:
    """Images in [-1, 1] as bytes [N, H, W, 3]; what lies beyond is clipped."""
    scaled = ((images.detach().float() + 1.0) * 127.5).round().clamp(0.0, 255.0)
    return scaled.to("cpu", torch.uint8).permute(0, 2, 3, 1).contiguous()


def to_pil(image: Float[Tensor, "3 h w"]) -> Image.Image:
    """One image in [-1, 1] as an RGB picture of the same size."""
    return Image.fromarray(to_uint8(image[None])[0].numpy())


def strength_label(strength: float) -> str:
    """A strength as a column's label: +1, 0, -0.67."""
    text = f"{strength:+.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("+0", "-0") else text


def grid(images: Float[Tensor, "n 3 h w"], columns: int, labels: Sequence[str] = ()) -> Image.Image:
    """A sheet of images, row by row, each with its label below if there are labels.

    Raises ValueError unless there is one label for each image, or none.
    """
    if labels and len(labels) != len(images):
        raise ValueError(f"{len(labels)} labels for {len(images)} images")
    cells = [_cell(to_pil(image)) for image in images]
    wide, high = cells[0].size
    step = high + (_TEXT + 2 * _GAP if labels else 0) + _GAP
    rows = -(-len(cells) // columns)
    width = 2 * _MARGIN + min(columns, len(cells)) * (wide + _GAP) - _GAP
    sheet = Image.new("RGB", (width, 2 * _MARGIN + rows * step - _GAP), _PAPER)
    for index, cell in enumerate(cells):
        row, column = divmod(index, columns)
        x, y = _MARGIN + column * (wide + _GAP), _MARGIN + row * step
        sheet.paste(cell, (x, y), _rounded(cell.size))
        if labels:
            _write(sheet, labels[index], (x + wide // 2, y + high + _GAP), "ma", width=wide)
    return sheet


def strip_picture(
    images: Float[Tensor, "s a 3 h w"],
    row_labels: Sequence[str],
    column_labels: Sequence[str],
    title: str = "",
) -> Image.Image:
    """A sheet with a row for each seed and a column for each strength.

    images: [S, A, 3, H, W]. Labels stand left of the rows and above the columns, an empty
    sequence leaves them out; the title stands above all.

    Raises ValueError unless there are as many labels as rows and columns.
    """
    for labels, count in ((row_labels, images.shape[0]), (column_labels, images.shape[1])):
        if labels and len(labels) != count:
            raise ValueError(f"{len(labels)} labels for {count} rows or columns")
    cells = [[_cell(to_pil(image)) for image in row] for row in images]
    wide, high = cells[0][0].size
    lengths = [round(_font_for(text, _TEXT).getlength(text)) for text in row_labels]
    label_width = max(lengths, default=0)
    left = _MARGIN + (min(label_width, _WIDEST_LABEL) + 2 * _GAP if row_labels else 0)
    top = _MARGIN + (_TITLE + 3 * _GAP if title else 0)
    head = top + (_TEXT + 2 * _GAP if column_labels else 0)
    width = left + images.shape[1] * (wide + _GAP) - _GAP + _MARGIN
    height = head + images.shape[0] * (high + _GAP) - _GAP + _MARGIN
    sheet = Image.new("RGB", (width, height), _PAPER)
    _write(sheet, title, (left, _MARGIN), "la", width=width - left, size=_TITLE, ink=_INK)
    for column, text in enumerate(column_labels):
        _write(sheet, text, (left + column * (wide + _GAP) + wide // 2, top), "ma", width=wide)
    for row, line in enumerate(cells):
        y = head + row * (high + _GAP)
        if row_labels:
            position = (left - 2 * _GAP, y + high // 2)
            _write(sheet, row_labels[row], position, "rm", width=_WIDEST_LABEL)
        for column, cell in enumerate(line):
            sheet.paste(cell, (left + column * (wide + _GAP), y), _rounded(cell.size))
    return sheet


def _cell(picture: Image.Image) -> Image.Image:
    """A picture at a size that suits a sheet: small ones enlarged by whole factors."""
    longest = max(picture.size)
    if longest < _SMALLEST:
        scale, filtering = float(-(-_SMALLEST // longest)), Image.Resampling.NEAREST
    elif longest > _LARGEST:
        scale, filtering = _LARGEST / longest, Image.Resampling.LANCZOS
    else:
        return picture
    size = (round(picture.width * scale), round(picture.height * scale))
    return picture.resize(size, filtering)


@lru_cache(maxsize=8)
def _rounded(size: tuple[int, int]) -> Image.Image:
    """A mask with round corners, drawn four times larger so that they are smooth."""
    large = Image.new("L", (size[0] * 4, size[1] * 4), 0)
    box = (0, 0, large.width - 1, large.height - 1)
    ImageDraw.Draw(large).rounded_rectangle(box, _CORNER * 4, fill=255)
    return large.resize(size, Image.Resampling.BOX)


@lru_cache(maxsize=16)
def _font(size: int, *, wide: bool) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    for name in _WIDE_FONTS if wide else ():
        with suppress(OSError):
            return ImageFont.truetype(name, size)
    return ImageFont.load_default(size)


def _font_for(text: str, size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    # Pillow's own font is the same on every machine, but knows little more than ASCII.
    return _font(size, wide=not text.replace("…", "").isascii())


def _write(
    sheet: Image.Image,
    text: str,
    position: tuple[int, int],
    anchor: str,
    *,
    width: int,
    size: int = _TEXT,
    ink: str = _GREY,
) -> None:
    """One line of text, cut short to a width."""
    text = " ".join(text.split())
    font = _font_for(text, size)
    if font.getlength(text) > width:
        fits = bisect_left(
            range(len(text)), True, key=lambda end: font.getlength(text[: end + 1] + "…") > width
        )
        text = text[:fits].rstrip() + "…"
    ImageDraw.Draw(sheet).text(position, text, fill=ink, font=font, anchor=anchor)


def save_png(picture: Image.Image, path: StrPath, recipe: Mapping[str, Any] | None = None) -> None:
    """Write a PNG, whole or not at all, with its recipe inside.

    recipe: what made the picture, as JSON can hold it.

    Raises BadFile when it cannot be written.
    """
    chunks = PngInfo()
    if recipe is not None:
        # ASCII, so that the plainest kind of text chunk holds every prompt.
        chunks.add_text(CHUNK, json.dumps(recipe, ensure_ascii=True, allow_nan=False))
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", pnginfo=chunks)
    write_atomic(path, buffer.getvalue())


def save_picture(
    picture: Image.Image, path: StrPath, recipe: Mapping[str, Any] | None = None
) -> None:
    """Write a PNG, JPEG or WebP, as its ending says, whole or not at all, with its recipe inside.

    Raises BadFile when it cannot be written, and where a JPEG has no room for the recipe.
    """
    kind = ENDINGS.get(os.path.splitext(path)[1].lower(), "PNG")
    if kind == "PNG":
        save_png(picture, path, recipe)
        return
    exif, buffer = Image.Exif(), io.BytesIO()
    if recipe is not None:
        exif[_DESCRIPTION] = f"{CHUNK} {json.dumps(recipe, allow_nan=False)}"
    if kind == "JPEG" and len(exif.tobytes()) > _MOST_JPEG_BYTES:
        raise BadFile(f"Cannot write {shown(path)}: its recipe is too long.", "Save it as a PNG.")
    options = {"lossless": True} if kind == "WEBP" else {"quality": 95, "subsampling": 0}
    picture.save(buffer, kind, exif=exif, **options)
    write_atomic(path, buffer.getvalue())


def load_png(path: StrPath) -> tuple[Image.Image, dict[str, Any] | None]:
    """An RGB picture from a PNG, JPEG or WebP file, and its recipe or None.

    What is transparent becomes white; of an animation the first picture is taken.

    Raises BadFile for any other or damaged file, one of more than 40 million pixels, or a recipe
    that is no JSON object.
    """
    data = read_bytes(path, limit=_MOST_BYTES)
    with refused(path):
        return _decode(data)


def _decode(data: bytes) -> tuple[Image.Image, dict[str, Any] | None]:
    kind = kind_of(data)
    if not kind.endswith("picture"):
        raise BadFile(f"it is {kind}, not a picture", "Give a PNG, JPEG or WebP file.")
    try:
        with warnings.catch_warnings():
            # Pillow only warns of the smaller bombs, and of odd metadata in good pictures.
            warnings.simplefilter("ignore")
            picture = Image.open(io.BytesIO(data), formats=FORMATS)
            if picture.width * picture.height > MOST_PIXELS:
                raise Image.DecompressionBombError
            picture.load()
            return _opaque(picture), _recipe(_recipe_text(picture))
    except UnidentifiedImageError as error:
        message = f"it is {kind} that is damaged or of a kind that is not read"
        raise BadFile(message, "Give a PNG, JPEG or WebP file.") from error
    except Image.DecompressionBombError as error:
        message = f"it has more than {MOST_PIXELS // 10**6} million pixels"
        raise BadFile(message, "Make it smaller first.") from error
    except BadFile:
        raise
    except Exception as error:  # Pillow's decoders leak every kind of exception
        raise BadFile("it is a damaged picture", "Get it again.") from error


def _recipe_text(picture: Image.Image) -> str | None:
    """The recipe of a PNG's chunk, or of the description in another picture's EXIF data."""
    text: str | None = getattr(picture, "text", {}).get(CHUNK)
    described = ""
    with suppress(Exception):  # cameras write odd EXIF data into good pictures
        described = str(picture.getexif().get(_DESCRIPTION, ""))
    start = f"{CHUNK} "
    return described.removeprefix(start) if not text and described.startswith(start) else text


def _opaque(picture: Image.Image) -> Image.Image:
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    paper = Image.new("RGBA", layer.size, _PAPER)
    return Image.alpha_composite(paper, layer).convert("RGB")


def _recipe(text: str | None) -> dict[str, Any] | None:
    if text is None:
        return None
    recipe = None
    with suppress(ValueError, RecursionError):
        recipe = json.loads(text)
    if not isinstance(recipe, dict):
        raise BadFile(
            "the recipe inside is damaged", "Save it anew with another program to use the picture."
        )
    return recipe
