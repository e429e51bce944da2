"""Edited latents against the original code: index 1 of two directions, at strength −1.5.

The original's Z with layers adds the latent in place of the direction; that bug is left out.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from eclipsed.directions import Direction, keep_layers
from eclipsed.editing.stack import Edit, EditStack
from eclipsed.generators.stylegan2 import StyleGAN2, StyleGAN2Config
from eclipsed.types import Layer, Space
from tests.golden import golden_arrays

STRENGTH = -1.5


def generator_of_the_case() -> StyleGAN2:
    channels = dict.fromkeys((4, 8, 16, 32, 64), 2)
    config = StyleGAN2Config(64, channels, z_dim=8, w_dim=8, mapping_layers=1)
    return StyleGAN2.from_tensors(StyleGAN2(config).state_dict(), config)


def moved(vector: Tensor, latents: Tensor, space: Space, layers: tuple[int, ...] | None) -> Tensor:
    generator = generator_of_the_case()
    direction = Direction(
        vector=vector,
        name="case",
        prompt="case",
        neutral="",
        space=space,
        layers=generator.layers(space),
        generator_name=generator.name,
        generator_fingerprint=generator.fingerprint,
        method="recorded",
    )
    stack = EditStack().add(Edit(direction, STRENGTH, layers))
    return stack.apply(generator, latents, "z" if space == "z" else "w+")


@pytest.mark.parametrize(
    ("name", "space", "layers", "key"),
    [
        ("Z", "z", None, "all"),
        ("W", "w", None, "all"),
        ("W", "w", (3, 4), "3_4"),
        ("W+", "w+", None, "all"),
        ("W+", "w+", (3, 4), "3_4"),
    ],
)
def test_edited_latents_equal_the_original(
    name: str, space: Space, layers: tuple[int, ...] | None, key: str
) -> None:
    case = golden_arrays("losses/move_latent.npz")
    vector, latents = case[f"{name}.dirs"][1].flatten(), case[f"{name}.latent"].flatten(1)
    expected = case[f"{name}.moved.{key}"].flatten(1)
    result = moved(vector, latents, space, layers)
    torch.testing.assert_close(result, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("chosen", "key"), [(None, "all"), ((1, 3), "1_3")])
def test_edited_styles_equal_the_original(chosen: tuple[int, ...] | None, key: str) -> None:
    case = golden_arrays("losses/move_latent.npz")
    widths = [case[f"S.dirs.{i}"].shape[1] for i in range(4)]
    layers = [Layer(f"style_{i}", width) for i, width in enumerate(widths)]
    vector = torch.cat([case[f"S.dirs.{i}"][1] for i in range(4)])
    result = torch.cat([case[f"S.latent.{i}"] for i in range(4)], dim=1)
    result = result + STRENGTH * keep_layers(vector, layers, chosen)
    for i, part in enumerate(result.split(widths, dim=1)):
        # Of styles that are not moved the original returns nothing.
        expected = case.get(f"S.moved.{key}.{i}", case[f"S.latent.{i}"])
        torch.testing.assert_close(part, expected, rtol=1e-6, atol=1e-6)
