from __future__ import annotations

from dataclasses import dataclass

import pytest
import torch

from eclipsed.editing.photos.crop import box_crop, centred_crop, ffhq_crop, framed_crop
from eclipsed.editing.photos.faces import face_crop, placed
from eclipsed.errors import BadFile, BadSetting, EclipsedError, UnknownName
from eclipsed.types import Detector, Face, Point

PHOTO = torch.zeros(400, 600, 3)
# A face seen from the front, in halves of the distance of its eyes; the middle of them is 0, 0.
FRONT: tuple[Point, ...] = ((-1, 0), (1, 0), (0, 1.1), (-0.8, 2.1), (0.8, 2.1))
SIDE: tuple[Point, ...] = ((-1, 0), (1, 0), (1.3, 1.1), (0.2, 2.1), (1.2, 2.1))
PROFILE: tuple[Point, ...] = ((-0.2, 0), (0.2, 0), (0.3, 1.1), (0.1, 2.1), (0.3, 2.1))
GONE: tuple[Point, ...] = ((0.2, 0), (-0.2, 0), (0.3, 1.1), (0.1, 2.1), (0.0, 2.1))
FRAME: tuple[Point, ...] = ((0.4, 0.45), (0.6, 0.45), (0.5, 0.55), (0.44, 0.63), (0.56, 0.63))


def face_at(
    x: float, y: float, size: float = 100, shape: tuple[Point, ...] = FRONT, number: int = 1
) -> Face:
    """A face whose box has that middle and that width and height."""
    points = tuple((x + px * size / 5, y - size / 5 + py * size / 5) for px, py in shape)
    half = size / 2
    return Face(number, (x - half, y - half, x + half, y + half), 0.99, points)


@dataclass
class Told:
    """A detector that finds what it is told."""

    faces: tuple[Face, ...]
    name: str = "told"

    def smallest(self, height: int, width: int) -> float:
        return max(height, width) / 50

    def find(self, pixels: torch.Tensor) -> tuple[Face, ...]:
        assert pixels is PHOTO
        return self.faces


def told(*faces: Face) -> Told:
    return Told(faces)


def absent() -> Detector:
    raise BadFile("The detector is not here.")


def test_the_only_face_is_taken() -> None:
    face = face_at(300, 200)
    placement = placed(PHOTO, lambda: told(face))
    assert placement.face == face
    assert placement.crop == ffhq_crop(face.points)
    assert placement.notes == ()


def test_with_a_frame_the_face_lies_where_the_worlds_images_have_it() -> None:
    points = [(100 + 200 * x - 0.5, 50 + 200 * y - 0.5) for x, y in FRAME]
    crop = face_crop(points, FRAME)
    assert crop.recipe == "plain"
    assert crop.bounds == pytest.approx((100, 50, 300, 250))
    # Turned by a right angle: the image's top left corner is then the photo's top right.
    turned = framed_crop([(299 - y, x) for x, y in points], FRAME)
    assert turned.corners[0] == pytest.approx((250, 100))
    assert turned.corners[1] == pytest.approx((50, 100))


def test_of_several_faces_one_is_chosen() -> None:
    several = told(face_at(100, 100), face_at(450, 200, 80, number=2))
    with pytest.raises(
        BadFile,
        match=r"2 faces .*: 1 at \(100, 100\), 100 wide; 2 at \(450, 200\), 80 wide\. .*--f",
    ):
        placed(PHOTO, lambda: several)
    assert placed(PHOTO, lambda: several, face=2).face == several.faces[1]
    for number in (0, 3, -1):
        with pytest.raises(UnknownName, match=f"no face {number} in the photo"):
            placed(PHOTO, lambda: several, face=number)


def test_a_crowd_is_not_listed_to_the_end() -> None:
    crowd = told(*(face_at(20 + 10 * index, 50, number=index + 1) for index in range(40)))
    with pytest.raises(BadFile, match=r"40 faces .*; 6 at .*; 34 more\."):
        placed(PHOTO, lambda: crowd)


def test_without_a_face_it_is_said_what_to_do() -> None:
    with pytest.raises(
        BadFile, match=r"No face .*600×400 .*below 12 pixels .*--points.*--no-align"
    ):
        placed(PHOTO, told)


@pytest.mark.parametrize(
    ("face", "words"),
    [
        (face_at(300, 200, 30), "Face 1 has only 30×30 pixels"),
        (face_at(20, 200), "Face 1 is cut by the photo's left border"),
        (face_at(590, 10), "Face 1 is cut by the photo's top and right border"),
        (face_at(300, 390), "Face 1 is cut by the photo's bottom border"),
        (face_at(300, 200, shape=SIDE), "Face 1 is seen from the side"),
        (face_at(300, 200, shape=PROFILE), "Face 1 is seen from the side"),
    ],
)
def test_what_needs_a_look_is_noted(face: Face, words: str) -> None:
    placement = placed(PHOTO, lambda: told(face))
    (note,) = placement.notes
    assert note.startswith(words)
    assert note.endswith(".")


def test_a_face_near_the_border_is_not_cut() -> None:
    assert placed(PHOTO, lambda: told(face_at(48, 200))).notes == ()


def test_a_face_turned_away_is_refused_in_one_sentence() -> None:
    with pytest.raises(BadFile, match="turned so far to the side"):
        placed(PHOTO, lambda: told(face_at(300, 200, shape=GONE)))


def test_what_is_said_by_hand_needs_no_detector() -> None:
    points = face_at(300, 200).points
    assert placed(PHOTO, absent, points=points).crop == ffhq_crop(points)
    assert placed(PHOTO, absent, FRAME, points=points).crop == framed_crop(points, FRAME)
    assert placed(PHOTO, absent, box=(10, 20, 110, 120)).crop == box_crop(10, 20, 110, 120)
    assert placed(PHOTO, absent, align=False).crop == centred_crop(600, 400)
    assert placed(PHOTO, None).crop == centred_crop(600, 400)
    with pytest.raises(BadFile, match="not here"):
        placed(PHOTO, absent)


def test_a_square_mostly_outside_is_noted() -> None:
    assert placed(PHOTO, None, box=(-20, 0, 180, 200)).notes == ()
    (note,) = placed(PHOTO, None, box=(-100, -100, 180, 180)).notes
    assert "outside" in note


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"face": 1, "align": False}, "--face and --no-align"),
        ({"points": FRONT, "box": (0, 0, 9, 9)}, "--points and --box"),
        ({"face": 1, "box": (0, 0, 9, 9)}, "--face and --box"),
        ({"points": FRONT[:3]}, "five points"),
        ({"box": (50, 0, 20, 100)}, "no area"),
    ],
)
def test_what_makes_no_sense_is_refused(options: dict[str, object], words: str) -> None:
    with pytest.raises(BadSetting, match=words):
        placed(PHOTO, absent, **options)  # type: ignore[arg-type]


def test_a_world_without_faces_has_none_to_choose() -> None:
    with pytest.raises(EclipsedError, match="looks for no faces"):
        placed(PHOTO, None, face=1)
