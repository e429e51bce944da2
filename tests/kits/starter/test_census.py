from __future__ import annotations

import pytest
from kits.starter.census import CHUNK

from eclipsed.worlds.starter.attributes import GROUPS, JUDGED
from kits.starter.evaluate import census
from kits.starter.population import COLUMNS, COUPLINGS, prior


def test_a_census_counts_values_and_couplings() -> None:
    counted = census(2 * CHUNK + 17)
    assert counted["draws"] == 2 * CHUNK + 17
    assert list(counted["shares"]) == list(JUDGED)
    for group, shares in counted["shares"].items():
        assert list(shares) == list(JUDGED[group])
        assert sum(shares.values()) == pytest.approx(1, abs=0.002)
    for group in GROUPS:
        expected = dict(zip(group.names, prior()[COLUMNS[group.name]], strict=True))
        assert counted["shares"][group.name] == pytest.approx(expected, abs=0.03)
    assert len(counted["couplings"]) == len(COUPLINGS)
    for given, then, everybody, some in counted["couplings"]:
        assert given[1] in JUDGED[given[0]]
        assert counted["shares"][then[0]][then[1]] == everybody
        assert some > 1.1 * everybody


def test_a_census_is_deterministic() -> None:
    assert census(500) == census(500)
