"""Tensors as pictures: sheets to look at, and PNGs that remember how they were made.

Images are [N, 3, H, W] in [-1, 1]; what lies beyond is clipped only here. A picture's recipe is
JSON in the PNG text chunk `eclipsed`, or in the EXIF of a WebP. Files are told apart by content,
never by name.
"""

from __future__ import annotations

import io
import json
import math
import os
import warnings
import zlib
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from functools import lru_cache
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from PIL import Image, ImageDraw, ImageFilter, ImageFont, UnidentifiedImageError
from PIL.ExifTags import Base
from PIL.PngImagePlugin import PngInfo
from torch import Tensor

from eclipsed.errors import BadFile, BadSetting
from eclipsed.files import StrPath, kind_of, read_bytes, refused, shown, write_atomic

CHUNK = "eclipsed"
FORMATS = ("PNG", "JPEG", "WEBP")
ENDINGS = {".png": "PNG", ".jpg": "JPEG", ".jpeg": "JPEG", ".webp": "WEBP"}
# Of EXIF, where JPEG and WebP keep the recipe; a JPEG has room for so many bytes.
_SOFTWARE, _DESCRIPTION = Base.Software, Base.ImageDescription
_MOST_JPEG_BYTES = 65_000
# A disk takes longer to make a file last than it takes to compress it.
_WRITERS, _WAITING = 4, 16
_STEEPNESS = 0.7  # of enlarged edges: from 0, as soft as Lanczos, to 1
# Far above any photo that makes sense here, far below what fills a memory.
MOST_PIXELS = 40_000_000
_MOST_BYTES = 128 * 2**20

# A sheet's look, in pixels. Cells outside these sizes are scaled, so that text stays in proportion.
_SMALLEST, _LARGEST = 96, 256
_MARGIN, _GAP, _CORNER = 20, 6, 6
_TEXT, _TITLE = 13, 20
_WIDEST_LABEL = 180
_PAPER, _INK, _GREY = "#ffffff", "#1a1a1a", "#6b6b6b"
_CLEAR, _MIDDLE = "#80808000", "#808080"
# Drawn when a label has letters that Pillow's own font lacks.
_WIDE_FONTS = ("DejaVuSans.ttf", "NotoSans-Regular.ttf", "Arial Unicode.ttf", "Arial.ttf")


def to_uint8(images: Float[Tensor, "n 3 h w"]) -> UInt8[Tensor, "n h w 3"]:
    """Images in [-1, 1] as bytes [N, H, W, 3]; what lies beyond is clipped."""
    scaled = ((images.detach().float() + 1.0) * 127.5).round().clamp(0.0, 255.0)
    return scaled.to("cpu", torch.uint8).permute(0, 2, 3, 1).contiguous()


def to_pil(image: Float[Tensor, "*one 3 h w"]) -> Image.Image:
    """One image [3, H, W] or [1, 3, H, W] in [-1, 1] as an RGB picture of the same size.

    Raises BadSetting for any other shape.
    """
    shape = list(image.shape)
    if shape[-3:-2] != [3] or math.prod(shape[:-3]) != 1 or not math.prod(shape):
        raise BadSetting(
            f"A picture is made of one image [3, H, W], not of {shape}.",
            "Take one of a batch, as in images[0], or draw all of them with `grid`.",
        )
    return Image.fromarray(to_uint8(image.reshape(1, *shape[-3:]))[0].numpy())


def strength_label(strength: float) -> str:
    """A strength as a column's label: +1, 0, -0.67."""
    text = f"{strength:+.2f}".rstrip("0").rstrip(".")
    return "0" if text in ("+0", "-0") else text


