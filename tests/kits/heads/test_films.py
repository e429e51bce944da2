from __future__ import annotations

import numpy as np
import pytest

from eclipsed.worlds.heads.attributes import NAMES
from kits.heads import films
from kits.heads.films import MOST, film, main, step_sizes, unevenness
from kits.heads.renderer import Renderer


def test_steps_are_mean_changes_of_a_pixel() -> None:
    frames = np.zeros((3, 2, 2, 3), dtype=np.uint8)
    frames[1] = 3
    frames[2, 0] = 9
    np.testing.assert_allclose(step_sizes(frames), [3, (6 + 3) / 2])


def test_a_jump_is_uneven() -> None:
    assert unevenness(np.array([1.0, 1.0, 1.0])) == 1
    assert unevenness(np.array([1.0, 9.0, 1.0, 1.0])) == 9


# Those that move hair, skin or the whole mesh in the most intricate ways.
@pytest.mark.parametrize("name", ["age", "hair_curl", "hairline"])
def test_equal_steps_of_a_slider_change_a_picture_evenly(name) -> None:
    assert unevenness(step_sizes(film(name, 0, Renderer(40, samples=3)))) <= MOST


def test_people_of_the_films_are_of_the_table() -> None:
    for values in (*films.PEOPLE, *films.SHOWN_WITH.values()):
        assert set(values) <= set(NAMES)
    assert set(films.SHOWN_WITH) <= set(NAMES)


def test_an_unknown_attribute_is_refused(capsys) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["moustach"])
    assert stop.value.code == 2
    assert "no such attribute: moustach" in capsys.readouterr().err


def test_the_command_prints_a_line_per_film_and_saves_a_sheet(
    tmp_path, capsys, monkeypatch
) -> None:
    monkeypatch.setattr(films, "STEPS", 3)
    main(["lipstick", "--resolution", "16", "--sheet", str(tmp_path / "sheet.png")])
    printed = capsys.readouterr().out.splitlines()
    assert len(printed) == len(films.PEOPLE)
    assert all("lipstick" in line and "largest / median" in line for line in printed)
    assert (tmp_path / "sheet.png").is_file()
