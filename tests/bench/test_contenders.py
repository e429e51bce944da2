from __future__ import annotations

import pytest

from eclipsed.bench.contenders import CONTENDERS, contenders_named
from eclipsed.errors import UnknownName
from eclipsed.methods.registry import METHODS
from eclipsed.search.loop import PRESETS


def test_every_method_and_every_preset_takes_part() -> None:
    assert set(CONTENDERS) == {*PRESETS, *METHODS} - {"eclipsed"}
    assert [CONTENDERS[name].config.preset for name in PRESETS] == list(PRESETS)
    for contender in CONTENDERS.values():
        assert isinstance(contender.config, contender.method.config)


def test_names_are_taken_in_order_and_strangers_refused() -> None:
    found = contenders_named(["paper", "default"])
    assert [contender.name for contender in found] == ["paper", "default"]
    with pytest.raises(UnknownName, match="paper-scaled"):
        contenders_named(["default", "magic"])
