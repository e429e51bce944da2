from __future__ import annotations

import io
import json
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin
from torch import Tensor

from eclipsed.editing import images
from eclipsed.errors import BadFile


def colours(count: int, size: int = 128) -> Tensor:
    """Images of one colour each, all different and none grey."""
    level = torch.linspace(-0.9, 0.9, count)
    return torch.stack([level, -level, torch.ones(count)], dim=1)[:, :, None, None].expand(
        -1, -1, size, size
    )


def pixel(picture: Image.Image, x: int, y: int) -> tuple[int, ...]:
    value = picture.getpixel((x, y))
    assert isinstance(value, tuple)
    return value


def encoded(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def refusal(path: Path) -> str:
    with pytest.raises(BadFile) as caught:
        images.load_png(path)
    message = str(caught.value)
    assert message.isprintable()
    assert ".." not in message
    return message


def test_range_and_clipping() -> None:
    values = torch.tensor([-3.0, -1.0, 0.0, 1.0, 3.0]).expand(1, 3, 1, 5)
    assert images.to_uint8(values)[0, 0, :, 0].tolist() == [0, 0, 128, 255, 255]
    picture = images.to_pil(colours(1, 4)[0])
    assert (picture.mode, picture.size) == ("RGB", (4, 4))
    assert pixel(picture, 0, 0) == (13, 242, 255)


@given(st.integers(0, 255))
def test_every_byte_survives_the_way_there_and_back(value: int) -> None:
    image = torch.full((1, 3, 1, 1), value / 127.5 - 1.0)
    assert images.to_uint8(image).unique().tolist() == [value]


@pytest.mark.parametrize(
    ("strength", "label"),
    [(1.0, "+1"), (0.0, "0"), (-0.001, "0"), (-2 / 3, "-0.67"), (10.0, "+10"), (-1.5, "-1.5")],
)
def test_strength_labels(strength: float, label: str) -> None:
    assert images.strength_label(strength) == label


def test_a_strip_shows_every_image_unchanged_in_its_place() -> None:
    tensor = colours(6).view(2, 3, 3, 128, 128)
    sheet = images.strip_picture(tensor, ["seed 1", "seed 2"], ["-1", "0", "+1"], "curly hair")
    array = np.asarray(sheet)
    for row in range(2):
        for column in range(3):
            wanted = images.to_uint8(tensor[row, column][None])[0, 0, 0].numpy()
            rows, cols = np.nonzero((array == wanted).all(axis=2))
            assert len(rows) > 0.99 * 128 * 128  # all but the round corners
            assert np.ptp(rows) == 127
            assert np.ptp(cols) == 127
    assert (array[0] == 255).all()
    assert (array[:, 0] == 255).all()


def test_labels_and_title_are_drawn_and_can_be_left_out() -> None:
    tensor = colours(2)[None]
    bare = images.strip_picture(tensor, [], [])
    assert bare.size == (2 * 128 + 6 + 40, 128 + 40)
    full = images.strip_picture(tensor, ["seed 1"], ["-1", "+1"], "title")
    assert full.height > bare.height + 30
    assert full.width > bare.width + 20
    assert (np.asarray(full)[:40] < 128).any()  # ink


@pytest.mark.parametrize("text", ["wavy " * 200, "naïve Locken 縮れ毛 👩‍🦰", "\x1b[2J\n\t", ""])
def test_any_text_can_be_a_label(text: str) -> None:
    sheet = images.strip_picture(colours(1)[None], [text], [text], text)
    assert sheet.width < 600
    images.grid(colours(1), 1, [text])


def test_a_grid_fills_rows_and_keeps_its_last_row_short() -> None:
    sheet = images.grid(colours(5), 3, [str(i) for i in range(5)])
    array = np.asarray(sheet)
    places = [
        np.argwhere((array == images.to_uint8(image[None])[0, 0, 0].numpy()).all(axis=2)).min(0)
        for image in colours(5)
    ]
    assert [tuple(p) for p in places] == sorted(tuple(p) for p in places)
    assert len({p[0] for p in places}) == 2
    assert images.grid(colours(2), 8).width < 400


def test_cells_are_never_too_small_or_too_large() -> None:
    assert images.grid(colours(1, 32), 1).size == (96 + 40, 96 + 40)
    assert images.grid(colours(1, 1024), 1).size == (256 + 40, 256 + 40)


def test_labels_must_match() -> None:
    with pytest.raises(ValueError, match="1 labels for 2"):
        images.grid(colours(2), 2, ["one"])
    with pytest.raises(ValueError, match="1 labels for 2"):
        images.strip_picture(colours(2)[None], [], ["one"])


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**60), 2**60) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner),
    max_leaves=6,
)


