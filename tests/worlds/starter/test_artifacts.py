from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from torch import Tensor

from eclipsed.worlds.starter.artifacts import SHAPES, SHEET, artifact
from eclipsed.worlds.starter.attributes import REGIONS
from eclipsed.worlds.starter.world import WEIGHTS
from kits.fitting import to_images
from kits.starter.design import avatars_from_codes
from kits.starter.population import uniform_codes
from kits.starter.renderer import Avatars, Drawing, Renderer, save_parts


def drawn(count: int = 12) -> tuple[Avatars, Drawing]:
    avatars = avatars_from_codes(uniform_codes(np.random.default_rng(3), count))
    return avatars, Renderer(128).render(avatars)


def verdict(avatars: Avatars) -> dict[str, Tensor]:
    return {group: torch.from_numpy(avatars.weights[group]) for group in SHAPES}


def test_a_clean_render_has_no_artifact() -> None:
    avatars, drawing = drawn()
    images = to_images(drawing.images)
    assert float(artifact(images, verdict(avatars)).max()) < 0.02


def test_any_colour_of_what_is_free_is_clean() -> None:
    avatars, drawing = drawn(4)
    images = to_images(drawing.images)
    plain = artifact(images, verdict(avatars))
    behind = torch.from_numpy(drawing.labels == REGIONS.index("background"))[:, None]
    images = torch.where(behind, images - 0.3, images)
    darker = artifact(images, verdict(avatars))
    assert float((darker - plain).max()) < 0.03


@pytest.mark.parametrize("change", ["tint", "blur", "fade"])
def test_what_no_avatar_shows_is_far(change: str) -> None:
    avatars, drawing = drawn()
    images = to_images(drawing.images)
    plain = artifact(images, verdict(avatars))
    mouth = torch.from_numpy(drawing.labels == REGIONS.index("mouth"))[:, None]
    green = torch.tensor([-0.3, 0.4, -0.3]).view(3, 1, 1)
    changed = {
        "tint": torch.where(mouth, images * 0.5 + green, images),
        "blur": torch.nn.functional.avg_pool2d(images, 9, 1, 4),
        "fade": images.lerp(images.roll(1, dims=0), 0.4),
    }[change]  # fmt: skip
    far = artifact(changed, verdict(avatars))
    assert float((far - plain).median()) > 0.02


def test_the_sheet_is_what_the_renderer_draws(tmp_path: Path) -> None:
    save_parts(tmp_path)
    drawn, shipped = (
        np.asarray(Image.open(folder / SHEET)) for folder in (tmp_path, WEIGHTS.parent)
    )
    np.testing.assert_array_equal(drawn, shipped)
