from __future__ import annotations

import numpy as np
import pytest
import torch
from eclipsed.worlds.starter.redraw import nearest_drawing
from torch import Tensor

from eclipsed.errors import MissingExtra
from eclipsed.worlds.starter import redraw
from eclipsed.worlds.starter.artifacts import FILLS, SHAPES
from eclipsed.worlds.starter.attributes import GROUP, REGIONS
from kits.fitting import to_images
from kits.starter import renderer
from kits.starter.design import avatars_from_codes
from kits.starter.population import uniform_codes
from kits.starter.renderer import Avatars, Drawing, Renderer


def drawn(count: int = 12) -> tuple[Avatars, Drawing]:
    avatars = avatars_from_codes(uniform_codes(np.random.default_rng(3), count))
    return avatars, Renderer(128).render(avatars)


def verdict(avatars: Avatars) -> dict[str, Tensor]:
    return {group: torch.from_numpy(avatars.weights[group]) for group in SHAPES}


def test_a_tinted_avatar_in_its_colours_is_the_render() -> None:
    avatars, drawing = drawn()
    colours = {
        "background": renderer.background_color(avatars.background),
        "skin": renderer.skin_color(avatars.skin),
    }
    for group in FILLS[2:]:
        palette = np.stack([renderer.hex_color(str(v.color)) for v in GROUP[group].values])
        colours[group] = avatars.weights[group] @ palette
    for i in range(len(avatars)):
        values = {group: int(avatars.index(group)[i]) for group in SHAPES}
        tinted = Renderer(128).tinted(values)
        image = tinted.black.copy()
        for fill, tint in zip(FILLS, tinted.tints, strict=True):
            image += tint[..., None] * colours[fill][i]
        assert np.abs(image * 255 - drawing.images[i]).max() < 2.0
        assert np.array_equal(tinted.labels, drawing.labels[i])


def test_a_clean_render_is_its_own_nearest_drawing() -> None:
    avatars, drawing = drawn()
    images = to_images(drawing.images)
    nearest, distance = nearest_drawing(images, verdict(avatars))
    assert float(distance.max()) < 0.02
    assert float((nearest - images).abs().mean()) < 0.01


def test_any_colour_of_what_is_free_is_clean() -> None:
    avatars, drawing = drawn(4)
    images = to_images(drawing.images)
    plain = nearest_drawing(images, verdict(avatars))[1]
    behind = torch.from_numpy(drawing.labels == REGIONS.index("background"))[:, None]
    images = torch.where(behind, images - 0.3, images)
    darker = nearest_drawing(images, verdict(avatars))[1]
    assert float((darker - plain).max()) < 0.03


@pytest.mark.parametrize("smear", ["tint", "blur", "fade"])
def test_what_no_avatar_shows_is_far(smear: str) -> None:
    avatars, drawing = drawn()
    images = to_images(drawing.images)
    plain = nearest_drawing(images, verdict(avatars))[1]
    mouth = torch.from_numpy(drawing.labels == REGIONS.index("mouth"))[:, None]
    green = torch.tensor([-0.3, 0.4, -0.3]).view(3, 1, 1)
    smeared = {
        "tint": torch.where(mouth, images * 0.5 + green, images),
        "blur": torch.nn.functional.avg_pool2d(images, 9, 1, 4),
        "fade": images.lerp(images.roll(1, dims=0), 0.4),
    }[smear]  # fmt: skip
    far = nearest_drawing(smeared, verdict(avatars))[1]
    assert float((far - plain).median()) > 0.02


def test_without_the_extra_it_is_a_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(renderer, "find_spec", lambda name: None)
    renderer._parts_at.cache_clear()
    redraw._drawing.cache_clear()
    avatars = {group: torch.eye(len(GROUP[group].values))[:1] for group in SHAPES}
    with pytest.raises(MissingExtra, match="starter"):
        nearest_drawing(torch.zeros(1, 3, 128, 128), avatars)
