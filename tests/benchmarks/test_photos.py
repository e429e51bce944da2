from __future__ import annotations

import io
import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from benchmarks.photos import __main__ as photos
from benchmarks.photos import odd, report, scenes
from benchmarks.photos.finding import errors_of
from benchmarks.photos.measuring import Row, compared
from eclipsed.editing.photos.crop import box_crop
from eclipsed.editing.photos.pasting import Pasted, paste
from eclipsed.editing.photos.reading import photo_of, read_photo
from eclipsed.testing import fake_world
from eclipsed.types import Face
from tests.editing.photos.pictures import file, noise

FRAME = ((0.4, 0.45), (0.6, 0.45), (0.5, 0.55), (0.45, 0.65), (0.55, 0.65))


def figure() -> scenes.Figure:
    image = np.zeros((64, 64, 3), np.uint8)
    image[:32, :32], image[:32, 32:], image[32:, :32] = (250, 0, 0), (0, 250, 0), (0, 0, 250)
    return scenes.Figure(image, torch.zeros(1, 4))


@pytest.mark.parametrize("number", range(10))
def test_a_scene_has_its_figure_where_it_says(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from eclipsed.editing.photos.faces import placed

    monkeypatch.setattr(scenes, "MEGAPIXELS", (0.3, 0.5))
    taken = scenes.scene(figure(), number, tmp_path, FRAME)
    photo = read_photo(taken.path)
    assert photo.kind.upper() == taken.facts["file"]
    assert photo.orientation == taken.facts["orientation"]
    pixels = torch.from_numpy(photo.rgb)
    view = placed(pixels, None, FRAME, **taken.where).crop.cut(pixels, 64)
    for nth, (rows, columns) in enumerate([((8, 24), (8, 24)), ((8, 24), (40, 56))]):
        colour = view[:, slice(*rows), slice(*columns)].mean((1, 2))
        assert int(colour.argmax()) == nth
        assert colour.max() > 0.6
        assert colour.sort().values[1] < 0.3


def changed(kind: str, seed: int = 0) -> tuple[Pasted, bytes]:
    """An edit of a noisy photo, and the file of its pixels."""
    photo = photo_of(file(noise(90, 100, seed=seed), kind))
    mask = torch.zeros(32, 32)
    mask[8:24, 8:24] = 1.0
    pasted = paste(photo, box_crop(10, 10, 74, 74), torch.full((3, 32, 32), 0.4), mask)
    return pasted, file(pasted.stored(), kind)


def test_what_differs_is_measured_on_the_file() -> None:
    pasted, data = changed("PNG")
    facts = compared(pasted, photo_of(data))
    assert facts["outside"] == facts["seam_outside"] == 0
    assert 0 < facts["seam"] < 20
    spoilt = np.array(Image.open(io.BytesIO(data)))
    spoilt[0, :3] ^= 1
    spoilt[89, 99] ^= 1
    spoilt[40, 90] ^= 1
    assert compared(pasted, photo_of(file(spoilt, "PNG")))["outside"] == 5
    # A JPEG that is coded anew differs in blocks that the mask does not touch.
    pasted, data = changed("JPEG")
    assert compared(pasted, photo_of(data))["outside"] > 100


def row(number: int, method: str, psnr: float, **edit: object) -> Row:
    one = {"had": False, "seed_reaches": True, "reached": True, "outside": 0, "seam": 0.1}
    one |= {"seam_outside": 0.0, "edit": 0.2, "error": 0.1, "locality": 0.9, "ghosting": 0.1}
    facts = {"psnr": psnr, "distance": 1 / psnr, "latent_distance": 0.5, "seconds": 1, "busy": 1}
    made = {"file": "JPEG", "way": "box", "megapixels": 2.0, "zero": True, "untouched": True}
    edits = {"sunglasses": {**one, **edit}}
    return {"number": number, "method": method, "inversion": facts, "edits": edits, **made}


def test_what_was_measured_is_not_measured_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[int, list[str]]] = []

    def measured(bench: object, number: int, methods: list[str], *_: object) -> list[Row]:
        asked.append((number, list(methods)))
        return [row(number, method, 20.0) for method in methods]

    monkeypatch.setattr(photos, "measured", measured)
    path = tmp_path / "rows.jsonl"
    path.write_text(json.dumps(row(0, "encoder", 20.0)) + '\n{"number": 1, "meth')
    rows = photos.measure(None, 2, ["encoder", "tune"], path)  # type: ignore[arg-type]
    assert asked == [(0, ["tune"]), (1, ["encoder", "tune"])]
    assert len(rows) == 4
    asked.clear()
    assert len(photos.measure(None, 2, ["encoder", "tune"], path)) == 4  # type: ignore[arg-type]
    assert not asked


def test_the_page_counts_what_counts() -> None:
    rows = [
        row(0, "optimise", 20.0, seam=1.5),
        row(1, "optimise", 22.0, reached=False),
        row(2, "optimise", 22.0, reached=False, seed_reaches=False),
        row(3, "optimise", 22.0, had=True),
        row(0, "tune", 25.0, outside=7),
        row(1, "tune", 21.0),
    ]
    page = report.page(rows, "starter")
    assert "1 of 2 (50.0%)" in page  # of four photos, two lack it and can be reached
    assert "3 of 4 (75.0%); median 0.10" in page
    assert report.tuned_better(rows) == [True, False]
    failures = page[page.index("## Failures") :]
    assert "not reached: 1" in failures
    assert "pixels outside: 1" in failures


class Faces:
    """Finds what it is told to."""

    def __init__(self, *faces: Face) -> None:
        self.faces = faces

    def smallest(self, height: int, width: int) -> float:
        return 1.0

    def find(self, pixels: torch.Tensor) -> tuple[Face, ...]:
        return self.faces


def face_in(left: float, top: float, side: float) -> Face:
    points = tuple((left + x * side - 0.5, top + y * side - 0.5) for x, y in FRAME)
    return Face(1, (left, top, left + side, top + side), 1.0, points)


def test_a_square_that_is_found_is_off_by_so_many_sides() -> None:
    world = replace(fake_world(), frame=FRAME)
    faces = Faces(face_in(50, 20, 40), face_in(12, 10, 40))
    corners = np.array(box_crop(10, 10, 50, 50).corners)
    near, far = errors_of(faces, world, torch.zeros(100, 100, 3), corners)
    assert near == pytest.approx(2 / 40, abs=1e-3)
    assert far > 1


def test_odd_photos_are_edited_or_refused_and_nothing_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(arguments: list[str]) -> int:
        photo, out = Path(arguments[2]), Path(arguments[arguments.index("-o") + 1])
        if photo.read_bytes() == b"no picture at all\n":
            json.dump({"error": f"{photo} is a text.", "hint": "Give another."}, sys.stdout)
            return 1
        out.write_bytes(photo.read_bytes())
        if photo.suffix == ".PNG":
            (out.parent / "left.tmp").touch()
        json.dump({"written": {"changed": 3, "outside": 0}}, sys.stdout)
        return 0

    monkeypatch.setattr(odd.cli, "run", run)
    jpeg, png = (odd.Odd(kind, file(noise(9, 9), kind), kind) for kind in ("JPEG", "PNG"))
    came, said, is_same = odd.tried(jpeg, tmp_path)
    assert (came, said, is_same) == ("JPEG of 9×9, RGB; 3 pixels differ, 0 outside", "", True)
    assert not odd.tried(png, tmp_path)[2]
    text = odd.Odd("text", b"no picture at all\n", "jpg")
    assert odd.tried(text, tmp_path) == ("exit 1", "/photo.jpg is a text. Give another.", True)
