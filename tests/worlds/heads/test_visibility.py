from __future__ import annotations

import pytest
import torch
from torch import Tensor

from eclipsed.worlds.heads.attributes import ATTRIBUTES, NAMES, REGIONS
from eclipsed.worlds.heads.visibility import COVERED, NEEDS, PIXELS, visible

EVERYTHING = (torch.arange(128**2) % len(REGIONS)).view(1, 128, 128)


def told(labels: Tensor = EVERYTHING, **values: float) -> dict[str, bool]:
    row = torch.tensor([[values.get(a.name, a.usual) for a in ATTRIBUTES]])
    return dict(zip(NAMES, visible(row, labels)[0].tolist(), strict=True))


def without(*regions: str) -> Tensor:
    numbers = torch.tensor([REGIONS.index(region) for region in regions])
    return torch.where(torch.isin(EVERYTHING, numbers), 0, EVERYTHING)


def test_the_tables_name_attributes_and_regions() -> None:
    for table in (NEEDS, COVERED):
        assert set(table) | {name for row in table.values() for name in row} <= set(NAMES)
    assert set(PIXELS) <= set(NAMES)
    assert {region for regions, _ in PIXELS.values() for region in regions} <= set(REGIONS)


@pytest.mark.parametrize(
    ("name", "hidden", "shown"),
    [
        ("glasses_round", {"glasses": 0.0}, {"glasses": 0.8}),
        ("lens_dark", {"glasses": 0.1}, {"glasses": 0.5}),
        ("hat_warm", {"hat": 0.0}, {"hat": 0.6}),
        ("hair_curl", {"hair_length": 0.0}, {"hair_length": 0.5}),
        ("hair_dark", {"hair_length": 0.5, "dye": 1.0}, {"hair_length": 0.5}),
        ("fringe", {"hat": 0.8}, {"hat": 0.0}),
        ("dye_tint", {"dye": 0.0}, {"dye": 0.7}),
        ("beard_length", {"beard": 0.0}, {"beard": 0.0, "moustache": 0.6}),
        ("eye_color", {"eye_open": 0.1}, {"eye_open": 0.7}),
        ("eye_color", {"glasses": 0.9, "lens_dark": 0.9}, {"glasses": 0.0, "lens_dark": 0.9}),
    ],
)
def test_what_is_not_there_or_covered_cannot_be_told(
    name: str, hidden: dict[str, float], shown: dict[str, float]
) -> None:
    assert not told(**hidden)[name]
    assert told(**shown)[name]


def test_whether_a_thing_is_worn_can_always_be_told() -> None:
    for name in ("glasses", "hat", "beard", "moustache", "hair_length", "smile", "skin_tone"):
        assert told()[name]


def test_parts_that_do_not_show_tell_nothing() -> None:
    """Nobody knows whether ears below long hair stand out, or wear rings."""
    assert told()["ears_out"]
    assert not told(without("ears"))["ears_out"]
    assert told(without("ears"))["earrings"]
    assert not told(without("ears", "earrings"))["earrings"]
    assert not told(without("brows"))["brow_thick"]


def test_fewer_pixels_suffice_in_a_smaller_image() -> None:
    small = EVERYTHING[:, :32, :32]
    assert told(small)["ears_out"]
    some = torch.zeros(1, 128, 128, dtype=torch.uint8)
    some[0, :2, :5] = REGIONS.index("ears")
    assert not told(some)["ears_out"]
    assert told(some[:, :32, :32])["ears_out"]
