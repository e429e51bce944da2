from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from eclipsed.app import downloads, sheets
from eclipsed.app import session as sessions
from eclipsed.app.desk import Desk
from eclipsed.app.events import handle
from eclipsed.app.library import Library
from eclipsed.app.rendering import Renderer
from eclipsed.app.session import Session
from eclipsed.editing.animation import Kind
from eclipsed.errors import BadSetting, UnknownName
from eclipsed.testing import FakeGenerator
from eclipsed.types import World


def open_picture(data: bytes) -> Image.Image:
    return Image.open(io.BytesIO(data))


def test_images_of_many_sessions_are_those_of_each(
    renderer: Renderer, session: Session, world: World
) -> None:
    several = [
        session,
        sessions.reset(session),
        sessions.step_seed(session, 3),
        sessions.set_layers(session, 0, [1], world),
    ] * 3
    images = renderer.images(several)
    for one, image in zip(several, images, strict=True):
        torch.testing.assert_close(image, renderer.image(one)[0], atol=1e-5, rtol=0.0)


def test_a_palette_goes_from_end_to_end(
    renderer: Renderer, session: Session, library: Library
) -> None:
    hair, eyes = (library.direction(f"{name}.safetensors") for name in ("hair", "eyes"))
    picture = np.asarray(open_picture(sheets.palette(renderer, session, hair, eyes)), float)
    assert picture.shape[0] > 5 * 96
    one = sheets.palette(renderer, session, eyes, hair)
    assert (
        open_picture(one).tobytes()
        != open_picture(sheets.palette(renderer, session, hair, eyes)).tobytes()
    )


def test_layers_show_where_a_direction_lives(
    renderer: Renderer, session: Session, library: Library
) -> None:
    hair = library.direction("hair.safetensors")
    data = sheets.layers(renderer, session, hair)
    assert open_picture(data).width > 6 * 96


def test_equal_change_is_equal(renderer: Renderer, session: Session, library: Library) -> None:
    cards = [library.direction(f"{name}.safetensors") for name in ("hair", "eyes")]
    fine = [sheets.at_each(session, card, sheets.steps(-1.5, 1.5, 25)) for card in cards]
    images, labels = sheets._equal_steps(renderer, session, fine, 5)
    before = renderer.image(sheets.alone(session))
    sizes = [(row - before).square().mean(dim=(1, 2, 3)).sqrt() for row in images]
    assert len(labels) == 5
    assert torch.allclose(sizes[0], sizes[1], atol=0.05)
    strengths = sheets.steps(-1.5, 1.5, 5)
    plain = [renderer.images(sheets.at_each(session, card, strengths)) for card in cards]
    unequal = [(row - before).square().mean(dim=(1, 2, 3)).sqrt() for row in plain]
    assert not torch.allclose(unequal[0], unequal[1], atol=0.05)


@pytest.mark.parametrize(
    ("low", "high"),
    [(-0.8, 3.0), (-3.0, 3.0), (-0.4, 0.35), (-0.02, 1.01), (0.2, 5.0), (-5.0, 5.0)],
)
@pytest.mark.parametrize("count", [5, 7])
def test_columns_hold_0_and_1_where_they_lie_between(low: float, high: float, count: int) -> None:
    strengths = sheets.shown_strengths(low, high, count)
    assert len(set(strengths)) == count
    assert strengths == sorted(strengths)
    assert low <= strengths[0] <= strengths[-1] <= high
    for wanted in (0.0, 1.0):
        assert (wanted in strengths) == (low <= wanted <= high)


def test_a_sheet_suits_a_light_page_and_a_dark_one(
    renderer: Renderer, session: Session, library: Library
) -> None:
    data = sheets.layers(renderer, session, library.direction("hair.safetensors"))
    shown = open_picture(data)
    assert shown.mode == "RGBA"
    assert shown.getpixel((0, 0))[3] == 0
    saved = open_picture(downloads.on_paper(data))
    assert (saved.mode, saved.getpixel((0, 0))) == ("RGB", (255, 255, 255))
    assert open_picture(downloads.doubled(data)).size == (2 * shown.width, 2 * shown.height)


