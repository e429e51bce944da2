"""Pictures one after the other as a file that moves: WebP, GIF or MP4.

This module knows no generator and no latents, only pictures of equal size.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Literal, get_args

from PIL import Image

from eclipsed.errors import MissingExtra, install_command

Kind = Literal["webp", "gif", "mp4"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# What a browser calls them.
MEDIA_TYPES: dict[Kind, str] = {"webp": "image/webp", "gif": "image/gif", "mp4": "video/mp4"}
SHORTEST = 10  # milliseconds: a GIF counts in hundredths of a second
# A GIF's colours are chosen by looking at so many of its pictures, made no wider than this.
_LOOKED_AT, _WIDEST = 16, 192


def animated(
    pictures: Sequence[Image.Image], kind: Kind, *, milliseconds: int = 60, exif: bytes = b""
) -> bytes:
    """A file in which the pictures follow each other, each for so many milliseconds.

    WebP and GIF begin anew at the end; an MP4 (H.264) has no say in that, its player has. An MP4's
    sides are even, so that an odd one grows by a pixel. What is transparent becomes black. exif:
    facts about the pictures, which a WebP alone holds.

    Raises MissingExtra for an MP4 where PyAV is not installed, ValueError for no pictures, for
    pictures of different sizes, or for less than 10 milliseconds.
    """
    if not pictures:
        raise ValueError("there is nothing to animate")
    if len({picture.size for picture in pictures}) > 1:
        raise ValueError("the pictures have different sizes")
    if milliseconds < SHORTEST:
        raise ValueError(f"a picture must stay for {SHORTEST} milliseconds or longer")
    frames = [one if one.mode == "RGB" else one.convert("RGB") for one in pictures]
    if kind == "webp":
        return _saved(frames, "WEBP", duration=milliseconds, loop=0, quality=88, exif=exif)
    return _gif(frames, milliseconds) if kind == "gif" else _mp4(frames, milliseconds)


def there_and_back(pictures: Sequence[Image.Image]) -> list[Image.Image]:
    """The pictures, then those between the ends the other way, so that nothing jumps when it begins
    anew."""
    return [*pictures, *pictures[-2:0:-1]]


def need_video() -> Any:
    """PyAV; MissingExtra where it is not installed."""
    try:
        import av
    except ImportError as error:
        raise MissingExtra(
            "An MP4 needs PyAV, which is not installed.",
            f"Choose WebP or GIF, or install it: {install_command('video')}",
        ) from error
    return av


def _gif(pictures: list[Image.Image], milliseconds: int) -> bytes:
    # One palette for all, and no dither, whose dots would crawl over what does not move.
    palette = _palette(pictures)
    drawn = [one.quantize(palette=palette, dither=Image.Dither.NONE) for one in pictures]
    return _saved(drawn, "GIF", duration=milliseconds, loop=0, optimize=False)


def _saved(pictures: list[Image.Image], form: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    pictures[0].save(buffer, form, save_all=True, append_images=pictures[1:], **options)
    return buffer.getvalue()


def _palette(pictures: list[Image.Image]) -> Image.Image:
    """The colours that suit all pictures best, as a picture that has them."""
    step = -(-len(pictures) // _LOOKED_AT)
    small = [one.copy() for one in pictures[::step]]
    for one in small:
        one.thumbnail((_WIDEST, _WIDEST))
    sheet = Image.new("RGB", (small[0].width, small[0].height * len(small)))
    for row, one in enumerate(small):
        sheet.paste(one, (0, row * one.height))
    return sheet.quantize(256, method=Image.Quantize.FASTOCTREE)


def _mp4(pictures: list[Image.Image], milliseconds: int) -> bytes:
    av = need_video()
    wide, high = (side + side % 2 for side in pictures[0].size)
    buffer = io.BytesIO()
    with av.open(buffer, "w", format="mp4") as file:
        stream = file.add_stream("libx264", rate=Fraction(1000, milliseconds))
        stream.width, stream.height, stream.pix_fmt = wide, high, "yuv420p"
        stream.options = {"crf": "18"}
        for picture in pictures:
            frame = av.VideoFrame.from_image(picture.resize((wide, high)))
            file.mux(stream.encode(frame))
        file.mux(stream.encode())
    return buffer.getvalue()
