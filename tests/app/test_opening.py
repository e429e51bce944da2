"""Photos in the editor: dropped, chosen on, inverted, edited, and saved as photos again."""

from __future__ import annotations

import base64
import io
import json
import shlex
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image

from eclipsed import cli
from eclipsed.app.code_export import command, files_of, snippet
from eclipsed.app.desk import Desk
from eclipsed.app.events import handle
from eclipsed.app.rendering import HARD_FRAMES, Renderer
from eclipsed.app.screen import view
from eclipsed.errors import EclipsedError
from eclipsed.types import Detector, Face
from tests.editing.photos.test_faces import face_at

WIDTH, HEIGHT = 600, 400


def photo(kind: str = "PNG", **options: Any) -> bytes:
    """A photo whose middle the fake world could have made."""
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH]
    pixels = np.stack([x % 256, y % 256, (x + y) % 256], axis=-1).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, kind, **options)
    return buffer.getvalue()


def opened(data: bytes) -> np.ndarray:
    return np.array(Image.open(io.BytesIO(data)).convert("RGB"))


def do(desk: Desk, what: str, **words: Any) -> None:
    handle(desk, {"do": what, **words})


def drop(desk: Desk, data: bytes, name: str = "party.png") -> None:
    do(desk, "file", name=name, data=base64.b64encode(data).decode())
    settle(desk)


def settle(desk: Desk) -> dict[str, Any]:
    """What the page is told when the photo has come as far as it can by itself."""
    if desk.opening is not None:
        desk.opening.thread.join()
    shown: dict[str, Any] = json.loads(json.dumps(view(desk), allow_nan=False))
    return shown


@dataclass
class Told:
    """A detector that finds what it is told."""

    faces: tuple[Face, ...]
    name: str = "told"

    def smallest(self, height: int, width: int) -> float:
        return 12.0

    def find(self, pixels: torch.Tensor) -> tuple[Face, ...]:
        assert pixels.shape == (HEIGHT, WIDTH, 3)
        return self.faces


def seeing(desk: Desk, *faces: Face) -> Desk:
    """A desk on a world that finds these faces."""
    world = replace(desk.world, detector=lambda: Told(faces))
    return Desk(Renderer(world), desk.library, "starter", "cpu")


@pytest.fixture
def holding(desk: Desk) -> Desk:
    """A desk with a photo on the screen, its middle inverted, and the card of bright hair."""
    drop(desk, photo())
    do(desk, "choose", method="optimise", face=None, box=[0.25, 0.25, 0.75, 1.0])
    settle(desk)
    do(desk, "add", file="hair.safetensors")
    return desk


def test_where_nothing_looks_for_faces_a_person_draws_the_square(desk: Desk) -> None:
    drop(desk, photo())
    opening = settle(desk)["opening"]
    assert opening["stage"] == "choosing"
    assert not opening["finds"]
    assert opening["middle"] == pytest.approx([1 / 6, 0, 5 / 6, 1])
    assert opening["methods"] == ["optimise", "tune"]
    do(desk, "choose", method="optimise", face=None, box=[0.25, 0.25, 0.75, 1.0])
    shown = settle(desk)
    assert shown["opening"] is None
    assert shown["photo"]["name"] == shown["latent"] == "party.png"
    assert "inverted by optimise to" in shown["notice"]["text"]
    assert desk.session.photo is not None
    assert desk.session.photo.crop.bounds == pytest.approx((150, 100, 450, 400))


def test_the_photo_itself_is_seen_until_an_edit_changes_its_square(holding: Desk) -> None:
    shown = view(holding)
    before, after = (
        opened(base64.b64decode(shown[each].partition(",")[2])) for each in ("before", "image")
    )
    np.testing.assert_array_equal(before, opened(photo()))
    changed = (before != after).any(axis=-1)
    assert changed.any()
    do(holding, "compare", to="outside")
    mask = opened(base64.b64decode(view(holding)["mask"].partition(",")[2]))[..., 0]
    assert mask.shape == (HEIGHT, WIDTH)
    assert not changed[mask == 0].any()
    do(holding, "near", to=True)
    near = opened(base64.b64decode(view(holding)["image"].partition(",")[2]))
    # A quarter of the square's 300 pixels around it, as far as the photo goes.
    assert near.shape == (375, 450, 3)
    do(holding, "undo")
    assert view(holding)["photo"]["near"], "how it is looked at is nothing to be undone"
    assert not view(holding)["lines"]