@given(st.dictionaries(st.text(max_size=9), plain, max_size=4))
def test_pixels_and_recipe_round_trip(
    tmp_path_factory: pytest.TempPathFactory, recipe: dict[str, Any]
) -> None:
    path = tmp_path_factory.mktemp("png") / "named.txt"
    picture = Image.fromarray(np.random.RandomState(0).randint(0, 256, (9, 7, 3), np.uint8))
    images.save_png(picture, path, recipe)
    again, found = images.load_png(path)
    assert found == recipe
    assert np.array_equal(np.asarray(again), np.asarray(picture))


def test_the_recipe_is_a_plain_text_chunk_that_any_program_reads(tmp_path: Path) -> None:
    images.save_png(Image.new("RGB", (4, 4)), tmp_path / "a.png", {"prompt": "Löckchen"})
    data = (tmp_path / "a.png").read_bytes()
    start = data.index(b"tEXteclipsed\0")
    length = struct.unpack(">I", data[start - 4 : start])[0]
    text = data[start + 4 : start + 4 + length].split(b"\0", 1)[1]
    assert json.loads(text) == {"prompt": "Löckchen"}


def test_a_picture_without_a_recipe_has_none(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    images.save_png(Image.new("RGB", (4, 4), "red"), path)
    assert images.load_png(path)[1] is None


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
@pytest.mark.parametrize("name", ["a.png", "a.txt", "card.safetensors"])
def test_content_decides_and_not_the_name(tmp_path: Path, kind: str, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(encoded(Image.new("RGB", (16, 16), (200, 40, 40)), kind))
    picture, recipe = images.load_png(path)
    assert (picture.mode, picture.size, recipe) == ("RGB", (16, 16), None)
    assert np.abs(np.asarray(picture).astype(int) - (200, 40, 40)).max() < 8


@pytest.mark.parametrize("mode", ["L", "LA", "P", "RGBA", "CMYK", "1"])
def test_every_mode_becomes_rgb(tmp_path: Path, mode: str) -> None:
    path = tmp_path / "a"
    picture = Image.new("RGB", (4, 4), "white").convert(mode)
    path.write_bytes(encoded(picture, "JPEG" if mode == "CMYK" else "PNG"))
    loaded, _ = images.load_png(path)
    assert loaded.mode == "RGB"
    assert np.asarray(loaded).min() > 250


def test_what_is_transparent_becomes_white(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(Image.new("RGBA", (4, 4), (0, 0, 0, 0))))
    assert np.asarray(images.load_png(path)[0]).min() == 255


def bomb(width: int, height: int) -> bytes:
    """A PNG of a few kilobytes that says it is enormous."""

    def chunk(name: bytes, body: bytes) -> bytes:
        crc = zlib.crc32(name + body)
        return struct.pack(">I", len(body)) + name + body + struct.pack(">I", crc)

    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes(1 + width // 8) * min(height, 12_000))
    parts = (chunk(b"IHDR", header), chunk(b"IDAT", rows), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


@pytest.mark.parametrize("size", [(12_000, 12_000), (8_000, 6_000), (100_000, 100_000)])
def test_a_picture_too_large_is_refused_before_it_is_decoded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, size: tuple[int, int]
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(bomb(*size))
    monkeypatch.setattr(PngImagePlugin.PngImageFile, "load", lambda _: pytest.fail("decoded"))
    assert "more than 40 million pixels. Make it smaller first." in refusal(path)


def test_a_picture_of_exactly_as_many_pixels_as_allowed_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(encoded(Image.new("RGB", (10, 10))))
    monkeypatch.setattr(images, "MOST_PIXELS", 100)
    images.load_png(path)
    monkeypatch.setattr(images, "MOST_PIXELS", 99)
    refusal(path)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "an empty file"),
        (b"hello", "not a file of a known kind"),
        (b"\x80\x04K\x01.", "a Python pickle"),
        (b"\x89PNG\r\n\x1a\n", "a PNG picture that is damaged"),
        (b"\xff\xd8\xff\xe0", "a JPEG picture that is damaged"),
        (b"RIFF\x04\0\0\0WEBP", "a WebP picture that is damaged"),
        (encoded(Image.new("RGB", (4, 4)), "GIF"), "a GIF picture"),
        (encoded(Image.new("RGB", (4, 4)), "BMP"), "not a file of a known kind"),
        (b"%PDF-1.7", "a PDF document"),
    ],
)
def test_foreign_and_broken_files_are_named(tmp_path: Path, data: bytes, words: str) -> None:
    path = tmp_path / "a.png"
    path.write_bytes(data)
    assert words in refusal(path)


def test_a_missing_file_and_a_folder_are_named(tmp_path: Path) -> None:
    assert "no such file" in refusal(tmp_path / "a.png")
    assert "it is a folder" in refusal(tmp_path)


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "WEBP"])
def test_a_damaged_picture_loads_or_ends_in_one_sentence(tmp_path: Path, kind: str) -> None:
    random = np.random.RandomState(1)
    noise = Image.fromarray(random.randint(0, 256, (24, 24, 3), np.uint8))
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("eclipsed", '{"seed": 1}', zip=True)
    data = encoded(noise, kind, **({"pnginfo": chunks} if kind == "PNG" else {}))
    path = tmp_path / "a"
    path.write_bytes(data[: len(data) // 2])
    assert "damaged" in refusal(path)
    refused = 0
    for _ in range(150):
        changed = bytearray(data)
        for _ in range(random.randint(1, 4)):
            changed[random.randint(len(data))] = random.randint(256)
        path.write_bytes(changed)
        try:
            images.load_png(path)
        except BadFile as error:
            refused += str(error).isprintable()
    assert refused > 0


@pytest.mark.parametrize("text", ["", "null", "[1]", "{", "[" * 100_000, "\ud83d"])
def test_a_broken_recipe_is_said_to_be_broken(tmp_path: Path, text: str) -> None:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("eclipsed", text.encode("utf-8", "surrogatepass").decode("latin-1"))
    path = tmp_path / "a.png"
    path.write_bytes(encoded(Image.new("RGB", (4, 4)), pnginfo=chunks))
    assert "the recipe inside is damaged" in refusal(path)


def test_a_recipe_that_inflates_enormously_is_refused(tmp_path: Path) -> None:
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("eclipsed", '{"a": "' + "x" * 30_000_000 + '"}', zip=True)
    path = tmp_path / "a.png"
    path.write_bytes(encoded(Image.new("RGB", (4, 4)), pnginfo=chunks))
    assert path.stat().st_size < 100_000
    assert "damaged" in refusal(path)


def test_a_failed_save_keeps_the_old_picture(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.png"
    images.save_png(Image.new("RGB", (4, 4), "red"), path)
    old = path.read_bytes()

    def full(*_: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(BadFile, match="the disk is full"):
        images.save_png(Image.new("RGB", (4, 4), "blue"), path)
    with pytest.raises(ValueError, match="JSON"):
        images.save_png(Image.new("RGB", (4, 4), "blue"), path, {"a": float("nan")})
    assert path.read_bytes() == old
    assert [entry.name for entry in tmp_path.iterdir()] == ["a.png"]


def test_an_enlarged_picture_has_crisp_edges_and_no_halo() -> None:
    sharp = np.zeros((16, 16, 3), np.uint8)
    sharp[:, 8:] = (40, 120, 200)
    picture = Image.fromarray(sharp)
    assert images.enlarged(picture, 1) is picture
    large = np.asarray(images.enlarged(picture, 4)).astype(int)
    assert large.shape == (64, 64, 3)
    assert (large.min(axis=(0, 1)) >= 0).all()
    assert (large.max(axis=(0, 1)) <= (40, 120, 200)).all()
    lanczos = np.asarray(picture.resize((64, 64), Image.Resampling.LANCZOS)).astype(int)
    assert lanczos.max() > 200, "plain Lanczos rings here"
    blurred = [((row[32, :, 2] > 20) & (row[32, :, 2] < 180)).sum() for row in (large, lanczos)]
    assert blurred[0] <= blurred[1]
    with pytest.raises(ValueError, match="no size"):
        images.enlarged(picture, 0)


def test_a_webp_holds_a_recipe(tmp_path: Path) -> None:
    picture, recipe = Image.new("RGB", (8, 8)), {"prompt": "Brille – 眼鏡"}
    picture.save(tmp_path / "x.webp", exif=images.recipe_facts(recipe))
    assert images.load_png(tmp_path / "x.webp")[1] == recipe


def test_many_pictures_are_the_same_as_single_ones(tmp_path: Path) -> None:
    made = torch.rand(70, 3, 8, 8)
    rows = [(image, tmp_path / f"{number}.png", {"n": number}) for number, image in enumerate(made)]
    images.save_pngs(iter(rows))
    for image, path, recipe in rows:
        assert path.read_bytes() == images.png_bytes(images.to_pil(image), recipe)


def test_few_pictures_wait_for_the_disk_and_a_failure_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun: list[int] = []
    done: list[int] = []

    def save(picture: Image.Image, path: Path, recipe: dict[str, int]) -> None:
        done.append(recipe["n"])
        if recipe["n"] == 100:
            raise BadFile("Cannot write 'a.png': the disk is full.")

    def rows() -> Iterator[tuple[Tensor, Path, dict[str, Any]]]:
        for number in range(10_000):
            begun.append(number)
            assert len(begun) - len(done) <= 32
            yield torch.zeros(3, 2, 2), tmp_path / "a.png", {"n": number}

    monkeypatch.setattr(images, "save_png", save)
    with pytest.raises(BadFile, match="the disk is full"):
        images.save_pngs(rows())
    assert len(begun) < 200
