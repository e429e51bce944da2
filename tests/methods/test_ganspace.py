from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

import pytest
import torch
from torch import Tensor

from eclipsed.errors import BadSetting, UnknownName
from eclipsed.methods.ganspace import GanSpaceConfig, components_of_w, components_of_z, find
from eclipsed.testing import W_DIM, FakeGenerator, fake_world
from eclipsed.types import Goal, Noise, Space, Synthesis
from tests.methods.looking import NO_GOAL

SOME = (" of layers 0-2", " of layers 3")
QUICK = GanSpaceConfig(count=3, samples=500, feature_samples=64)


@lru_cache
def turned(seed: int = 1) -> Tensor:
    """Orthonormal columns [8, 8]."""
    random = torch.Generator().manual_seed(seed)
    return torch.linalg.qr(torch.randn(W_DIM, W_DIM, generator=random))[0]


@dataclass(frozen=True)
class Stretched(FakeGenerator):
    """w is wide along the first column of `turned`, half as wide along the second, and so on."""

    def from_z(
        self, z: Tensor, truncation: float = 1.0, cutoff: int | None = None, space: Space = "w+"
    ) -> Tensor:
        if space == "z":
            return z
        w = z * 0.5 ** torch.arange(W_DIM) @ turned().T + 3.0
        return w if space == "w" else w.repeat(1, 4)


@dataclass(frozen=True)
class StretchedZ(FakeGenerator):
    """The first features are as wide as the numbers of `Stretched`'s w."""

    def synthesize(
        self,
        latents: Tensor,
        space: Space = "z",
        noise: Noise = "const",
        features: Sequence[str] = (),
        truncation: float = 1.0,
    ) -> Synthesis:
        image = torch.zeros(len(latents), 3, 4, 4)
        wide = latents @ turned() * 0.5 ** torch.arange(W_DIM)
        mixed = wide @ turned(2).T + 5.0
        return Synthesis(image, dict.fromkeys(features, mixed[:, :, None, None]))


def test_components_are_those_that_w_was_made_with() -> None:
    config = GanSpaceConfig(count=3, samples=20_000)
    components = components_of_w(Stretched(), config)
    along = (components.rows @ turned()).abs()
    torch.testing.assert_close(along, torch.eye(W_DIM)[:3], rtol=0, atol=0.03)
    variances = 0.25 ** torch.arange(W_DIM)
    expected = (variances / variances.sum())[:3].double()
    torch.testing.assert_close(components.variances, expected, rtol=0, atol=0.02)


def test_directions_of_z_are_those_that_move_the_components_of_features() -> None:
    config = GanSpaceConfig(count=3, feature_samples=512)
    components = components_of_z(StretchedZ(spaces=("z",)), config)
    rows = torch.nn.functional.normalize(components.rows, dim=1)
    along = (rows @ turned()).abs()
    torch.testing.assert_close(along, torch.eye(W_DIM)[:3], rtol=0, atol=0.2)


def test_every_component_is_a_direction_of_w_plus() -> None:
    found = find(fake_world(), NO_GOAL, replace(QUICK, layers=(0, 1, 2, 3)))
    assert [each.name for each in found] == ["component 1", "component 2", "component 3"]
    assert {each.space for each in found} == {"w+"}
    for number, each in enumerate(found, start=1):
        rows = each.vector.view(4, W_DIM)
        assert torch.equal(rows, rows[:1].expand(4, -1))
        assert (each.method, each.prompt, each.regions) == ("ganspace", "", ())
        assert each.config["component"] == number
        assert each.config["rows"] == [0, 1, 2, 3]
        assert 0.0 < each.config["variance"] < 1.0


def test_a_component_can_move_some_rows_only() -> None:
    found = find(fake_world(), NO_GOAL, replace(QUICK, count=1, layers=(1, 2)))
    assert [each.name for each in found] == ["component 1 of layers 1-2"]
    rows = found[0].vector.view(4, W_DIM)
    assert not rows[[0, 3]].any()
    assert torch.equal(rows[1], rows[2])
    assert rows[1].any()


def test_without_a_choice_every_component_is_offered_on_all_sets_of_rows() -> None:
    found = find(fake_world(), NO_GOAL, replace(QUICK, count=2))
    names = [f"component {i}{rows}" for i in (1, 2) for rows in ("", *SOME)]
    assert [each.name for each in found] == names


def test_no_more_components_than_a_latent_has_numbers() -> None:
    found = find(fake_world(), NO_GOAL, replace(QUICK, count=50, layers=(0,)))
    assert len(found) == W_DIM


def test_a_generator_with_z_alone_has_components_too() -> None:
    found = find(fake_world(spaces=("z",)), NO_GOAL, replace(QUICK, count=2))
    assert [(each.name, each.space) for each in found] == [
        ("component 1", "z"),
        ("component 2", "z"),
    ]


def test_same_call_same_bytes_whatever_the_goal() -> None:
    goal = Goal("bright hair", "a person", ("hair",))
    config = replace(QUICK, count=1)
    first, again = (find(fake_world(), each, config) for each in (NO_GOAL, goal))
    assert [each.unit for each in first] == [each.unit for each in again]
    assert all(torch.equal(a.vector, b.vector) for a, b in zip(first, again, strict=True))
    other = find(fake_world(), NO_GOAL, replace(config, seed=1))
    assert not torch.equal(first[0].vector, other[0].vector)


def test_a_row_that_is_not_there_is_refused() -> None:
    with pytest.raises(UnknownName, match="no layer 9"):
        find(fake_world(), NO_GOAL, replace(QUICK, layers=(9,)))


@pytest.mark.parametrize(
    "settings",
    [{"count": 0}, {"samples": 1}, {"feature_samples": 0}, {"seed": -1}, {"layers": ()}],
)
def test_settings_without_sense_are_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(BadSetting, match=next(iter(settings))):
        GanSpaceConfig(**settings)
