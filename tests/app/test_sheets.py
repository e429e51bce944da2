from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from eclipsed.app import session as sessions
from eclipsed.app import sheets
from eclipsed.app.desk import Desk
from eclipsed.app.events import handle
from eclipsed.app.explorer import Explorer
from eclipsed.app.library import Library
from eclipsed.app.rendering import Renderer
from eclipsed.app.session import Session
from eclipsed.app.sheets import Row
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
        sessions.set_layers(session, 0, [1], world.generator),
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
    data = sheets.layer_sheet(renderer, session, hair)
    assert open_picture(data).width > 6 * 96


def test_equal_change_is_equal(renderer: Renderer, session: Session, library: Library) -> None:
    hair, eyes = (library.direction(f"{name}.safetensors") for name in ("hair", "eyes"))
    fine = [sheets.at_each(session, d, (-1.5, 1.5), 25) for d in (hair, eyes)]
    images, labels = sheets._equal_steps(renderer, session, fine, 5)
    before = renderer.image(sheets.alone(session, ()))
    sizes = [(row - before).square().mean(dim=(1, 2, 3)).sqrt() for row in images]
    assert len(labels) == 5
    assert torch.allclose(sizes[0], sizes[1], atol=0.05)
    plain = renderer.images(sheets.at_each(session, hair, (-1.5, 1.5), 5))
    other = renderer.images(sheets.at_each(session, eyes, (-1.5, 1.5), 5))
    unequal = [(row - before).square().mean(dim=(1, 2, 3)).sqrt() for row in (plain, other)]
    assert not torch.allclose(unequal[0], unequal[1], atol=0.05)


def test_a_random_direction_is_as_long_in_each_layer(library: Library) -> None:
    hair = library.direction("hair.safetensors")
    row = sheets.random_row(hair)
    widths = [layer.width for layer in hair.layers]
    for piece, like in zip(
        row.direction.vector.split(widths), hair.vector.split(widths), strict=True
    ):
        assert piece.norm() == pytest.approx(float(like.norm()), abs=1e-5)
    assert not torch.equal(row.direction.vector, hair.vector)
    assert torch.equal(sheets.random_row(hair).direction.vector, row.direction.vector)


def test_a_style_channel_moves_one_number(world: World) -> None:
    row = sheets.style_channel(world, 1, 2)
    assert row.direction.vector.nonzero().tolist() == [[10]]
    row.direction.check(world.generator)
    with pytest.raises(BadSetting):
        sheets.style_channel(world, 1, 3)


def test_nothing_to_compare_is_a_sentence(renderer: Renderer, session: Session) -> None:
    with pytest.raises(BadSetting):
        sheets.side_by_side(renderer, session, [])


def test_rows_have_names(renderer: Renderer, session: Session, library: Library) -> None:
    rows = [Row("<b>", library.direction("hair.safetensors"))]
    assert open_picture(sheets.side_by_side(renderer, session, rows)).height > 96


@pytest.mark.parametrize("kind", ["gif", "mp4"])
def test_an_interpolation_can_be_of_another_kind(
    renderer: Renderer, session: Session, kind: Kind
) -> None:
    data = sheets.interpolation(renderer, session, 9, kind)
    assert data[:4] == b"GIF8" if kind == "gif" else data[4:8] == b"ftyp"


def test_an_interpolation_begins_and_turns_at_its_seeds(
    renderer: Renderer, session: Session
) -> None:
    animation = open_picture(sheets.interpolation(renderer, session, 9))
    # There and back; images that look the same become one.
    assert sheets.ANIMATED <= animation.n_frames <= 2 * sheets.ANIMATED - 2
    first = np.asarray(animation.convert("RGB"), float)
    exact = np.asarray(open_picture(renderer.shot(session).png).convert("RGB"), float)
    assert np.abs(first - exact).mean() < 12.0  # WebP's loss


def test_too_many_images_are_a_sentence(renderer: Renderer, session: Session) -> None:
    for seeds in ([], list(range(100))):
        with pytest.raises(BadSetting):
            sheets.seeds_by_strengths(renderer, session, 0, seeds, 7)


# --- by the names of cards -----------------------------------------------------------------------


@pytest.fixture
def explorer(desk: Desk) -> Explorer:
    return Explorer(desk)


def test_sheets_are_drawn_once(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    files = explorer.files
    assert sorted(files) == ["eyes.safetensors", "hair.safetensors"]
    first = explorer.side_by_side(files, random=True, channel="1/2", equal_change=True)
    assert first is not None
    assert explorer.desk.notice is None
    monkeypatch.setattr(sheets, "side_by_side", None)
    assert explorer.side_by_side(files, random=True, channel=" 1/2", equal_change=True) is first
    assert explorer.palette(*files) is not None
    assert explorer.layers(files[0]) is not None
    assert explorer.animation(9, "webp") is not None


def test_a_grid_needs_a_selected_line(explorer: Explorer) -> None:
    assert explorer.grid(3) is None
    explorer.desk.add("hair.safetensors")
    grid = explorer.grid(3)
    assert grid is not None
    handle(explorer.desk, {"do": "next", "by": 1})
    assert explorer.grid(3) != grid


@pytest.mark.parametrize("channel", ["x", "1", "1/", "/1", "-1/2", "9/9", "1/2/3", "²/1", "9" * 30])
def test_a_channel_that_is_none_is_a_sentence(explorer: Explorer, channel: str) -> None:
    made = explorer.side_by_side(
        ["hair.safetensors"], random=False, channel=channel, equal_change=False
    )
    assert made is None
    assert explorer.desk.notice is not None
    assert explorer.desk.notice.bad


def test_a_card_that_went_away_is_a_sentence(explorer: Explorer, library: Library) -> None:
    library.delete("hair.safetensors")
    assert explorer.layers("hair.safetensors") is None
    assert explorer.desk.notice is not None
    assert explorer.layers(None) is explorer.palette(None, "eyes.safetensors") is None


def test_a_report_is_written_into_its_card(explorer: Explorer, library: Library) -> None:
    told: list[int] = []
    report = explorer.report("hair.safetensors", 8, lambda done, of: told.append(done))
    assert report is not None
    assert told == [8]
    assert explorer.report_sheet(report) is not None
    explorer.store_scores("hair.safetensors", report)
    kept = library.direction("hair.safetensors")
    assert (kept.scores, kept.judged_by) == (report.scores, report.judged_by)
    library.delete("hair.safetensors")
    assert explorer.report("hair.safetensors", 8, lambda done, of: None) is None
    explorer.store_scores("hair.safetensors", report)
    assert explorer.desk.notice is not None
    assert explorer.desk.notice.bad


def test_a_generator_without_styles_says_so(world: World, explorer: Explorer) -> None:
    from dataclasses import replace

    other = replace(world, generator=FakeGenerator(spaces=("z",)))
    with pytest.raises(UnknownName):
        sheets.style_channel(other, 0, 0)
