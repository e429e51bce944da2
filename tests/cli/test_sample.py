from __future__ import annotations

import pytest

from eclipsed.editing.images import load_png, to_pil
from eclipsed.types import World
from tests.cli.conftest import Run, check_refusal, save_card


@pytest.fixture(autouse=True)
def _cards(world: World) -> None:
    save_card(world, "hair.safetensors", "bright hair")


def test_sample_draws_a_grid_or_single_pictures(eclipsed: Run, world: World) -> None:
    assert eclipsed("sample", "--seeds", "0-4", "-o", "grid.png").code == 0
    assert load_png("grid.png")[1] is not None
    result = eclipsed(
        "sample", "--seeds", "0,2", "-o", "all/deep", "--json", "--truncation", "1"
    ).json
    assert result["files"] == ["all/deep/seed-0.png", "all/deep/seed-2.png"]
    picture, recipe = load_png("all/deep/seed-2.png")
    assert recipe is not None
    assert (recipe["seeds"], recipe["truncation"]) == ([2], 1.0)
    latents = world.generator.sample([2], truncation=1.0)
    assert picture.tobytes() == to_pil(world.generator.synthesize(latents).image[0]).tobytes()


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["sample", "--seeds", "0", "--truncation", "9", "-o", "x.png"], 2),
        (["sample", "--seeds", "0", "--truncation", "nan", "-o", "x.png"], 2),
        (["sample", "--seeds", "0", "-o", "hair.safetensors/x"], 1),
        (["sample", "--seeds", "0-2000", "-o", "x.png"], 2),
        (["sample", "--seeds", "0", "-o", "x.jpg"], 2),
    ],
)
def test_refusals_are_one_sentence_and_leave_nothing_behind(
    eclipsed: Run, words: list[str], code: int
) -> None:
    check_refusal(eclipsed, words, code)
