from __future__ import annotations

import pytest
import torch

from eclipsed.errors import BadSetting, UnknownName
from eclipsed.generators.spaces import best_space, check_conversion, layer_mask, longest_layer
from eclipsed.testing import ROWS, W_DIM, FakeGenerator


def test_conversions_that_do_not_exist_are_refused() -> None:
    generator, latents = FakeGenerator(spaces=("z", "w", "w+")), torch.zeros(1, W_DIM)
    check_conversion(generator, latents, "z", "w+")
    with pytest.raises(UnknownName, match=r"no latent space 's'\. Choose one of z, w"):
        check_conversion(generator, latents, "z", "s")
    with pytest.raises(UnknownName, match="z → w"):
        check_conversion(generator, latents, "w", "z")
    with pytest.raises(BadSetting, match=r"shape \[1, 8\], but those of w\+ here are \[N, 32\]"):
        check_conversion(generator, latents, "w+", "w+")


def test_the_best_space_is_w_plus_or_z_of_a_generator_without_it() -> None:
    assert best_space(FakeGenerator()) == "w+"
    assert best_space(FakeGenerator(spaces=("z",))) == "z"


def test_a_mask_of_layers_chooses_their_numbers() -> None:
    mask = layer_mask(FakeGenerator(), "w+", [1])
    assert mask.view(ROWS, W_DIM).all(dim=1).tolist() == [False, True, False, False]
    assert bool(layer_mask(FakeGenerator(), "w+", None).all())
    with pytest.raises(UnknownName):
        layer_mask(FakeGenerator(), "w+", [ROWS])


def test_the_longest_layer_is_measured_in_its_own_spread() -> None:
    generator = FakeGenerator()
    vector = torch.zeros(ROWS, W_DIM)
    vector[2, 0] = 3.0 * generator.spread("w+")[2]
    assert longest_layer(generator, "w+", vector.flatten()) == pytest.approx(3.0)
