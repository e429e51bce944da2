from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from eclipsed.app import arithmetic
from eclipsed.app.arithmetic import MOST_SEEDS, Sum, difference, seeds_written
from eclipsed.errors import BadSetting
from eclipsed.types import World
from tests.app.hostile import HOSTILE
from tests.fakes import OnlyZ

TOTAL = Sum((1, 2, 3), (4, 5), (6,))


@pytest.mark.parametrize(
    ("text", "seeds"),
    [("1", (1,)), ("1, 2,5-7", (1, 2, 5, 6, 7)), ("3,3", (3,)), ("4294967295", (2**32 - 1,))],
)
def test_seeds_are_written_as_on_the_command_line(text: str, seeds: tuple[int, ...]) -> None:
    assert seeds_written(text) == seeds


@pytest.mark.parametrize("text", ["", "x", "-1", "3-1", "1.5", "4294967296", "0-999", *HOSTILE])
def test_seeds_that_make_no_sense_are_a_sentence(text: str) -> None:
    with pytest.raises(BadSetting):
        seeds_written(text)


def test_no_more_seeds_than_a_sheet_shows() -> None:
    assert len(seeds_written(f"1-{MOST_SEEDS}")) == MOST_SEEDS
    with pytest.raises(BadSetting, match="At most"):
        seeds_written(f"0-{MOST_SEEDS}")


def test_the_difference_is_one_of_means(world: World) -> None:
    latents = world.generator.sample([1, 2, 3, 4, 5], truncation=0.5)
    expected = latents[:3].mean(dim=0) - latents[3:].mean(dim=0)
    torch.testing.assert_close(difference(world, (1, 2, 3), (4, 5), 0.5), expected)
    with pytest.raises(BadSetting, match="nothing is left"):
        difference(world, (1, 2), (2, 1), 0.5)


def test_the_sheet_shows_means_seeds_and_the_sum(world: World) -> None:
    picture = np.asarray(Image.open(io.BytesIO(arithmetic.sheet(world, TOTAL, 0.7))), float)
    more = arithmetic.sheet(world, replace(TOTAL, to=(6, 7, 8, 9)), 0.7)
    assert picture.shape[1] > 4 * 96
    assert Image.open(io.BytesIO(more)).height > picture.shape[0]


def test_the_sum_is_the_image_of_the_sum(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Tensor] = []

    def look(images: Tensor, *words: list[str]) -> bytes:
        seen.append(images)
        return b""

    monkeypatch.setattr(arithmetic, "picture_sheet", look)
    arithmetic.sheet(world, TOTAL, 0.7)
    base = world.generator.sample([6], truncation=0.7)
    expected = world.generator.synthesize(base + difference(world, (1, 2, 3), (4, 5), 0.7)).image
    torch.testing.assert_close(seen[0][1, 3], expected[0])
    assert bool((seen[0][2, 2] == 1.0).all())  # paper, where there is no further seed


def test_the_card_is_calibrated_like_the_method(world: World) -> None:
    found = arithmetic.card(world, TOTAL, 0.7, "")
    found.check(world.generator)
    vector = difference(world, (1, 2, 3), (4, 5), 0.7)
    assert torch.cosine_similarity(found.vector, vector, dim=0) == pytest.approx(1.0, abs=1e-5)
    assert (found.method, found.prompt) == ("latent-arithmetic", "")
    assert (found.config["with"], found.config["without"]) == ([1, 2, 3], [4, 5])
    told = arithmetic.card(world, TOTAL, 0.7, " bright hair ")
    assert (told.prompt, told.regions) == ("bright hair", ("hair",))


def test_a_generator_of_z_alone_adds_up_too(world: World) -> None:
    other = replace(world, generator=OnlyZ())
    assert arithmetic.card(other, TOTAL, 0.7, "").space == "z"
    assert arithmetic.sheet(other, TOTAL, 0.7)


def test_a_prompt_that_cannot_be_one_is_a_sentence(world: World) -> None:
    for prompt in ("x" * 501, "a\x00b"):
        with pytest.raises(BadSetting):
            arithmetic.card(world, TOTAL, 0.7, prompt)
