from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageSequence

from eclipsed.editing.animation import KINDS, Kind, animated, there_and_back
from eclipsed.errors import MissingExtra

av = pytest.importorskip("av", reason="an MP4 needs PyAV: pip install 'eclipsed[video]'")


def pictures(count: int = 6, size: tuple[int, int] = (33, 40)) -> list[Image.Image]:
    """A bright bar that moves over a ground of many colours that stays."""
    wide, high = size
    ground = np.zeros((high, wide, 3), dtype=np.uint8)
    ground[..., 0] = np.linspace(0, 255, wide)[None]
    ground[..., 1] = np.linspace(0, 255, high)[:, None]
    made = []
    for number in range(count):
        picture = ground.copy()
        picture[4 * number : 4 * number + 4] = (40, 90, 250)
        made.append(Image.fromarray(picture))
    return made


def frames(data: bytes, kind: Kind) -> list[np.ndarray]:
    if kind == "mp4":
        with av.open(io.BytesIO(data)) as file:
            return [one.to_ndarray(format="rgb24").astype(float) for one in file.decode(video=0)]
    found = ImageSequence.Iterator(Image.open(io.BytesIO(data)))
    return [np.asarray(one.convert("RGB"), float) for one in found]


@pytest.mark.parametrize("kind", KINDS)
def test_every_picture_comes_back_in_its_place(kind: Kind) -> None:
    given = pictures()
    shown = frames(animated(given, kind), kind)
    assert len(shown) == len(given)
    for number, frame in enumerate(shown):
        distances = [
            np.abs(frame[:40, :33] - np.asarray(one, float)).mean()
            for one in [picture.resize((33, 40)) for picture in given]
        ]
        assert int(np.argmin(distances)) == number
        assert min(distances) < 16.0


@pytest.mark.parametrize("kind", ["webp", "gif"])
def test_it_begins_anew_and_keeps_its_pace(kind: Kind) -> None:
    found = Image.open(io.BytesIO(animated(pictures(), kind, milliseconds=120)))
    assert found.format == kind.upper()
    assert found.info["loop"] == 0
    found.seek(1)
    found.load()
    assert found.info["duration"] == 120


def test_what_does_not_move_in_a_gif_does_not_flicker() -> None:
    shown = frames(animated(pictures(), "gif"), "gif")
    below = [frame[4 * 6 :] for frame in shown]
    assert all(np.array_equal(one, below[0]) for one in below)


def test_an_mp4_is_what_every_browser_plays() -> None:
    with av.open(io.BytesIO(animated(pictures(), "mp4", milliseconds=40))) as file:
        stream = file.streams.video[0]
        assert (stream.codec_context.name, stream.format.name) == ("h264", "yuv420p")
        assert (stream.width, stream.height) == (34, 40)
        assert float(stream.average_rate) == pytest.approx(25.0)


def test_there_and_back_shows_the_ends_once() -> None:
    one = pictures(4)
    assert there_and_back(one) == [*one, one[2], one[1]]
    assert there_and_back(one[:2]) == one[:2]
    assert there_and_back(one[:1]) == one[:1]


@pytest.mark.parametrize("kind", KINDS)
def test_one_picture_is_an_animation_too(kind: Kind) -> None:
    assert len(frames(animated(pictures(1), kind), kind)) == 1


def test_what_makes_no_sense_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing"):
        animated([], "gif")
    with pytest.raises(ValueError, match="different sizes"):
        animated([*pictures(1), *pictures(1, (8, 8))], "gif")
    with pytest.raises(ValueError, match="milliseconds"):
        animated(pictures(), "gif", milliseconds=5)


def test_what_is_missing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "av", None)
    with pytest.raises(MissingExtra, match=r"-m pip install 'av>="):
        animated(pictures(), "mp4")
    assert animated(pictures(), "gif")


def test_nothing_is_written_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for kind in KINDS:
        animated(pictures(2), kind)
    assert list(tmp_path.iterdir()) == []
