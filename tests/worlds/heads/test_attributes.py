from __future__ import annotations

from collections import Counter

import pytest

from eclipsed.worlds.heads.attributes import ATTRIBUTES, COLUMN, NAMES, REGIONS


def test_names_are_unique_identifiers_in_the_columns_order() -> None:
    assert len(set(NAMES)) == len(NAMES) == 75
    assert all(name.isidentifier() and name == name.lower() for name in NAMES)
    assert [COLUMN[name] for name in NAMES] == list(range(len(NAMES)))


@pytest.mark.parametrize("attribute", ATTRIBUTES, ids=NAMES)
def test_each_row_is_complete(attribute) -> None:
    assert attribute.region in REGIONS
    assert attribute.layer in ("coarse", "middle", "fine")
    assert attribute.kind in ("attribute", "nuisance")
    assert 0 <= attribute.usual <= 1
    assert attribute.low
    assert attribute.low != attribute.high
    assert attribute.high
    assert attribute.meaning


def test_pose_gaze_light_and_background_are_nuisances() -> None:
    nuisances = {a.name for a in ATTRIBUTES if a.kind == "nuisance"}
    for stem in ("yaw", "pitch", "roll", "gaze_", "light_", "background_", "base_shape_"):
        assert any(name.startswith(stem) for name in nuisances)
    assert len(nuisances) == 13


def test_every_group_of_layers_carries_much() -> None:
    assert min(Counter(a.layer for a in ATTRIBUTES).values()) >= 20


def test_regions_begin_with_the_background() -> None:
    assert REGIONS[0] == "background"
    assert len(set(REGIONS)) == len(REGIONS)
