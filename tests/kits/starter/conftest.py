"""The renderer, a small generator that draws nothing in particular, one run of the smoke recipe."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import torch

from eclipsed.generators.stylegan2 import StyleGAN2, StyleGAN2Config
from eclipsed.worlds.starter.attributes import GROUP, GROUPS
from kits.starter import recipe
from kits.starter.design import W_DIM, mapping_tensors
from kits.starter.population import Z_DIM
from kits.starter.renderer import Avatars, Renderer

SMALL = {4: 6, 8: 6, 16: 6, 32: 4, 64: 4, 128: 4}


def people(
    *chosen: Mapping[str, str | tuple[str, str, float]],
    skin: float = 0.3,
    background: tuple[float, float] = (0.2, 0.1),
) -> Avatars:
    """Avatars of the first value of every group, except what is chosen.

    A choice is a value, or (value, value, t) for a blend.
    """
    weights = {g.name: np.zeros((len(chosen), len(g.values)), np.float32) for g in GROUPS}
    for row, choice in enumerate(chosen):
        for name, own in weights.items():
            value = choice.get(name, GROUP[name].names[0])
            first, second, t = (value, value, 0.0) if isinstance(value, str) else value
            own[row, GROUP[name].names.index(first)] += 1 - t
            own[row, GROUP[name].names.index(second)] += t
    n = len(chosen)
    ground = np.tile(np.array(background, np.float32), (n, 1))
    return Avatars(weights, np.full(n, skin, np.float32), ground)


@pytest.fixture(scope="session")
def renderer() -> Renderer:
    return Renderer()


@pytest.fixture(scope="session")
def small_generator() -> StyleGAN2:
    """The real mapping network before a small synthesis network with random weights."""
    mapping = {key: torch.from_numpy(value) for key, value in mapping_tensors().items()}
    config = StyleGAN2Config(
        resolution=128,
        channels=SMALL,
        z_dim=Z_DIM,
        w_dim=W_DIM,
        mapping_layers=3,
        mapping_width=len(mapping["mapping.fc0.weight"]),
    )
    torch.manual_seed(0)
    random = StyleGAN2(config).state_dict()
    return StyleGAN2.from_tensors(random | mapping, config)


@dataclass(frozen=True)
class Smoke:
    """Where one run of the smoke recipe left its checkpoints and its world."""

    work: Path
    world: Path


@pytest.fixture(scope="session")
def smoke(tmp_path_factory: pytest.TempPathFactory) -> Smoke:
    folder = tmp_path_factory.mktemp("smoke")
    made = Smoke(folder / "work", folder / "world")
    torch.manual_seed(0)
    assert recipe.main(["--smoke", "--work", str(made.work), "--out", str(made.world)]) == 0
    return made