def test_a_slider_is_dragged_over_the_whole_photo(holding: Desk) -> None:
    do(holding, "frames", at=0, **{"from": 0}, count=3)
    frames = view(holding)["frames"]
    assert frames["of"] == HARD_FRAMES
    assert len(frames["pictures"]) == 3
    for picture in frames["pictures"]:
        assert opened(base64.b64decode(picture.partition(",")[2])).shape == (HEIGHT, WIDTH, 3)


@pytest.mark.parametrize(("kind", "ending"), [("PNG", "png"), ("JPEG", "jpg"), ("TIFF", "tiff")])
def test_it_is_saved_as_the_photo_that_it_was(desk: Desk, kind: str, ending: str) -> None:
    data = photo(kind)
    drop(desk, data, f"my party.{ending}")
    do(desk, "choose", method="optimise", face=None, box=[0.25, 0.25, 0.75, 1.0])
    settle(desk)
    do(desk, "save photo")
    assert desk.download is not None
    assert desk.download.name == f"my-party-as-it-was.{ending}"
    assert desk.download.data == data, "without an edit it is the file itself"
    do(desk, "add", file="hair.safetensors")
    do(desk, "save photo")
    assert desk.download.name == f"my-party-bright-hair.{ending}"
    assert Image.open(io.BytesIO(desk.download.data)).format == kind
    assert opened(desk.download.data).shape == (HEIGHT, WIDTH, 3)
    assert " 0 of them outside the edit." in desk.download.words
    assert view(desk)["download"]["data"].startswith(f"data:image/{kind.lower()}")
    assert (opened(desk.download.data) != opened(data)).any()


def test_a_photo_that_phones_take_is_saved_as_a_png(desk: Desk) -> None:
    pytest.importorskip("pillow_heif").register_heif_opener()
    drop(desk, photo("HEIF"), "IMG_1.HEIC")
    do(desk, "choose", method="optimise", face=None, box=[0.25, 0.25, 0.75, 1.0])
    assert settle(desk)["photo"]["kind"] == "PNG"
    do(desk, "save photo")
    assert desk.download is not None
    assert desk.download.name.endswith(".png")


def test_the_only_face_is_taken_at_once(desk: Desk) -> None:
    seer = seeing(desk, face_at(300, 200, 120))
    drop(seer, photo())
    assert view(seer)["photo"]["name"] == "party.png"


def test_of_several_faces_a_person_chooses_one(desk: Desk) -> None:
    seer = seeing(desk, face_at(100, 100), face_at(450, 200, 80, number=2))
    drop(seer, photo())
    opening = settle(seer)["opening"]
    assert [face["number"] for face in opening["faces"]] == [1, 2]
    assert opening["faces"][0]["box"] == pytest.approx([50 / 600, 50 / 400, 150 / 600, 150 / 400])
    do(seer, "choose", method="optimise", face=3, box=None)
    assert "no such face" in settle(seer)["notice"]["text"]
    do(seer, "choose", method="encoder", face=2, box=None)
    assert "no inverter" in settle(seer)["notice"]["text"]
    assert view(seer)["opening"]["stage"] == "choosing"
    do(seer, "choose", method="optimise", face=2, box=None)
    settle(seer)
    assert seer.session.photo is not None
    assert seer.session.photo.inversion.photo["face"] == 2
    do(seer, "choose again")
    assert [face["number"] for face in settle(seer)["opening"]["faces"]] == [1, 2]
    do(seer, "leave")
    shown = settle(seer)
    assert (shown["opening"], shown["photo"]["name"]) == (None, "party.png")
    do(seer, "leave")
    assert view(seer)["photo"] is None


def test_no_face_is_no_dead_end(desk: Desk) -> None:
    seer = seeing(desk)
    drop(seer, photo())
    assert settle(seer)["opening"]["stage"] == "choosing"
    do(seer, "choose", method="optimise", face=None, box=[0.0, 0.0, 0.5, 0.75])
    settle(seer)
    assert seer.session.photo is not None


def test_what_goes_wrong_in_the_background_is_said_and_can_be_gone_on_from(desk: Desk) -> None:
    def broken() -> Detector:
        raise EclipsedError("The weights are missing.", "Get them.")

    seer = Desk(Renderer(replace(desk.world, detector=broken)), desk.library, "starter", "cpu")
    drop(seer, photo())
    opening = settle(seer)["opening"]
    assert (opening["stage"], opening["error"]) == ("failed", "The weights are missing. Get them.")
    do(seer, "choose", method="optimise", face=None, box=[0.0, 0.0, 0.5, 0.75])
    settle(seer)
    assert seer.session.photo is not None


