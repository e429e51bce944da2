from __future__ import annotations

import numpy as np
import pytest
import torch

from eclipsed.errors import BadSetting
from eclipsed.generators.seeds import noise_maps, noise_of, seeded_z


def test_a_seed_is_one_random_state() -> None:
    z = seeded_z([3, 2**32 - 1], 5)
    assert z.dtype == torch.float32
    np.testing.assert_array_equal(
        z.numpy()[0], np.random.RandomState(3).randn(5).astype(np.float32)
    )
    assert seeded_z([], 5).shape == (0, 5)
    for seed in (-1, 2**32):
        with pytest.raises(BadSetting, match="is not a seed"):
            seeded_z([seed], 5)


def test_seeded_noise_is_unit_normal_and_new_in_every_layer() -> None:
    maps = [noise_maps(9, layer, 40, 16) for layer in (3, 4)]
    for drawn in maps:
        assert drawn.shape == (40, 1, 16, 16)
        assert abs(float(drawn.mean())) < 0.05
        assert abs(float(drawn.std()) - 1) < 0.05
    assert not torch.allclose(maps[0], maps[1])


def test_noise_is_none_the_networks_own_or_of_a_seed() -> None:
    own = torch.randn(8, 8)
    assert noise_of("none", own, 2, 5) is None
    assert noise_of("const", own, 2, 5) is own
    drawn = noise_of(7, own, 2, 5)
    assert drawn is not None
    assert torch.equal(drawn, noise_maps(7, 2, 5, 8))