def test_a_random_direction_is_as_long_in_each_layer(library: Library) -> None:
    hair = library.direction("hair.safetensors")
    random = sheets.random_like(hair)
    widths = [layer.width for layer in hair.layers]
    for piece, like in zip(random.vector.split(widths), hair.vector.split(widths), strict=True):
        assert piece.norm() == pytest.approx(float(like.norm()), abs=1e-5)
    assert not torch.equal(random.vector, hair.vector)
    assert torch.equal(sheets.random_like(hair).vector, random.vector)


def test_a_style_channel_moves_one_number(world: World) -> None:
    direction = sheets.style_channel(world, " 1/2")
    assert direction.vector.nonzero().tolist() == [[10]]
    direction.check(world.generator)
    with pytest.raises(BadSetting):
        sheets.style_channel(world, "1/3")


def test_too_many_rows_or_none_are_a_sentence(
    renderer: Renderer, session: Session, library: Library
) -> None:
    hair = library.direction("hair.safetensors")
    for cards in ([], [hair] * (sheets.MOST_COMPARED + 1)):
        with pytest.raises(BadSetting):
            sheets.side_by_side(renderer, session, False, "", False, *cards)


def test_rows_have_names(renderer: Renderer, session: Session, library: Library) -> None:
    card = replace(library.direction("hair.safetensors"), name="<b>")
    data = sheets.side_by_side(renderer, session, False, "", False, card)
    assert open_picture(data).height > 96


@pytest.mark.parametrize("kind", ["gif", "mp4"])
def test_an_interpolation_can_be_of_another_kind(
    renderer: Renderer, session: Session, kind: Kind
) -> None:
    data = sheets.interpolation(renderer, session, 9, kind)
    assert data[:4] == b"GIF8" if kind == "gif" else data[4:8] == b"ftyp"


def test_an_interpolation_begins_and_turns_at_its_seeds(
    renderer: Renderer, session: Session
) -> None:
    animation = open_picture(sheets.interpolation(renderer, session, 9, "webp"))
    # There and back; images that look the same become one.
    assert sheets.SWEPT <= animation.n_frames <= 2 * sheets.SWEPT - 2
    first = np.asarray(animation.convert("RGB"), float)
    exact = np.asarray(open_picture(renderer.shot(session).png).convert("RGB"), float)
    assert np.abs(first - exact).mean() < 12.0  # WebP's loss


# --- by the names of cards -----------------------------------------------------------------------


def test_sheets_are_drawn_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    files = list(desk.cards())
    assert sorted(files) == ["eyes.safetensors", "hair.safetensors"]
    first = desk.sheet(sheets.side_by_side, True, "1/2", True, files=files)
    assert first is not None
    assert desk.notice is None
    assert desk.sheet(sheets.palette, files=files) is not None
    assert desk.sheet(sheets.layers, files=files[:1]) is not None
    assert desk.sheet(sheets.interpolation, 9, "webp") is not None
    monkeypatch.setattr(Renderer, "images", None)
    assert desk.sheet(sheets.side_by_side, True, "1/2", True, files=files) is first


def test_a_strip_follows_the_image(desk: Desk) -> None:
    desk.add("hair.safetensors")
    strip = desk.sheet(sheets.strip)
    assert strip is not None
    handle(desk, {"do": "next", "by": 1})
    assert desk.sheet(sheets.strip) != strip


@pytest.mark.parametrize("channel", ["x", "1", "1/", "/1", "-1/2", "9/9", "1/2/3", "²/1", "9" * 30])
def test_a_channel_that_is_none_is_a_sentence(desk: Desk, channel: str) -> None:
    words = False, channel, False
    assert desk.sheet(sheets.side_by_side, *words, files=["hair.safetensors"]) is None
    assert desk.notice is not None
    assert desk.notice.bad


def test_a_card_that_went_away_is_a_sentence(desk: Desk, library: Library) -> None:
    library.delete("hair.safetensors")
    assert desk.sheet(sheets.layers, files=["hair.safetensors"]) is None
    assert desk.notice is not None


def test_a_generator_without_styles_says_so(world: World) -> None:
    with pytest.raises(UnknownName):
        sheets.style_channel(replace(world, generator=FakeGenerator(spaces=("z",))), "0/0")