@pytest.mark.parametrize(
    "box", [[0.5, 0.5, 0.5, 0.5], [1e9, 0, 2e9, 1], [2.0, 2.0, 3.0, 3.0], [0, 0, 0.01, 0.01]]
)
def test_a_square_that_makes_no_sense_is_one_sentence(desk: Desk, box: list[float]) -> None:
    drop(desk, photo())
    do(desk, "choose", method="optimise", face=None, box=box)
    shown = settle(desk)
    said = shown["opening"]["error"] or shown["notice"]["text"]
    assert said.endswith(".")
    assert "unexpected" not in said
    assert desk.session.photo is None


def test_enough_keeps_what_was_reached(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    drop(desk, photo())
    assert desk.opening is not None
    show, steps = desk.opening._show, []

    def enough(view_: torch.Tensor, progress: Any) -> None:
        steps.append(progress.step)
        if progress.step == 5:
            do(desk, "enough")
        show(view_, progress)

    monkeypatch.setattr(desk.opening, "_show", enough)
    do(desk, "choose", method="optimise", face=None, box=[0.25, 0.25, 0.75, 1.0])
    settle(desk)
    assert steps == [1, 2, 3, 4, 5]
    assert desk.session.photo is not None
    assert len(desk.session.photo.inversion.losses) == 5


def test_a_photo_can_be_undone(holding: Desk) -> None:
    do(holding, "undo")
    do(holding, "undo")
    shown = view(holding)
    assert (shown["photo"], shown["latent"], shown["seed"]) == (None, "", 1)
    do(holding, "redo")
    assert view(holding)["photo"]["name"] == "party.png"
    do(holding, "next", by=1)
    assert view(holding)["photo"] is None


def test_its_own_inversion_is_used_without_another(holding: Desk) -> None:
    assert holding.session.photo is not None
    inversion = replace(holding.session.photo.inversion, notes=("Made elsewhere.",))
    holding.drop(inversion.to_bytes(), "party.safetensors")
    assert holding.session.photo.inversion.notes == ("Made elsewhere.",)
    assert len(holding.session.lines) == 1
    do(holding, "leave")
    holding.drop(inversion.to_bytes(), "party.safetensors")
    assert holding.session.photo is None, "without its photo it is a latent"
    assert view(holding)["latent"] == "party.safetensors"


def test_a_mask_is_drawn_on_the_square(holding: Desk) -> None:
    do(holding, "brush", at=0)
    brush = view(holding)["brush"]
    side = holding.world.generator.resolution
    for each in ("mask", "under"):
        assert opened(base64.b64decode(brush[each].partition(",")[2])).shape[:2] == (side, side)


@pytest.mark.parametrize("mixed", [False, True])
@pytest.mark.parametrize("way", ["command", "snippet"])
def test_the_same_file_comes_out_elsewhere(holding: Desk, mixed: bool, way: str) -> None:
    do(holding, "mixed", to=mixed)
    Path("party.png").write_bytes(photo())
    for name, data in files_of(holding.session).items():
        Path(name).write_bytes(data)
    if way == "command":
        assert cli.run(shlex.split(command(holding.session))[1:]) == 0
    else:
        code = compile(snippet(holding.session), "snippet", "exec")
        exec(code, {"__name__": "snippet"})  # noqa: S102 - our own words
    do(holding, "save photo")
    assert holding.download is not None
    assert Path("edited.png").read_bytes() == holding.download.data


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (photo("GIF"), "an animation of a kind that holds no recipe"),
        (photo("JPEG")[:900], "damaged"),
        (b"\0\0\0\x18ftypmp42" + b"\0" * 64, "an animation of a kind"),
    ],
)
def test_what_is_no_photo_is_one_sentence(desk: Desk, data: bytes, words: str) -> None:
    drop(desk, data, "odd.bin")
    assert desk.opening is None
    assert desk.notice is not None
    assert desk.notice.bad
    assert words in desk.notice.text


def test_a_tab_that_is_loaded_again_goes_on(desk: Desk, renderer: Renderer) -> None:
    drop(desk, photo())
    again = Desk(renderer, desk.library, "starter", "cpu")
    again.go_on_from(desk)
    assert again.opening is desk.opening