def grid(images: Float[Tensor, "n 3 h w"], columns: int, labels: Sequence[str] = ()) -> Image.Image:
    """A sheet of images, row by row, each with its label below if there are labels.

    Raises BadSetting where there is no image or column, and unless there is one label for each
    image, or none.
    """
    if not len(images) or columns < 1:
        raise BadSetting(f"A sheet needs images and columns: {len(images)} in {columns} columns.")
    if labels and len(labels) != len(images):
        raise BadSetting(f"There are {len(labels)} labels for {len(images)} images.")
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
    *,
    clear: bool = False,
) -> Image.Image:
    """A sheet with a row for each seed and a column for each strength.

    images: [S, A, 3, H, W]. Labels stand left of the rows and above the columns, an empty
    sequence leaves them out; the title stands above all. clear: on nothing, with letters that can
    be read on a light page and on a dark one, in place of black on white.

    Raises BadSetting for images of another shape, and unless there are as many labels as rows and
    columns.
    """
    if images.ndim != 5 or not images.numel():
        raise BadSetting(
            f"A strip is made of images [S, A, 3, H, W], not {list(images.shape)}.",
            "`strip` gives them; `grid` draws a plain batch.",
        )
    for labels, count in ((row_labels, images.shape[0]), (column_labels, images.shape[1])):
        if labels and len(labels) != count:
            raise BadSetting(f"There are {len(labels)} labels for {count} rows or columns.")
    cells = [[_cell(to_pil(image)) for image in row] for row in images]
    wide, high = cells[0][0].size
    lengths = [round(_font_for(text, _TEXT).getlength(text)) for text in row_labels]
    label_width = max(lengths, default=0)
    left = _MARGIN + (min(label_width, _WIDEST_LABEL) + 2 * _GAP if row_labels else 0)
    top = _MARGIN + (_TITLE + 3 * _GAP if title else 0)
    head = top + (_TEXT + 2 * _GAP if column_labels else 0)
    width = left + images.shape[1] * (wide + _GAP) - _GAP + _MARGIN
    height = head + images.shape[0] * (high + _GAP) - _GAP + _MARGIN
    sheet = Image.new("RGBA" if clear else "RGB", (width, height), _CLEAR if clear else _PAPER)
    ink, grey = (_MIDDLE, _MIDDLE) if clear else (_INK, _GREY)
    _write(sheet, title, (left, _MARGIN), "la", width=width - left, size=_TITLE, ink=ink)
    for column, text in enumerate(column_labels):
        centre = left + column * (wide + _GAP) + wide // 2
        _write(sheet, text, (centre, top), "ma", width=wide, ink=grey)
    for row, line in enumerate(cells):
        y = head + row * (high + _GAP)
        if row_labels:
            position = (left - 2 * _GAP, y + high // 2)
            _write(sheet, row_labels[row], position, "rm", width=_WIDEST_LABEL, ink=grey)
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


def enlarged(picture: Image.Image, times: int) -> Image.Image:
    """A picture so many times larger, with steep edges that do not ring.

    After Lanczos each pixel goes on towards the nearer of its neighbourhood's extremes, which keeps
    drawn outlines crisp. Once is the picture itself. Raises ValueError for less than once.
    """
    if times < 1:
        raise ValueError(f"{times} times is no size")
    if times == 1:
        return picture
    size = (picture.width * times, picture.height * times)
    return Image.merge(picture.mode, [_steep(colour, size) for colour in picture.split()])


def _steep(colour: Image.Image, size: tuple[int, int]) -> Image.Image:
    """One colour of a picture at another size. `enlarge` in the editor's picture.js is the same."""

    def sized(picture: Image.Image, how: Image.Resampling) -> np.ndarray:
        return np.asarray(picture.resize(size, how), np.float32)

    soft = sized(colour, Image.Resampling.LANCZOS)
    low = sized(colour.filter(ImageFilter.MinFilter(3)), Image.Resampling.BILINEAR)
    span = sized(colour.filter(ImageFilter.MaxFilter(3)), Image.Resampling.BILINEAR) - low
    along = ((soft - low) / np.maximum(span, 1.0)).clip(0.0, 1.0)
    along += _STEEPNESS * (along * along * (3.0 - 2.0 * along) - along)
    return Image.fromarray((low + along * span).round().clip(0.0, 255.0).astype(np.uint8))


def png_bytes(picture: Image.Image, recipe: Mapping[str, Any] | None = None) -> bytes:
    """A PNG with its recipe inside; the recipe is what JSON can hold."""
    chunks = PngInfo()
    if recipe is not None:
        chunks.add_text(CHUNK, recipe_text(recipe))
    buffer = io.BytesIO()
    # Of a generator's image as small as zlib's usual search makes it, in a third of the time.
    picture.save(buffer, "PNG", pnginfo=chunks, compress_type=zlib.Z_RLE)
    return buffer.getvalue()


def recipe_text(recipe: Mapping[str, Any]) -> str:
    """A recipe as it is written into files: ASCII, so that the plainest chunk holds any prompt.

    Raises BadSetting for a recipe that is no JSON.
    """
    try:
        return json.dumps(recipe, ensure_ascii=True, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise BadSetting(f"This recipe is no JSON: {error}.") from error


def save_png(
    picture: Image.Image | Tensor, path: StrPath, recipe: Mapping[str, Any] | None = None
) -> None:
    """Write a PNG, whole or not at all, with its recipe inside.

    picture: a picture, or an image as `to_pil` takes it. recipe: what made it, as JSON can hold it.

    Raises BadFile when it cannot be written, BadSetting for a recipe that is no JSON.
    """
    picture = to_pil(picture) if isinstance(picture, Tensor) else picture
    write_atomic(path, png_bytes(picture, recipe))


def save_pngs(pictures: Iterable[tuple[Tensor, StrPath, Mapping[str, Any]]]) -> None:
    """Write images [3, H, W] as PNGs with their recipes, each whole or not at all, while the next
    ones are computed; a few wait at most, however many there are.

    Raises what `save_png` raises; those that are waiting then are not begun.
    """
    with ThreadPoolExecutor(_WRITERS) as pool:
        waiting: deque[Future[None]] = deque()
        try:
            for image, path, recipe in pictures:
                waiting.append(pool.submit(save_png, to_pil(image), path, recipe))
                if len(waiting) > _WAITING:
                    waiting.popleft().result()
            while waiting:
                waiting.popleft().result()
        finally:
            for each in waiting:
                each.cancel()


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
    exif, buffer = b"" if recipe is None else recipe_facts(recipe), io.BytesIO()
    if kind == "JPEG" and len(exif) > _MOST_JPEG_BYTES:
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


def recipe_within(data: bytes) -> dict[str, Any] | None:
    """The recipe of a picture by its file's bytes; None where there is none, whatever they are.

    Raises BadFile, the reason only, for a recipe that is no JSON object.
    """
    text = None
    with suppress(Exception), warnings.catch_warnings():  # whoever wants the picture hears of it
        warnings.simplefilter("ignore")
        text = _written(Image.open(io.BytesIO(data), formats=FORMATS))
    return _recipe(text)


def recipe_facts(recipe: Mapping[str, Any]) -> bytes:
    """A recipe as the EXIF data of a WebP or JPEG."""
    facts = Image.Exif()
    facts[_SOFTWARE], facts[_DESCRIPTION] = CHUNK, recipe_text(recipe)
    return facts.tobytes()


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
            return opaque(picture), _recipe(_written(picture))
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


def opaque(picture: Image.Image) -> Image.Image:
    """An RGB picture, with white where it was see-through."""
    if not picture.has_transparency_data:
        return picture.convert("RGB")
    layer = picture.convert("RGBA")
    paper = Image.new("RGBA", layer.size, _PAPER)
    return Image.alpha_composite(paper, layer).convert("RGB")


def _written(picture: Image.Image) -> str | None:
    """The text of a recipe: a chunk of a PNG, or among what another picture says of itself."""
    if picture.format == "PNG":
        return getattr(picture, "text", {}).get(CHUNK)
    with suppress(Exception):  # cameras write odd EXIF data into good pictures
        facts = picture.getexif()
        return facts.get(_DESCRIPTION) if facts.get(_SOFTWARE) == CHUNK else None
    return None


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
