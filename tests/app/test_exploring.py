from __future__ import annotations

import io

import numpy as np
import pytest
import torch
from PIL import Image

from eclipsed.app import exploring
from eclipsed.app import session as sessions
from eclipsed.app.answers import ask, matrix, texts_written
from eclipsed.app.desk import Desk
from eclipsed.app.explorer import Explorer
from eclipsed.app.exploring import Row
from eclipsed.app.library import Library
from eclipsed.app.rendering import Renderer
from eclipsed.app.session import Session
from eclipsed.editing.animation import Kind
from eclipsed.errors import BadSetting, UnknownName
from eclipsed.search import preflight
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
    picture = np.asarray(open_picture(exploring.palette(renderer, session, hair, eyes)), float)
    assert picture.shape[0] > 5 * 96
    one = exploring.palette(renderer, session, eyes, hair)
    assert (
        open_picture(one).tobytes()
        != open_picture(exploring.palette(renderer, session, hair, eyes)).tobytes()
    )


def test_layers_show_where_a_direction_lives(
    renderer: Renderer, session: Session, library: Library
) -> None:
    hair = library.direction("hair.safetensors")
    data = exploring.layer_sheet(renderer, session, hair)
    assert open_picture(data).width > 6 * 96


def test_equal_change_is_equal(renderer: Renderer, session: Session, library: Library) -> None:
    hair, eyes = (library.direction(f"{name}.safetensors") for name in ("hair", "eyes"))
    fine = [exploring.at_each(session, d, (-1.5, 1.5), 25) for d in (hair, eyes)]
    images, labels = exploring._equal_steps(renderer, session, fine, 5)
    before = renderer.image(exploring.alone(session, ()))
    sizes = [(row - before).square().mean(dim=(1, 2, 3)).sqrt() for row in images]
    assert len(labels) == 5
    assert torch.allclose(sizes[0], sizes[1], atol=0.05)
    plain = renderer.images(exploring.at_each(session, hair, (-1.5, 1.5), 5))
    other = renderer.images(exploring.at_each(session, eyes, (-1.5, 1.5), 5))
    unequal = [(row - before).square().mean(dim=(1, 2, 3)).sqrt() for row in (plain, other)]
    assert not torch.allclose(unequal[0], unequal[1], atol=0.05)


def test_a_random_direction_is_as_long_in_each_layer(library: Library) -> None:
    hair = library.direction("hair.safetensors")
    row = exploring.random_row(hair)
    widths = [layer.width for layer in hair.layers]
    for piece, like in zip(
        row.direction.vector.split(widths), hair.vector.split(widths), strict=True
    ):
        assert piece.norm() == pytest.approx(float(like.norm()), abs=1e-5)
    assert not torch.equal(row.direction.vector, hair.vector)
    assert torch.equal(exploring.random_row(hair).direction.vector, row.direction.vector)


def test_a_style_channel_moves_one_number(world: World) -> None:
    row = exploring.style_channel(world, 1, 2)
    assert row.direction.vector.nonzero().tolist() == [[10]]
    row.direction.check(world.generator)
    with pytest.raises(BadSetting):
        exploring.style_channel(world, 1, 3)


def test_nothing_to_compare_is_a_sentence(renderer: Renderer, session: Session) -> None:
    with pytest.raises(BadSetting):
        exploring.side_by_side(renderer, session, [])


def test_rows_have_names(renderer: Renderer, session: Session, library: Library) -> None:
    rows = [Row("<b>", library.direction("hair.safetensors"))]
    assert open_picture(exploring.side_by_side(renderer, session, rows)).height > 96


@pytest.mark.parametrize("kind", ["gif", "mp4"])
def test_an_interpolation_can_be_of_another_kind(
    renderer: Renderer, session: Session, kind: Kind
) -> None:
    data = exploring.interpolation(renderer, session, 9, kind)
    assert data[:4] == b"GIF8" if kind == "gif" else data[4:8] == b"ftyp"


def test_an_interpolation_begins_and_turns_at_its_seeds(
    renderer: Renderer, session: Session
) -> None:
    animation = open_picture(exploring.interpolation(renderer, session, 9))
    # There and back; images that look the same become one.
    assert exploring.ANIMATED <= animation.n_frames <= 2 * exploring.ANIMATED - 2
    first = np.asarray(animation.convert("RGB"), float)
    exact = np.asarray(open_picture(renderer.shot(session).png).convert("RGB"), float)
    assert np.abs(first - exact).mean() < 12.0  # WebP's loss


def test_too_many_images_are_a_sentence(renderer: Renderer, session: Session) -> None:
    for seeds in ([], list(range(100))):
        with pytest.raises(BadSetting):
            exploring.seeds_by_strengths(renderer, session, 0, seeds, 7)


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
    monkeypatch.setattr(exploring, "side_by_side", None)
    assert explorer.side_by_side(files, random=True, channel=" 1/2", equal_change=True) is first
    assert explorer.palette(*files) is not None
    assert explorer.layers(files[0]) is not None
    assert explorer.animation(9, "webp") is not None


def test_a_grid_needs_a_selected_line(explorer: Explorer) -> None:
    assert explorer.grid(3) is None
    explorer.desk.add("hair.safetensors")
    grid = explorer.grid(3)
    assert grid is not None
    explorer.desk.do({"do": "next", "by": 1})
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


