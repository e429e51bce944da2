"""Photos that are odd, broken or none: what the command line makes of each, as a table.

    python -m benchmarks.photos.odd [--report docs/bench/odd-photos.md]

Each is edited by `eclipsed edit --photo` in a folder of its own. Afterwards the photo must have the
bytes it had, and the folder nothing but it and what was asked for.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import os
import sys
import tempfile
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

import eclipsed
from benchmarks.photos.scenes import encoded
from eclipsed import cli
from eclipsed.editing.photos import png

NUMBERS = (11, 12, 13)  # seeds of the avatars
_HIGH, _WIDE = 480, 640
_HEAD = """# Odd photos

What `eclipsed edit --photo` makes of each, on the built-in world. The photo's bytes stayed the \
same and nothing was left behind in {same} of {count}. `python -m benchmarks.photos.odd` writes \
this page.

| photo | came out | what was said |
|---|---|---|"""


@dataclass(frozen=True)
class Odd:
    """A file, and the arguments by which the face in it is said."""

    name: str
    data: bytes
    ending: str
    options: tuple[str, ...] = ()


def odd_photos(avatars: Sequence[Image.Image]) -> list[Odd]:
    """All of them, around the same few avatars."""
    one = _scene(avatars[:1])
    box = ("--box", "60,120,300,360")
    deep = np.asarray(one).astype(np.uint16) * 257
    alpha = one.copy()
    alpha.putalpha(Image.linear_gradient("L").resize(one.size))
    jpeg, plain = _saved(one, "JPEG"), _saved(one, "PNG")
    photos = [
        Odd("grey JPEG", _saved(one.convert("L"), "JPEG"), "jpg"),
        Odd("CMYK JPEG", _saved(one.convert("CMYK"), "JPEG"), "jpg"),
        Odd("progressive JPEG", _saved(one, "JPEG", progressive=True), "jpg"),
        Odd("JPEG in 4:4:4 of quality 30", _saved(one, "JPEG", quality=30, subsampling=0), "jpg"),
        Odd("16-bit PNG", png.encode(deep, [], []), "png"),
        Odd("16-bit grey PNG", png.encode(deep[..., :1], [], []), "png"),
        Odd("palette PNG", _saved(one.quantize(64), "PNG"), "png"),
        Odd("black and white PNG", _saved(one.convert("1"), "PNG"), "png"),
        Odd("PNG with alpha", _saved(alpha, "PNG"), "png"),
        Odd("PNG with a colour profile", _saved(one, "PNG", icc_profile=_profile()), "png"),
        Odd("lossy WebP", _saved(one, "WEBP", quality=80), "webp"),
        Odd("animated PNG", _moving(one, "PNG"), "png"),
        Odd("animated WebP", _moving(one, "WEBP"), "webp"),
        Odd("GIF", _saved(one, "GIF"), "gif"),
        Odd("BMP", _saved(one, "BMP"), "bmp"),
        Odd("TIFF of fractions", _saved(Image.fromarray(_fractions(one)), "TIFF"), "tif"),
        Odd("PNG by the name of JPEG", plain, "jpg"),
        Odd("JPEG cut in the middle", jpeg[: len(jpeg) // 2], "jpg"),
        Odd("PNG cut in the middle", plain[: len(plain) // 2], "png"),
        Odd("JPEG with a damaged head", jpeg[:2] + b"\xff\xc4\x00\x02" + jpeg[30:], "jpg"),
        Odd("PNG that claims 3,600 million pixels", _bomb(plain), "png"),
        Odd("60-megapixel JPEG", _saved(one.resize((10_000, 6_000)), "JPEG"), "jpg"),
        Odd("one pixel", _saved(one.resize((1, 1)), "PNG"), "png"),
        Odd("one row of 500", _saved(one.resize((500, 1)), "PNG"), "png"),
        Odd("an empty file", b"", "jpg"),
        Odd("a text", b"no picture at all\n", "jpg"),
        Odd("a weights file", _weights(), "jpg"),
    ]
    photos = [replace(each, options=box) if _has_face(each) else each for each in photos]
    photos += [
        Odd(
            f"EXIF orientation {number}",
            encoded(np.asarray(one), "JPEG", number, {"quality": 90}),
            "jpg",
            box,
        )
        for number in range(1, 9)
    ]
    empty, small = _scene([]), _scene(avatars[:1], 30)
    return [
        *photos,
        Odd("nobody in it", _saved(empty, "PNG"), "png"),
        Odd("three people", _saved(_scene(avatars, 200), "PNG"), "png"),
        Odd(
            "three people, the second", _saved(_scene(avatars, 200), "PNG"), "png", ("--face", "2")
        ),
        Odd("three people, the seventh", _saved(_scene(avatars), "PNG"), "png", ("--face", "7")),
        Odd("someone of 30 pixels", _saved(small, "PNG"), "png"),
        Odd("someone cut by the border", _saved(_scene(avatars[:1], 240, -60), "PNG"), "png"),
        Odd("a box beyond the photo", plain, "png", ("--box", "5000,5000,5200,5200")),
        Odd("a box without area", plain, "png", ("--box", "10,10,10,300")),
    ]


def _has_face(photo: Odd) -> bool:
    return not photo.name.startswith(("one ", "60-"))


def _scene(people: Sequence[Image.Image], side: int = 240, left: int = 60) -> Image.Image:
    rng = np.random.default_rng(5)
    coarse = Image.fromarray(rng.integers(60, 200, (5, 7, 3), np.uint8))
    ground = np.asarray(coarse.resize((_WIDE, _HIGH), Image.Resampling.BICUBIC)).astype(np.int16)
    noisy = (ground + rng.integers(-6, 7, ground.shape)).clip(0, 255).astype(np.uint8)
    picture = Image.fromarray(noisy)
    for index, person in enumerate(people):
        picture.paste(
            person.resize((side, side)), (left + index * (side + 5) - 55 * (index > 0), 120)
        )
    return picture


def _saved(picture: Image.Image, kind: str, **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def _moving(picture: Image.Image, kind: str) -> bytes:
    return _saved(picture, kind, save_all=True, append_images=[picture.rotate(9)])


def _fractions(picture: Image.Image) -> np.ndarray:
    return np.asarray(picture.convert("L")).astype(np.float32) / 255


def _profile() -> bytes:
    from PIL import ImageCms

    return ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()


def _bomb(data: bytes) -> bytes:
    changed = bytearray(data)
    changed[16:24] = (60_000).to_bytes(4, "big") * 2
    changed[29:33] = zlib.crc32(bytes(changed[12:29])).to_bytes(4, "big")
    return bytes(changed)


def _weights() -> bytes:
    world = eclipsed.load_world("starter")
    assert world.shipped is not None
    return (world.shipped / "cards" / "sunglasses.safetensors").read_bytes()


# --- editing ------------------------------------------------------------------------------------


def tried(photo: Odd, card: Path) -> tuple[str, str, bool]:
    """What came out, what was said, and whether the photo and the folder stayed as they were."""
    with tempfile.TemporaryDirectory() as folder:
        path, out = Path(folder) / f"photo.{photo.ending}", Path(folder) / f"out.{photo.ending}"
        path.write_bytes(photo.data)
        code, printed, said = _run(
            "edit", "--photo", str(path), *photo.options, "-d", str(card), "-o", str(out),
            "--method", "encoder", "--json",
        )  # fmt: skip
        is_same = path.read_bytes() == photo.data
        is_clean = set(os.listdir(folder)) <= {path.name, out.name} and out.exists() == (code == 0)
        said = " ".join(said.replace(folder, "").split())
        if code:
            refusal = json.loads(printed)
            said = f"{refusal['error']} {refusal['hint']}".replace(folder, "").strip()
            return f"exit {code}", said, is_same and is_clean
        facts = json.loads(printed)
        with Image.open(out) as picture:
            kind = f"{picture.format} of {picture.width}×{picture.height}, {picture.mode}"
    written = facts["written"]
    return (
        f"{kind}; {written['changed']} pixels differ, {written['outside']} outside",
        said,
        is_same and is_clean,
    )


def _run(*arguments: str) -> tuple[int, str, str]:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = cli.run(arguments)
    return code, out.getvalue(), err.getvalue()


def main(arguments: Sequence[str]) -> int:
    """Try all, print the table, and write it where asked."""
    parser = argparse.ArgumentParser(description="What becomes of odd photos.")
    parser.add_argument("--report", type=Path, help="a .md to write")
    chosen = parser.parse_args(arguments)
    world = eclipsed.load_world("starter")
    assert world.shipped is not None
    card = world.shipped / "cards" / "sunglasses.safetensors"
    images = world.generator.synthesize(world.generator.sample(NUMBERS)).image
    photos = odd_photos([eclipsed.to_pil(each[None]) for each in images])
    rows = [(photo.name, *tried(photo, card)) for photo in photos]
    head = _HEAD.format(same=sum(row[3] for row in rows), count=len(rows))
    page = (
        "\n".join([head, *(f"| {name} | {came} | {said} |" for name, came, said, _ in rows)]) + "\n"
    )
    print(page)
    if chosen.report:
        chosen.report.write_text(page)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