def test_components_are_found_once_and_kept(
    explorer: Explorer, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = explorer.components("SeFa", 2, explorer.row_sets[0])
    assert found is not None
    sheet = explorer.component_sheet(found)
    monkeypatch.setattr(exploring, "side_by_side", None)
    assert explorer.components("SeFa", 2, explorer.row_sets[0]) is found
    assert explorer.component_sheet(found) is sheet is not None
    explorer.keep(found[1], " a  twist ")
    assert explorer.desk.notice is not None
    assert not explorer.desk.notice.bad
    kept = library.entries()[0]
    assert kept.name == "a twist"
    explorer.desk.add(kept.file)
    assert len(explorer.desk.session.lines) == 1


def test_a_component_that_is_kept_twice_is_called_as_before(explorer: Explorer) -> None:
    found = explorer.components("SeFa", 1, explorer.row_sets[0]) or []
    explorer.keep(found[0], "first")
    explorer.keep(found[0], "second")
    assert explorer.desk.notice is not None
    assert "“first”" in explorer.desk.notice.text


@pytest.mark.parametrize("name", ["", " ", "x" * 201, "a\x00b"])
def test_a_name_that_no_card_can_have_keeps_nothing(
    explorer: Explorer, library: Library, name: str
) -> None:
    found = explorer.components("SeFa", 1, explorer.row_sets[0]) or []
    explorer.keep(found[0], name)
    assert explorer.desk.notice is not None
    assert explorer.desk.notice.bad
    assert len(library.entries()) == 2


def test_a_sum_is_shown_and_kept(explorer: Explorer, library: Library) -> None:
    total = explorer.total("1-3", "4,5", "")
    assert total is not None
    assert total.to == (explorer.desk.session.seed,)
    sheet = explorer.sum_sheet(total)
    assert sheet is not None
    assert explorer.sum_sheet(total) is sheet
    explorer.keep_sum(total, "three of five", "")
    assert library.entries()[0].name == "three of five"
    assert explorer.total("1", "<b>", "") is None
    assert explorer.sum_sheet(total) is sheet
    same = explorer.total("1,2", "2,1", "3")
    assert same is not None
    assert explorer.sum_sheet(same) is None


def test_a_report_is_written_into_its_card(explorer: Explorer, library: Library) -> None:
    told: list[int] = []
    report = explorer.report("hair.safetensors", 8, lambda done, of: told.append(done))
    assert report is not None
    assert told == [8]
    assert explorer.report_sheet(report) is not None
    explorer.keep_scores("hair.safetensors", report)
    kept = library.direction("hair.safetensors")
    assert (kept.scores, kept.judged_by) == (report.scores, report.judged_by)
    library.delete("hair.safetensors")
    assert explorer.report("hair.safetensors", 8, lambda done, of: None) is None
    explorer.keep_scores("hair.safetensors", report)
    assert explorer.desk.notice is not None
    assert explorer.desk.notice.bad


def test_phrasings_are_looked_at_once(explorer: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, few = preflight.check, preflight.SEEDS[:32]
    monkeypatch.setattr(preflight, "check", lambda world, goal: whole(world, goal, few))
    found = explorer.phrasings("bright hair\nbright eyes")
    assert found is not None
    again = explorer.phrasings("bright eyes\nbright hair")
    assert again is not None
    assert again[1] is found[0]
    assert explorer.phrasings(" ") is None
    assert explorer.desk.notice is not None


# --- images and texts ----------------------------------------------------------------------------


def test_an_image_answers_what_it_shows(world: World) -> None:
    found = ask(world, [1, 2, 3], ["bright hair", "dark hair", "bright mouth"])
    assert found.cosines.shape == (3, 3)
    assert torch.allclose(found.probabilities.sum(dim=1), torch.ones(3))
    latents = world.generator.sample([1, 2, 3], truncation=world.truncation)
    images = world.generator.synthesize(latents).image
    texts = world.encoder.encode_text(["bright hair", "dark hair", "bright mouth"])
    expected = world.encoder.encode_image(images.clamp(-1.0, 1.0)) @ texts.t()
    torch.testing.assert_close(found.cosines, expected)
    assert found.probabilities.argmax(dim=1).tolist() == expected.argmax(dim=1).tolist()


def test_answers_are_a_matrix_of_texts_and_images(world: World) -> None:
    found = ask(world, [1, 2, 3], ["bright hair", "<b>dark</b> hair"])
    table = matrix(found, "probability")
    assert [cell.text for cell in table.head] == ["", "seed 1", "seed 2", "seed 3"]
    assert [row[0].text for row in table.rows] == ["bright hair", "<b>dark</b> hair"]
    assert all(len(cell.pictures) == 1 for cell in table.head[1:])
    for image in range(3):
        column = [row[image + 1] for row in table.rows]
        shades = [cell.shade or 0.0 for cell in column]
        assert sum(shades) == pytest.approx(1.0)
        assert [cell.strong for cell in column] == [shade == max(shades) for shade in shades]
    shades = [cell.shade for row in matrix(found, "cosine").rows for cell in row[1:]]
    assert (min(filter(None, shades)) > 0.0, max(filter(None, shades))) == (True, 1.0)


def test_texts_are_lines(world: World) -> None:
    assert texts_written(" a \n\n b\na\n") == ("a", "b")
    for text in ("", " \n ", "\n".join(map(str, range(13))), "x" * 301):
        with pytest.raises(BadSetting):
            texts_written(text)
    with pytest.raises(BadSetting):
        ask(world, [], ["a"])


def test_a_generator_without_styles_says_so(world: World, explorer: Explorer) -> None:
    from dataclasses import replace

    from tests.fakes import OnlyZ

    other = replace(world, generator=OnlyZ())
    with pytest.raises(UnknownName):
        exploring.style_channel(other, 0, 0)
